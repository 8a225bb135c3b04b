// The overview page: store and live line on one side, panels on the other, one frame between them.

import { initCharts, rethemeCharts } from "./charts.js";
import { ChartPanels } from "./chart_panels.js";
import { drawdownPct, drawFigures, figureTexts, History } from "./figures.js";
import * as format from "./format.js";
import { Live } from "./live.js";
import { drawMarkets } from "./markets.js";
import { learnMarkets } from "./names.js";
import { Burst, showNotification } from "./notifications.js";
import { learnNames } from "./palette.js";
import { Panels } from "./panels.js";
import { drawRefusals } from "./refusals.js";
import { speaks } from "./rule_words.js";
import { Store } from "./store.js";
import { drawStrategies } from "./strategies.js";
import { drawTrades, tradesSentence } from "./table.js";
import { initTheme } from "./theme.js";
import { drawTopline } from "./topline.js";
import { EMPTY, noTrades } from "./words.js";

const FIGURES = ["equity", "today", "total", "cash", "exposure", "drawdown"];
const MS_PER_NS = 1e-6;

const store = new Store();
const panels = new Panels(document);
const history = new History();
const live = new Live(store, { onChange: drawFrame, onNotice: told });
const toasts = new Burst((trades) => {
  if (!document.hidden) showNotification(tradesSentence(trades), "info");
});
const dirty = new Set();
const added = [];
let charts = null;
let statusMs = null; // when the newest status came, on this browser's clock
let skewMs = 0; // server's clock minus this browser's
let frame = 0;

// The time it is in the markets: now, or in a replay the time of the newest record.
function engineMs() {
  const { status, market, trades } = store.state;
  if (status?.mode !== "REPLAY") return Date.now() + skewMs;
  const seen = market.map((row) => row.ts_ns ?? Date.parse(row.ts) / MS_PER_NS);
  return Math.max(0, (trades[0]?.ts_ns ?? 0) * MS_PER_NS, ...seen.map((ns) => ns * MS_PER_NS || 0));
}

// When something happened, as people say it; in a replay an age would mean nothing.
function when(iso) {
  if (!iso) return "";
  if (store.state.status?.mode === "REPLAY") return `at ${format.clock(iso).slice(-8)}`;
  return `${format.age(Date.now() + skewMs - Date.parse(iso))} ago`;
}

// Since when the numbers are known to be right, on this browser's clock.
function asOf() {
  const bot = store.state.status?.bot;
  if (!bot || bot.state === "running" || !bot.since) return live.lastHeardMs;
  return Math.min(live.lastHeardMs, Date.parse(bot.since) - skewMs);
}

const draw = {
  portfolio({ portfolio, status, charts: data }) {
    const known = portfolio?.summary && status?.mode;
    if (known) {
      const { cash, exposure } = portfolio.summary;
      history.add({ cash, exposure }, Date.now());
      drawFigures(document, figureTexts(portfolio.summary, status, data.cumulative, history));
      const equity = portfolio.summary.total_value;
      charts.now(engineMs(), equity, drawdownPct(equity, data.cumulative?.equity ?? []));
    }
    const words = "No account yet.";
    for (const name of FIGURES) panels.show(`figure-${name}`, known ? "live" : "empty", { words });
  },

  trades(state) {
    drawTrades(document.getElementById("rows-trades"), state.trades, added.splice(0));
    const words = noTrades(state, when);
    panels.show("trades", state.trades.length ? "live" : "empty", { words });
    charts.setTrades(state.trades);
  },

  strategies({ strategies }) {
    learnNames(strategies.map((row) => row.strategy));
    drawStrategies(document.getElementById("rows-strategies"), strategies, when);
    const words = EMPTY.strategies;
    panels.show("strategies", strategies.length ? "live" : "empty", { words });
  },

  market({ market }) {
    const clock = { nowMs: Date.now(), engineMs: engineMs() };
    const settled = document.getElementById("settled-markets");
    drawMarkets(document.getElementById("rows-markets"), settled, market, clock);
    panels.show("markets", market.length ? "live" : "empty", { words: EMPTY.markets });
  },

  activity({ activity }) {
    drawRefusals(document.getElementById("rows-refusals"), activity);
    const any = Object.keys(activity?.refusals_by_reason ?? {}).length > 0;
    panels.show("refusals", any ? "live" : "empty", { words: EMPTY.refusals });
  },

  charts(state, changed) {
    charts.draw(state, changed);
  },
};

// What else a topic changes besides its own panel.
const ALSO = { status: ["portfolio"], activity: ["trades"], charts: ["portfolio"] };

function mark(...topics) {
  for (const topic of topics) if (topic in draw) dirty.add(topic);
  if (!frame) frame = requestAnimationFrame(redraw);
}

function redraw() {
  frame = 0;
  drawFrame();
  const topics = [...dirty];
  dirty.clear();
  for (const topic of topics) draw[topic](store.state);
  panels.confirm(panels.names(), asOf());
}

function drawFrame() {
  const heard = { connection: live.state, heardMs: live.lastHeardMs, statusMs };
  drawTopline(store.state, heard, Date.now());
}

function told(notice) {
  const text = notice.title ? `${notice.title}: ${notice.message}` : notice.message;
  showNotification(text, notice.level);
}

function listen() {
  for (const topic of ["portfolio", "strategies", "activity"]) {
    store.on(topic, () => mark(topic, ...(ALSO[topic] ?? [])));
  }
  store.on("charts", (_, delta) => {
    charts.note(delta);
    mark("charts", ...ALSO.charts);
  });
  store.on("trades", (_, delta) => {
    if (delta) {
      added.push(...delta);
      toasts.add(delta);
    }
    mark("trades");
  });
  store.on("alerts", (_, delta) => {
    for (const alert of delta ?? []) {
      if (speaks(alert)) told({ ...alert, level: alert.severity });
    }
  });
  store.on("market", (rows, delta) => {
    const now = Date.now();
    for (const row of delta ?? rows) row.seenMs = now - (row.age_ms ?? 0);
    learnMarkets(delta ?? rows);
    mark("market");
  });
  store.on("status", (status) => {
    statusMs = Date.now();
    if (status?.server_ts_ns) skewMs = status.server_ts_ns * MS_PER_NS - statusMs;
    if (document.hidden) drawFrame(); // no frames are drawn then, but the title is still read
    mark(...ALSO.status);
  });
}

// Once a second: ages grow, and what is counted from now moves on.
function tick() {
  drawFrame();
  panels.confirm(panels.names(), asOf());
  if (store.state.status) mark("strategies", "market");
  if (store.state.status && store.state.trades.length === 0) mark("trades");
}

function start() {
  charts = new ChartPanels(initCharts(), panels);
  initTheme(document.getElementById("theme-switch"), () => {
    rethemeCharts();
    mark("strategies");
  });
  listen();
  live.start();
  drawFrame();
  setInterval(tick, 1000);
}

start();
