// One backtest, whole: curve, figures with intervals, months, costs, signals, trades.

import { ask } from "./api.js";
import * as words from "./backtest_words.js";
import { el, setText } from "./dom.js";
import { EquityChart } from "./equity_chart.js";
import * as format from "./format.js";
import { reasonName } from "./names.js";
import { barSpans } from "./share_list.js";
import { tradeCells } from "./table.js";

const PAGE_ROWS = 100;
const PANELS = ["equity", "facts", "figures", "costs", "months", "signals"].map((n) => `run-${n}`);
const get = (id) => document.getElementById(id);

export class BacktestRun {
  #frame;
  #id = null;
  #chart = null;
  #cursor = null;

  constructor(frame) {
    this.#frame = frame;
  }

  async open(id) {
    if (this.#id === id) return;
    this.#id = id;
    for (const name of [...PANELS, "run-trades"]) this.#frame.panels.show(name, "loading");
    setText(get("run-title"), "");
    get("run-warnings").hidden = true;
    try {
      const { data } = await ask(`/api/backtests/${encodeURIComponent(id)}`);
      if (this.#id !== id) return;
      this.#draw(data);
    } catch (error) {
      if (this.#id !== id) return;
      this.#id = null; // so that another visit asks again
      const said = error.status === 404 ? "There is no such backtest." : error.message;
      for (const name of [...PANELS, "run-trades"]) {
        this.#frame.panels.show(name, "error", { words: said });
      }
      return;
    }
    get("rows-run-trades").replaceChildren();
    this.#cursor = null;
    get("older-trades").onclick = () => this.#readTrades();
    await this.#readTrades();
  }

  #show(name, any, said = "") {
    const how = { words: said, asOf: Date.now(), lasting: true };
    this.#frame.panels.show(`run-${name}`, any ? "live" : "empty", how);
  }

  #draw(found) {
    const { run, charts } = found;
    setText(get("run-title"), `${run.strategy} on ${run.data}`);
    drawLinks(run);
    drawWarnings(found.warnings);
    this.#drawEquity(charts);
    drawPairs(get("run-facts"), runFacts(found));
    this.#show("facts", true);
    drawFigures(get("run-figures"), found.figures);
    this.#show("figures", true);
    const costs = charts.costs ? words.costRows(charts.costs) : [];
    this.#show("costs", costs.length > 0 && found.run.fills > 0, "No trade, so no cost.");
    drawCosts(costs);
    drawMonths(words.monthTable(charts.months ?? []));
    this.#show("months", charts.months?.length > 0, "Too short for a month.");
    drawPairs(get("run-signals"), signalFacts(found));
    this.#show("signals", found.signals > 0 || Object.keys(found.skipped).length > 0,
      "The strategy raised no signal."); // prettier-ignore
  }

  #drawEquity({ equity = [], trips = [] }) {
    this.#show("equity", equity.length > 0, "This run kept no curve.");
    if (equity.length === 0) return;
    this.#chart ??= new EquityChart(get("chart-run"));
    this.#chart.setRange("all");
    this.#chart.setPoints(words.equityRows(equity));
    this.#chart.setTrades(words.tripMarks(trips));
    setText(get("text-run"), words.equityWords(equity));
  }

  async #readTrades() {
    const id = this.#id;
    const behind = this.#cursor === null ? "" : `&cursor=${this.#cursor}`;
    try {
      const path = `/api/backtests/${encodeURIComponent(id)}/trades?limit=${PAGE_ROWS}${behind}`;
      const { data, next_cursor: next, kept } = await ask(path);
      if (this.#id !== id) return;
      get("rows-run-trades").append(...data.map(tradeRow));
      this.#cursor = next;
      get("older-trades").hidden = next === null;
      const any = get("rows-run-trades").childElementCount > 0;
      this.#show("trades", any, kept ? "The run made no trade." : "The tape of this run is gone.");
    } catch (error) {
      if (this.#id !== id) return;
      this.#frame.panels.show("run-trades", "error", { words: error.message });
    }
  }

  retheme() {
    this.#chart?.retheme();
  }
}

function drawLinks(run) {
  get("run-report").hidden = !run.report;
  get("run-report").href = `/api/backtests/${encodeURIComponent(run.id)}/report`;
  for (const link of document.querySelectorAll("[data-trades-export]")) {
    const params = new URLSearchParams({ id: run.id, format: link.dataset.tradesExport });
    link.href = `/api/export/backtest-trades?${params}`;
  }
}

