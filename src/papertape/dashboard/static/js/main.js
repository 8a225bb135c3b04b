// The overview page: what the store knows on one side, panels on the other, drawn once per frame.

import { initCharts, rethemeCharts } from "./charts.js";
import { ChartPanels } from "./chart_panels.js";
import { without } from "./csv.js";
import { drawdownPct, drawFigures, figureTexts, History } from "./figures.js";
import { showFigures } from "./figure_dialog.js";
import { HEADLINES, headlineStory } from "./figure_story.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { drawMarkets } from "./markets.js";
import { Burst, showNotification } from "./notifications.js";
import { drawPositions } from "./positions.js";
import { drawRefusals, refusalRows } from "./refusals.js";
import { drawStrategies } from "./strategies.js";
import { drawTrades, tradesSentence } from "./table.js";
import { initTour, startTour } from "./tour.js";
import { EMPTY, noTrades } from "./words.js";

const FIGURES = [...HEADLINES];
const MS_PER_NS = 1e-6;

const page = new Frame();
const { store, panels } = page;
const history = new History();
const toasts = new Burst((trades) => {
  if (!document.hidden) showNotification(tradesSentence(trades), "info");
});
const dirty = new Set();
const added = [];
let charts = null;
let drawing = 0;

// The time it is in the markets: now, or in a replay the time of the newest record.
function engineMs() {
  const { status, market, trades } = store.state;
  if (status?.mode !== "REPLAY") return Date.now() + page.skewMs;
  const seen = market.map((row) => row.ts_ns ?? Date.parse(row.ts) / MS_PER_NS);
  return Math.max(0, (trades[0]?.ts_ns ?? 0) * MS_PER_NS, ...seen.map((ns) => ns * MS_PER_NS || 0));
}

// When something happened, as people say it; in a replay an age would mean nothing.
function when(iso) {
  if (!iso) return "";
  if (store.state.status?.mode === "REPLAY") return `at ${format.clock(iso).slice(-8)}`;
  return `${format.age(Date.now() + page.skewMs - Date.parse(iso))} ago`;
}

const botRuns = () => store.state.status?.bot.state === "running";

const draw = {
  portfolio({ portfolio, status, charts: data }) {
    const known = portfolio?.summary && status?.mode;
    if (known) {
      const { cash, exposure, positions_count: held } = portfolio.summary;
      history.add({ cash, exposure, held, fills: status.today_fills }, Date.now());
      drawFigures(document, figureTexts(portfolio.summary, status, data.cumulative, history));
      const equity = portfolio.summary.total_value;
      charts.now(engineMs(), equity, drawdownPct(equity, data.cumulative?.equity ?? []));
    }
    const positions = portfolio?.positions ?? [];
    drawPositions(document.getElementById("rows-positions"), positions, botRuns());
    panels.show("positions", positions.length > 0 ? "live" : "empty", { words: EMPTY.positions });
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
    drawStrategies(document.getElementById("rows-strategies"), strategies, when, botRuns());
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
  drawing ||= requestAnimationFrame(redraw);
}

function redraw() {
  drawing = 0;
  const topics = [...dirty];
  dirty.clear();
  for (const topic of topics) draw[topic](store.state);
  panels.confirm(panels.names(), page.asOf());
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
  store.on("market", (rows, delta) => {
    const now = Date.now();
    for (const row of delta ?? rows) row.seenMs = now - (row.age_ms ?? 0);
    mark("market");
  });
  store.on("status", () => mark(...ALSO.status));
}

// Once a second: ages grow, and what is counted from now moves on.
function tick() {
  panels.confirm(panels.names(), page.asOf());
  if (store.state.status) mark("strategies", "market");
  if (store.state.status && store.state.trades.length === 0) mark("trades");
}

// What the panels' menus export: what the store holds, exact, rather than what a cell can show.
function offer() {
  const { menus } = page;
  const equity = initCharts();
  menus.offer("cumulative", { rows: () => equity.rows(), picture: () => equity.picture() });
  menus.offer("trades", {
    rows: () => store.state.trades,
    links: [["All trades, as CSV", "/api/export/trades"]],
  });
  const portfolio = [["Portfolio, as CSV", "/api/export/portfolio"]];
  menus.offer("allocation", { links: portfolio });
  menus.offer("positions", { rows: () => store.state.portfolio.positions, links: portfolio });
  menus.offer("strategies", { rows: () => without(store.state.strategies, "curve") });
  menus.offer("markets", { rows: () => without(store.state.market, "seenMs") });
  menus.offer("refusals", { rows: () => refusalRows(store.state.activity) });
}

document.querySelector(".figures").addEventListener("click", (event) => {
  const { explain } = event.target.closest("[data-explain]")?.dataset ?? {};
  if (!explain || !store.state.portfolio?.summary) return;
  showFigures([headlineStory(explain, store.state)], { seq: store.lines.portfolio });
});

charts = new ChartPanels(initCharts(), panels);
offer();
listen();
page.start({
  onTheme() {
    rethemeCharts();
    mark("strategies");
  },
  onSecond: tick,
  acts: { tour: startTour },
});
initTour();
