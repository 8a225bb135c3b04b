// The analytics page: figures with their formulas, and where the result came from.

import * as words from "./analytics_words.js";
import { Bars, barsText } from "./bars.js";
import { drawCalendar } from "./calendar.js";
import { el, reconcile, setSigned, setText } from "./dom.js";
import { EquityChart } from "./equity_chart.js";
import { showFigures } from "./figure_dialog.js";
import { analyticsStory } from "./figure_story.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { PERIODS } from "./leaderboard_words.js";
import { marketName } from "./names.js";
import { learnNames, strategyColor } from "./palette.js";
import { onPeriod, pressPeriod, tellPeriod } from "./period.js";
import { Refresher } from "./refresher.js";
import { drawShares } from "./share_list.js";
import { readQuery, writeQuery } from "./url_query.js";

const EVERY_MS = 30_000;
const KNOWN = { period: PERIODS, strategy: null, venue: null, market: null };
const FILTERS = ["strategy", "venue", "market"];
const BARS = ["hour", "weekday", "holding", "month"];
const ASIDE = new Set(["fills"]); // stands beside the fees
const SHARES = ["strategy", "venue", "market"];

const frame = new Frame();
const query = readQuery(location.search, KNOWN);
const get = (id) => document.getElementById(id);
const charts = new Map();
let equity = null;
let data = null;
let asOfSeq = 0;

const refresher = new Refresher({
  path: () => `/api/analytics?${words.filterQuery(query)}`,
  everyMs: EVERY_MS,
  onData(found, answer) {
    data = found;
    asOfSeq = answer.as_of_seq;
    draw();
  },
  onError(error) {
    if (data && error.status !== 422) return; // what is shown grows old, and says so
    const said = `The figures did not come: ${error.message}`;
    for (const name of frame.panels.names()) frame.panels.show(name, "error", { words: said });
    drawChoices();
  },
});

function choose(change) {
  Object.assign(query, change);
  history.replaceState(null, "", location.pathname + writeQuery(query, KNOWN));
  drawChoices();
  refresher.now();
}

// --- the choices --------------------------------------------------------------------------------

function nameOfMarket(id) {
  const known = data?.by_market.find((row) => row.key === id);
  return marketName({ market: id, question: known?.question });
}

function offer(select, values, chosen, nameOf) {
  const wanted = chosen && !values.includes(chosen) ? [...values, chosen] : values;
  const shown = [...select.options].slice(1).map((option) => option.value);
  if (shown.join("\n") !== wanted.join("\n")) {
    const options = wanted.map((value) => {
      const option = el("option", "", nameOf(value));
      option.value = value;
      return option;
    });
    select.replaceChildren(select.options[0], ...options);
  }
  if (document.activeElement !== select || select.value !== (chosen ?? "")) {
    select.value = chosen ?? "";
  }
}

function drawChoices() {
  pressPeriod(get("period"), query.period);
  const options = data?.options ?? { strategies: [], venues: [], markets: [] };
  offer(get("filter-strategy"), options.strategies, query.strategy, (name) => name);
  offer(get("filter-venue"), options.venues, query.venue, (name) => name);
  offer(get("filter-market"), options.markets, query.market, nameOfMarket);
  get("filter-clear").hidden = !FILTERS.some((name) => query[name]);
  for (const form of ["csv", "json"]) {
    const asked = words.filterQuery(query, { format: form });
    get(`export-${form}`).href = `/api/export/analytics?${asked}`;
  }
}

// --- the panels ---------------------------------------------------------------------------------

function draw() {
  learnNames(data.options.strategies);
  drawChoices();
  tellPeriod(get("period-note"), data.from);
  const asOf = frame.asOf(Date.now());
  const value = Object.fromEntries(data.figures.map((figure) => [figure.name, figure.value]));
  const traded = value.fills > 0 || value.net_pnl !== 0 || value.round_trips > 0;
  const show = (name, any, said) =>
    frame.panels.show(name, any ? "live" : "empty", { words: said, asOf });
  show("figures", traded, words.EMPTY.figures);
  drawFigures();
  show("drawdown", data.curve.ts_ns.length > 0, words.EMPTY.drawdown);
  drawCurve();
  for (const name of BARS) {
    const rows = name === "month" ? data.by_month.map(words.monthRow) : data[`by_${name}`];
    const any = rows.some((row) => row.round_trips > 0 || row.net_pnl !== 0);
    show(`by-${name}`, any, words.EMPTY.bars);
    if (any) drawBars(name, rows);
  }
  show("calendar", data.by_day.length > 0, words.EMPTY.calendar);
  if (data.by_day.length > 0) drawCalendar(get("calendar"), data.by_day, lastDay());
  for (const name of SHARES) {
    show(`by-${name}`, data[`by_${name}`].length > 0, words.EMPTY.shares);
    drawList(name);
  }
  show("costs", traded, words.EMPTY.shares);
  drawCosts();
}

