// Two backtests side by side: every metric with the difference, and both curves.

import { ask } from "./api.js";
import * as words from "./backtest_words.js";
import { CurvesChart } from "./curves_chart.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";

const get = (id) => document.getElementById(id);

export class BacktestCompare {
  #frame;
  #pair = "";
  #chart = null;
  #rows = [];

  constructor(frame, onChoose) {
    this.#frame = frame;
    for (const side of ["a", "b"]) {
      get(`compare-${side}`).addEventListener("change", ({ target }) => {
        onChoose({ [side]: target.value });
      });
    }
  }

  // The runs that can be chosen, as the list has them.
  offer(rows) {
    this.#rows = rows;
    this.#drawChoice();
  }

  #drawChoice() {
    const [a, b] = this.#pair.split("\n");
    for (const [side, chosen] of [["a", a], ["b", b]]) {
      const ids = this.#rows.map((row) => row.id);
      const select = get(`compare-${side}`);
      const known = chosen && !ids.includes(chosen) ? [chosen] : [];
      const pairs = known.map((id) => [id, id]);
      pairs.push(...this.#rows.map((row) => [row.id, nameOf(row)]));
      const now = JSON.stringify(pairs);
      if (select.dataset.offered !== now) {
        select.dataset.offered = now;
        select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
      }
      if (chosen && select.value !== chosen) select.value = chosen;
    }
  }

  async open(a, b) {
    const pair = `${a}\n${b}`;
    if (this.#pair === pair) return;
    this.#pair = pair;
    this.#drawChoice();
    for (const name of ["compare-curves", "compare-figures"]) {
      this.#frame.panels.show(name, "loading");
    }
    try {
      const path = (id) => `/api/backtests/${encodeURIComponent(id)}`;
      const [first, second] = await Promise.all([ask(path(a)), ask(path(b))]);
      if (this.#pair === pair) this.#draw(first.data, second.data);
    } catch (error) {
      if (this.#pair !== pair) return;
      this.#pair = "";
      const said = error.status === 404 ? "One of them is not there any more." : error.message;
      for (const name of ["compare-curves", "compare-figures"]) {
        this.#frame.panels.show(name, "error", { words: said });
      }
    }
  }

  #draw(a, b) {
    const shown = { asOf: Date.now(), lasting: true };
    const curves = {};
    for (const [side, found] of [["A", a], ["B", b]]) {
      const { equity = [] } = found.charts;
      curves[`${side} · ${found.run.strategy}`] = words.netCurve(equity, found.run.initial_cash);
    }
    const any = Object.values(curves).some((curve) => curve.length > 0);
    const none = { ...shown, words: "Neither run kept a curve." };
    this.#frame.panels.show("compare-curves", any ? "live" : "empty", none);
    if (any) {
      this.#chart ??= new CurvesChart(get("chart-compare"));
      this.#chart.draw(curves);
    }
    const said = [a, b].map(({ run, charts }) => {
      return `${run.strategy}: ${words.equityWords(charts.equity ?? [])}`;
    });
    setText(get("text-compare"), said.join(" "));
    const lines = words.compared(a.figures, b.figures).map((row) => {
      const line = el("tr");
      const head = el("th");
      head.scope = "row";
      const name = el("span", "explained", row.label);
      name.title = row.formula;
      head.append(name);
      line.append(head);
      for (const key of ["a", "b", "difference"]) line.append(el("td", "number", row[key]));
      line.append(el("td", row.intervals === "apart" ? "apart" : "muted", row.intervals));
      return line;
    });
    get("rows-compare").replaceChildren(...lines);
    setText(get("compare-note"), words.comparedNote(a.run, b.run));
    this.#frame.panels.show("compare-figures", "live", shown);
  }

  retheme() {
    this.#chart?.retheme();
  }
}

function nameOf(row) {
  return `${row.strategy} · ${row.data} · ${format.clock(row.created_at)}`;
}