function drawWarnings(said) {
  get("run-warnings").hidden = said.length === 0;
  get("run-warnings").firstElementChild.replaceChildren(...said.map((text) => el("li", "", text)));
}

function drawPairs(list, pairs) {
  list.replaceChildren(
    ...pairs.flatMap(([name, value, title]) => {
      const detail = el("dd", "", value);
      if (title) detail.title = title;
      return [el("dt", "", name), detail];
    }),
  );
}

function runFacts(found) {
  const { run, seed, period_s: period, state_hash: hash, command, open_positions: open } = found;
  return [
    ["Begun", format.clock(run.created_at), format.utc(run.created_at)],
    ["From", format.utc(run.from)],
    ["To", format.utc(run.to)],
    ["Market records", format.count(run.market_records)],
    ["Initial cash", format.money(run.initial_cash)],
    ["Fees", run.fees_schedule === "default" ? "the venue's" : run.fees_schedule],
    ["Fills", format.count(run.fills)],
    ["Open at the end", format.count(open)],
    ["Returns per", format.countdown(period * 1000)],
    ["Seed of intervals", String(seed)],
    ...Object.entries(run.params).map(([name, value]) => [name, String(value)]),
    ["State hash", hash.slice(0, 16), hash],
    ["Check it", command],
  ];
}

function signalFacts({ signals, refused, skipped }) {
  const most = (counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]);
  return [
    ["Signals", format.count(signals)],
    ...most(refused).map(([code, n]) => [`Refused: ${reasonName(code)}`, format.count(n)]),
    ...most(skipped).map(([test, n]) => [`Not taken: ${reasonName(test)}`, format.count(n)]),
  ];
}

function drawFigures(box, figures) {
  const byName = new Map(figures.map((row) => [row.name, row]));
  const groups = Object.entries(words.GROUPS)
    .map(([title, names]) => [title, names.map((name) => byName.get(name)).filter(Boolean)])
    .filter(([, rows]) => rows.some((row) => row.value !== null));
  box.replaceChildren(...groups.map(([title, rows]) => figureGroup(title, rows)));
}

function figureGroup(title, rows) {
  const group = el("section", "figure-group");
  group.append(el("h3", "", title));
  const list = el("dl", "pairs");
  for (const row of rows) {
    const signed = words.isSigned(row.name);
    const term = el("dt");
    const name = el("span", "explained", row.label);
    name.title = `${row.formula} (${row.source})`;
    term.append(name);
    const value = el("dd", "", words.figureText(row.unit, row.value, signed));
    if (signed && row.value) value.classList.add(row.value > 0 ? "gain" : "loss");
    const ends = words.intervalText(row.unit, [row.low, row.high], signed);
    if (ends) value.append(el("span", "below", ends));
    list.append(term, value);
  }
  group.append(list);
  return group;
}

function drawCosts(costs) {
  const spans = barSpans(costs.map((row) => row.value));
  const items = costs.map((row, i) => {
    const item = el("li");
    const net = el("span", `net ${format.tone(row.value)}`, format.change(row.value));
    const bar = el("span", "bar");
    const filled = el("span", format.tone(row.value));
    filled.style.marginLeft = `${spans[i].left}%`;
    filled.style.width = `${spans[i].size}%`;
    bar.append(filled);
    item.append(el("span", "name", row.label), net, bar, el("span", "below", row.note));
    return item;
  });
  get("run-costs").replaceChildren(...items);
}

function drawMonths(years) {
  const lines = years.map(({ year, cells }) => {
    const line = el("tr");
    const head = el("th", "", year);
    head.scope = "row";
    line.append(head);
    for (const value of cells) {
      const known = typeof value === "number";
      const text = known ? words.figureText("%", value, true) : "";
      const tone = known && value !== 0 ? (value > 0 ? "gain" : "loss") : "";
      line.append(el("td", `number ${tone}`.trim(), text));
    }
    return line;
  });
  get("rows-months").replaceChildren(...lines);
}

function tradeRow(trade) {
  const cells = tradeCells(trade);
  const line = el("tr");
  const time = el("td", "t-time", cells.time);
  time.title = cells.utc;
  const pnl = el("td", `number ${cells.tone}`, `${cells.arrow} ${cells.pnl}`.trim());
  line.append(
    time,
    el("td", "", [cells.market, cells.outcome].filter(Boolean).join(" · ")),
    el("td", "t-side", cells.side),
    el("td", "number", cells.quantity),
    el("td", "number", cells.price),
    el("td", "number", cells.fee),
    pnl,
    el("td", "number t-seq", String(trade.seq)),
  );
  return line;
}
