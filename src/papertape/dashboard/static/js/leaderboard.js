// The leaderboard page: ranking with intervals, curves, two strategies side by side.

import { ask } from "./api.js";
import { CurvesChart } from "./curves_chart.js";
import { el, reconcile, setSigned, setText, setTitle, svgEl } from "./dom.js";
import { showFigures } from "./figure_dialog.js";
import { analyticsStory, tradesAddress } from "./figure_story.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import * as words from "./leaderboard_words.js";
import { showError, showInfo } from "./notifications.js";
import { learnNames, strategyColor } from "./palette.js";
import { onPeriod, pressPeriod, tellPeriod } from "./period.js";
import { Refresher } from "./refresher.js";
import { readQuery, writeQuery } from "./url_query.js";

const EVERY_MS = 5000;
const SORTS = words.COLUMNS.flatMap((name) => [name, `-${name}`]);
const KNOWN = { period: words.PERIODS, sort: SORTS, a: null, b: null };
const EMPTY = "No strategy yet. Each one that the bot runs is ranked here once it closes trades.";
const NO_TRADE = "No trade in this period. The curves begin with the first one.";
const NO_EDGE = "No closed trade of a signal that stated an expected edge in this period.";

const frame = new Frame();
const query = readQuery(location.search, KNOWN);
const get = (id) => document.getElementById(id);
const group = get("period");
let chart = null;
let data = null;
let heardMs = 0;

const refresher = new Refresher({
  path: () => `/api/leaderboard?period=${query.period}`,
  everyMs: EVERY_MS,
  onData(found) {
    data = found;
    heardMs = Date.now();
    draw();
  },
  onError(error) {
    if (data) return; // the numbers on the page grow old, and say so
    for (const name of frame.panels.names()) {
      frame.panels.show(name, "error", { words: `The ranking did not come: ${error.message}` });
    }
  },
});

function choose(change) {
  Object.assign(query, change);
  history.replaceState(null, "", location.pathname + writeQuery(query, KNOWN));
  drawChoices();
}

function drawChoices() {
  pressPeriod(group, query.period);
  get("export-csv").href = `/api/export/leaderboard?period=${query.period}`;
  get("export-json").href = `/api/export/leaderboard?format=json&period=${query.period}`;
  get("sort").value = query.sort; // an order that the short list lacks leaves it empty
  const descending = query.sort.startsWith("-");
  const key = query.sort.replace("-", "");
  for (const button of document.querySelectorAll("[data-sort]")) {
    const mine = button.dataset.sort === key;
    const order = descending ? "descending" : "ascending";
    button.closest("th").setAttribute("aria-sort", mine ? order : "none");
    setText(button.lastElementChild, mine ? (descending ? " ▼" : " ▲") : "");
  }
}

function draw() {
  const { rows } = data;
  learnNames(rows.map((row) => row.strategy));
  tellPeriod(get("period-note"), data.from);
  setText(get("method"), data.method);
  const shown = { asOf: frame.asOf(heardMs) };
  const state = rows.length ? "live" : "empty";
  for (const name of ["ranking", "versus"]) {
    frame.panels.show(name, state, { ...shown, words: EMPTY });
  }
  drawRanking(rows);
  drawCurves(rows, shown);
  drawVersus(rows);
  drawEdge(rows, shown);
}

// --- the ranking --------------------------------------------------------------------------------

function createRow() {
  const row = el("tr");
  for (const name of words.COLUMNS) {
    const cell = el(name === "strategy" ? "th" : "td", `r-${name}`);
    if (name === "strategy") cell.scope = "row";
    if (name !== "strategy" && name !== "mean") cell.classList.add("number");
    row.append(cell);
  }
  const cell = (name) => row.children[words.COLUMNS.indexOf(name)];
  const name = el("span", "strategy-name");
  const open = el("button", "name row-link");
  open.type = "button";
  open.setAttribute("aria-haspopup", "dialog");
  name.append(el("span", "swatch"), open);
  cell("strategy").append(name, el("span", "verdict"));
  const interval = svgEl("svg", { class: "interval", viewBox: "0 0 100 16" });
  interval.setAttribute("preserveAspectRatio", "none");
  interval.setAttribute("aria-hidden", "true");
  for (const part of ["zero", "reach", "point"]) interval.append(svgEl("line", { class: part }));
  const mean = el("div", "mean");
  mean.append(el("span", "mean-value"), interval, el("span", "mean-range"));
  cell("mean").append(mean);
  cell("win_rate").append(el("span"), el("span", "below"));
  cell("net_pnl").append(el("span"), el("span", "below"));
  return row;
}

