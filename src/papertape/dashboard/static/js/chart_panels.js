// The panels around the charts: which of them have something to draw, ranges and periods.

import { updateChart } from "./charts.js";
import { getData } from "./live.js";
import { EMPTY } from "./words.js";

const REFRESH_MS = 30_000; // a chosen range is asked for again this often; in between it grows
const POINTS = 500;
const NOW_MS = 250; // a curve of hours moves no sooner; drawing it costs more than all else
const PANELS = {
  cumulative: "cumulative",
  allocation: "allocation",
  pnl: "pnl",
  distribution: "distribution",
  strategies: "comparison",
};

// Whether there is anything to draw. Pure.
export function hasData(name, data) {
  if (!data || !data.labels || data.labels.length === 0) return false;
  if (name === "allocation") return data.values.some((value) => value > 0);
  if (name === "distribution") return data.values.some((count) => count > 0);
  return true;
}

export class ChartPanels {
  #equity;
  #panels;
  #changed = null; // names to draw again; null is all of them
  #zoomed = null; // the answer for a chosen range
  #period = "day";
  #hours = null; // the bars per hour, while they are chosen; per day comes by the live line
  #known = {};
  #moment = null; // the newest value, and the trades, that the curve does not show yet
  #trades = null;
  #drawnMs = -Infinity;
  #timer = 0;

  constructor(equity, panels) {
    this.#equity = equity;
    this.#panels = panels;
    this.#ranges(document.getElementById("equity-range"));
    this.#periods(document.getElementById("pnl-period"));
    setInterval(() => this.#refresh(), REFRESH_MS);
  }

  note(delta) {
    if (delta === null) this.#changed = null;
    else if (this.#changed) Object.keys(delta).forEach((name) => this.#changed.add(name));
  }

  draw(state) {
    this.#known = state.charts;
    const names = this.#changed ?? new Set(Object.keys(PANELS));
    this.#changed = new Set();
    for (const name of names) this.#drawOne(name, state.charts[name]);
  }

  now(...moment) {
    this.#moment = moment;
    this.#drawSoon();
  }

  setTrades(trades) {
    this.#trades = trades;
    this.#drawSoon();
  }

  #drawSoon() {
    const wait = this.#drawnMs + NOW_MS - performance.now();
    if (wait <= 0) this.#drawNews();
    else this.#timer ||= setTimeout(() => this.#drawNews(), wait);
  }

  #drawNews() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#drawnMs = performance.now();
    if (this.#moment) this.#equity.now(...this.#moment);
    if (this.#trades) this.#equity.setTrades(this.#trades);
    this.#moment = this.#trades = null;
  }

  #drawOne(name, data) {
    const panel = PANELS[name];
    if (!panel) return;
    const shown = name === "pnl" && this.#hours ? this.#hours : data;
    if (!hasData(name, shown)) {
      this.#panels.show(panel, "empty", { words: EMPTY[panel] });
      return;
    }
    this.#panels.show(panel, "live");
    if (name === "cumulative" && this.#zoomed) {
      const last = shown.labels.length - 1;
      const value = (shown.equity ?? shown.values)[last];
      this.#equity.append(shown.labels[last], value, shown.drawdown_pct?.[last]);
      return;
    }
    updateChart(name, shown);
  }

  #ranges(group) {
    const press = (chosen) => {
      for (const button of group.children) {
        button.setAttribute("aria-pressed", String(button === chosen));
      }
    };
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      press(button);
      const { range } = button.dataset;
      this.#zoomed = null;
      this.#equity.setRange(range === "all" ? "all" : Number(range));
      this.#refresh();
    });
    this.#equity.onByHand(() => press(null));
  }

  async #refresh() {
    const { range } = this.#equity;
    const last = this.#equity.lastTime();
    if (this.#period === "hour") this.#askPeriod();
    if (range === "all" || last === null) return;
    const from = new Date((last - range) * 1000).toISOString();
    const path = `/api/chart/cumulative?points=${POINTS}&from=${encodeURIComponent(from)}`;
    try {
      const { data } = await getData(path);
      if (this.#equity.range !== range || !hasData("cumulative", data)) return;
      this.#zoomed = data;
      updateChart("cumulative", data);
    } catch {
      // The whole curve is drawn already; the range only shows it finer.
    }
  }

  #periods(group) {
    group.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (!button) return;
      for (const other of group.children) {
        other.setAttribute("aria-pressed", String(other === button));
      }
      this.#period = button.dataset.period;
      this.#askPeriod();
    });
  }

  async #askPeriod() {
    if (this.#period === "day") {
      this.#hours = null;
      this.#drawOne("pnl", this.#known.pnl);
      return;
    }
    try {
      const { data } = await getData("/api/chart/pnl?by=hour");
      if (this.#period === "day") return;
      this.#hours = data;
      this.#drawOne("pnl", data);
    } catch (error) {
      const words = `The bars per hour could not be read: ${error.message}`;
      this.#panels.show("pnl", "error", { words });
    }
  }
}