function createTile(figure) {
  const node = el("div", "tile");
  const name = el("dt");
  const button = el("button", "", figure.label);
  button.type = "button";
  button.setAttribute("aria-haspopup", "dialog");
  node.addEventListener("click", () => explain(figure.name));
  button.setAttribute("aria-describedby", `formula-${figure.name}`);
  name.append(button);
  const formula = el("dd", "formula");
  formula.id = `formula-${figure.name}`;
  node.append(name, formula, el("dd"), el("dd", "tile-note"));
  return node;
}

function explain(name) {
  const figure = data.figures.find((each) => each.name === name);
  showFigures([analyticsStory(figure, { filters: query, from: data.from })], { seq: asOfSeq });
}

function drawFigures() {
  const shown = data.figures.filter((figure) => !ASIDE.has(figure.name));
  reconcile(get("figures"), shown, (figure) => figure.name, createTile, (node, figure) => {
    const said = words.tile(figure, FILTERS.some((name) => query[name]));
    setText(node.children[1], figure.formula);
    setSigned(node.children[2], said.text, said.arrow, said.tone);
    setText(node.children[3], said.note);
  });
}

function drawCurve() {
  const { curve } = data;
  setText(get("title-drawdown"), `${words.BASIS[curve.basis]}, with drawdown`);
  if (curve.ts_ns.length === 0) return;
  equity ??= new EquityChart(get("chart-drawdown"));
  equity.setData(curve);
  const worst = Math.max(...curve.drawdown_pct);
  const ends = `from ${format.money(curve.equity[0])} to ${format.money(curve.equity.at(-1))}`;
  setText(get("text-drawdown"), `${ends}; deepest drawdown ${format.percent(worst)}.`);
}

function drawBars(name, rows) {
  if (!charts.has(name)) charts.set(name, new Bars(get(`chart-${name}`)));
  charts.get(name).draw(rows);
  const old = name === "hour" ? data.undated.hour : name === "holding" ? 0 : data.undated.day;
  setText(get(`text-${name}`), `${barsText(rows)}. ${words.oldNote(old)}`);
}

// The newest day that the market time has reached: today, or in a replay the last one.
function lastDay() {
  const newest = data.by_day.at(-1).key;
  if (frame.store.state.status?.mode === "REPLAY") return newest;
  const today = new Date(Date.now() + frame.skewMs).toISOString().slice(0, 10);
  return today > newest ? today : newest;
}

function drawList(name) {
  const says = {
    strategy: { nameOf: (row) => row.key, colorOf: (row) => strategyColor(row.key) },
    venue: { nameOf: (row) => row.key },
    market: { nameOf: (row) => nameOfRow(row) },
  };
  drawShares(get(`shares-${name}`), data[`by_${name}`], says[name]);
}

function nameOfRow(row) {
  if (row.key === "" || row.key === "earlier markets") return row.label;
  return marketName({ market: row.key, question: row.question });
}

function createCost() {
  const node = el("div");
  node.append(el("dt"), el("dd"), el("dd", "why"));
  return node;
}

function drawCosts() {
  const lines = words.costLines(data.costs, data.edge);
  reconcile(get("costs"), lines, (line) => line.key, createCost, (node, line) => {
    setText(node.children[0], line.label);
    setText(node.children[1], line.text);
    setText(node.children[2], line.why);
  });
}

// --- what a person does -------------------------------------------------------------------------

function listen() {
  onPeriod(get("period"), (period) => choose({ period }));
  for (const name of FILTERS) {
    get(`filter-${name}`).addEventListener("change", (event) =>
      choose({ [name]: event.target.value || null }),
    );
  }
  get("filter-clear").addEventListener("click", () => {
    choose({ strategy: null, venue: null, market: null });
    get("filter-strategy").focus();
  });
  // A tap elsewhere or Escape puts a formula away.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest(".tile")) event.target.blur();
  });
  frame.store.on("trades", () => refresher.soon());
  // Trades are asked for as they come, so what is shown is right as of the last word we heard.
  frame.store.on("status", () => {
    const heard = data && frame.live.state === "live";
    if (heard) frame.panels.confirm(frame.panels.names(), frame.asOf());
  });
}

// What the panels' menus export: the answer's own rows, exact.
function offerFiles() {
  frame.menus.offer("figures", { rows: () => data.figures });
  const rows = () => equity.rows();
  frame.menus.offer("drawdown", { rows, picture: () => equity.picture() });
  for (const name of [...BARS, ...SHARES]) {
    frame.menus.offer(`by-${name}`, { rows: () => data[`by_${name}`] });
  }
  frame.menus.offer("calendar", { rows: () => data.by_day });
  frame.menus.offer("costs", { rows: () => words.costLines(data.costs, data.edge) });
}

drawChoices();
offerFiles();
listen();
frame.start({
  onTheme: () => {
    equity?.retheme();
    for (const chart of charts.values()) chart.retheme();
    if (data) draw();
  },
});
refresher.now();
