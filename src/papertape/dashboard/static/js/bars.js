// Bars above and below zero, on canvas: gain and loss in their colours, the exact value on hover.

import { axis, base, NO_GRID, toneOf } from "./charts.js";
import { change, money, plural } from "./format.js";

const BAR_PIXELS_MAX = 28;

export class Bars {
  #chart;
  #rows = [];

  constructor(canvas) {
    const dataset = { data: [], borderRadius: 2, maxBarThickness: BAR_PIXELS_MAX };
    const data = { labels: [], datasets: [dataset] };
    this.#chart = new window.Chart(canvas, { type: "bar", data, options: this.#options() });
  }

  #options() {
    const options = base((item) => {
      const row = this.#rows[item.dataIndex];
      return `${change(row.net_pnl)} · ${plural(row.round_trips, "round trip", "round trips")}`;
    });
    const ticks = { maxRotation: 0, autoSkipPadding: 8, maxTicksLimit: 12 };
    const money2 = { ticks: { callback: (value) => money(value) } };
    options.scales = { x: axis({ ...NO_GRID, ticks }), y: axis(money2) };
    return options;
  }

  // rows: {label, net_pnl, round_trips}
  draw(rows) {
    this.#rows = rows;
    const [dataset] = this.#chart.data.datasets;
    this.#chart.data.labels = rows.map((row) => row.label);
    dataset.data = rows.map((row) => row.net_pnl);
    dataset.backgroundColor = rows.map((row) => toneOf(row.net_pnl));
    this.#chart.update("none");
  }

  retheme() {
    this.#chart.options = this.#options();
    this.draw(this.#rows);
  }
}

// The same in words, for who does not see the bars.
export function barsText(rows) {
  const busy = rows.filter((row) => row.round_trips > 0 || row.net_pnl !== 0);
  return busy.map((row) => `${row.label} ${change(row.net_pnl)}`).join(", ");
}