// A row opens what its figures are made of: the same figures as on the analytics page.
async function explain(strategy) {
  const filters = { strategy };
  try {
    const asked = new URLSearchParams({ strategy, period: query.period });
    const { data: found, as_of_seq: seq } = await ask(`/api/analytics?${asked}`);
    const known = found.figures.filter((figure) => figure.value !== null);
    const stories = known.map((figure) => analyticsStory(figure, { filters, from: found.from }));
    for (const story of stories) story.link = null; // one for all of them is enough
    if (stories.length === 0) showInfo(`${strategy} has no figures in this period`);
    else {
      stories.at(-1).link = ["The trades behind them", tradesAddress(filters, found.from)];
      showFigures(stories, { seq, title: strategy });
    }
  } catch (error) {
    showError(`The figures did not come: ${error.message}`);
  }
}

function line(node, x1, x2, y1 = 8, y2 = 8) {
  const ends = { x1, x2, y1, y2 };
  for (const [name, value] of Object.entries(ends)) node.setAttribute(name, value.toFixed(2));
}

function drawInterval(svg, row, scale) {
  const [zero, reach, point] = svg.children;
  line(zero, scale.at(0), scale.at(0), 0, 16);
  const known = row.low !== null;
  reach.style.display = point.style.display = known ? "" : "none";
  if (!known) return;
  line(reach, scale.at(row.low), scale.at(row.high));
  line(point, scale.at(row.mean), scale.at(row.mean), 3, 13);
  svg.dataset.verdict = row.verdict;
}

function updateRow(node, { row, scale }) {
  const cell = (name) => node.children[words.COLUMNS.indexOf(name)];
  node.dataset.verdict = row.verdict;
  setText(cell("rank"), row.rank === null ? format.NO_VALUE : String(row.rank));
  const [name, verdict] = cell("strategy").children;
  name.firstElementChild.style.backgroundColor = strategyColor(row.strategy);
  setText(name.lastElementChild, row.strategy);
  const said = row.status === "running" ? "" : ` · ${row.status}`;
  setText(verdict, words.verdictText(row.verdict) + said);
  setTitle(verdict, words.MEANING[row.verdict] ?? "");
  setText(cell("round_trips"), format.count(row.round_trips));
  setTitle(cell("round_trips"), `${format.count(row.wins)} won, ${format.count(row.losses)} lost`);
  const [value, svg, range] = cell("mean").firstElementChild.children;
  setSigned(value, format.change(row.mean), format.arrow(row.mean), words.toneOf(row.verdict));
  drawInterval(svg, row, scale);
  setText(range, words.range(row.low, row.high));
  const [rate, rates] = cell("win_rate").children;
  setText(rate, format.percent(row.win_rate));
  setText(rates, words.range(row.win_rate_low, row.win_rate_high, format.percent));
  const [net, open] = cell("net_pnl").children;
  setSigned(net, format.change(row.net_pnl), format.arrow(row.net_pnl), format.tone(row.net_pnl));
  setText(open, row.unrealized_pnl ? `${format.change(row.unrealized_pnl)} open` : "");
  setText(cell("fees"), format.money(row.fees));
  setText(cell("profit_factor"), words.profitFactor(row));
  setText(cell("sharpe"), words.ratio(row.sharpe));
  setText(cell("max_drawdown_pct"), format.percent(row.max_drawdown_pct));
}

function drawRanking(rows) {
  const descending = query.sort.startsWith("-");
  const order = words.sorted(rows, query.sort.replace("-", ""), descending);
  const scale = words.scaleOf(rows);
  const items = order.map((row) => ({ row, scale }));
  reconcile(get("rows-ranking"), items, ({ row }) => row.strategy, createRow, updateRow);
}

// --- curves, side by side, edge -----------------------------------------------------------------

function drawCurves(rows, shown) {
  const any = Object.values(data.curves).some((curve) => curve.length > 0);
  frame.panels.show("curves", any ? "live" : "empty", { ...shown, words: NO_TRADE });
  if (!any) return;
  chart ??= new CurvesChart(get("chart-curves"));
  chart.draw(data.curves);
  const said = rows.map((row) => `${row.strategy} ${format.change(row.net_pnl)}`);
  setText(get("text-curves"), `${said.join(", ")}.`);
}

function offer(select, names, chosen) {
  const shown = [...select.options].map((option) => option.value);
  if (shown.join("\n") !== names.join("\n")) {
    select.replaceChildren(...names.map((name) => el("option", "", name)));
  }
  if (select.value !== chosen) select.value = chosen;
}

function createLine() {
  const row = el("tr");
  row.append(el("th"), el("td", "number"), el("td", "number"));
  row.firstElementChild.scope = "row";
  return row;
}

function drawVersus(rows) {
  const [first, second] = words.pair(rows, query.a, query.b);
  const names = rows.map((row) => row.strategy).sort();
  if (first) offer(get("versus-a"), names, first);
  if (second) offer(get("versus-b"), names, second);
  const a = rows.find((row) => row.strategy === first);
  const b = rows.find((row) => row.strategy === second);
  if (!a || !b) {
    const said = "There is one strategy only; nothing to compare it with.";
    frame.panels.show("versus", "empty", { words: a ? said : EMPTY });
    return;
  }
  setText(get("versus-name-a"), first);
  setText(get("versus-name-b"), second);
  setText(get("versus-note"), words.comparedText(a, b));
  const lines = words.compared(a, b);
  reconcile(get("rows-versus"), lines, ({ name }) => name, createLine, (node, each) => {
    setText(node.children[0], each.label);
    for (const [i, side] of ["a", "b"].entries()) {
      const better = each.better === side;
      const cell = node.children[i + 1];
      setText(cell, better ? `${each[side]} ✓` : each[side]);
      cell.classList.toggle("better", better);
    }
  });
}

function createEdge() {
  const row = createLine();
  row.append(el("td", "number"), el("td", "number"));
  return row;
}

function drawEdge(rows, shown) {
  const stated = rows.filter((row) => row.edge_trips > 0);
  frame.panels.show("edge", stated.length ? "live" : "empty", { ...shown, words: NO_EDGE });
  reconcile(get("rows-edge"), stated, (row) => row.strategy, createEdge, (node, row) => {
    const texts = [
      row.strategy,
      format.count(row.edge_trips),
      format.change(row.edge_expected),
      format.change(row.edge_realized),
      words.edgeShare(row),
    ];
    texts.forEach((text, i) => setText(node.children[i], text));
  });
}

// --- what a person does -------------------------------------------------------------------------

function listen() {
  get("rows-ranking").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && String(getSelection()) === "") explain(row.dataset.key);
  });
  onPeriod(group, (period) => {
    choose({ period });
    refresher.now();
  });
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const { sort } = button.dataset;
      // Names and ranks begin at the top; of a figure the largest is wanted first.
      const up = sort === "rank" || sort === "strategy";
      const first = up ? sort : `-${sort}`;
      const other = up ? `-${sort}` : sort;
      choose({ sort: query.sort === first ? other : first });
      if (data) drawRanking(data.rows);
    });
  }
  get("sort").addEventListener("change", ({ target }) => {
    choose({ sort: target.value });
    if (data) drawRanking(data.rows);
  });
  for (const side of ["a", "b"]) {
    get(`versus-${side}`).addEventListener("change", () => {
      choose({ a: get("versus-a").value, b: get("versus-b").value });
      if (data) drawVersus(data.rows);
    });
  }
  frame.store.on("trades", () => refresher.soon());
  frame.store.on("strategies", () => data === null && refresher.soon());
}

function curveRows() {
  return Object.entries(data.curves).flatMap(([strategy, points]) =>
    points.map(([ns, net]) => ({ strategy, time: new Date(ns / 1e6).toISOString(), net_pnl: net })),
  );
}

drawChoices();
frame.menus.offer("ranking", { rows: () => data.rows });
frame.menus.offer("curves", { rows: curveRows, picture: () => chart.picture() });
listen();
frame.start({
  onTheme: () => {
    chart?.retheme();
    if (data) draw();
  },
});
refresher.now();
