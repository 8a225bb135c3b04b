// Several curves over time, one per strategy, in the strategies' own colours, named at their ends.

import { timeChartOptions } from "./equity_chart.js";
import { change } from "./format.js";
import { strategyColor } from "./palette.js";
import { color } from "./theme.js";

const NS_PER_S = 1e9;

// Points as the chart wants them: whole seconds, each once (the last of a second counts). Pure.
export function chartPoints(points) {
  const bySecond = new Map();
  for (const [ns, value] of points) bySecond.set(Math.floor(ns / NS_PER_S), value);
  return [...bySecond].map(([time, value]) => ({ time, value }));
}

export class CurvesChart {
  #chart;
  #series = new Map();

  constructor(box) {
    this.#chart = window.LightweightCharts.createChart(box, { autoSize: true, ...this.#options() });
  }

  #options() {
    const options = timeChartOptions();
    // Nothing here is dragged: the page scrolls, the period is chosen above.
    return { ...options, handleScroll: false, handleScale: false };
  }

  #line(name) {
    return {
      color: strategyColor(name),
      lineWidth: 2,
      title: name,
      priceLineVisible: false,
      priceFormat: { type: "custom", formatter: change, minMove: 0.01 },
    };
  }

  // curves: {strategy: [[ts_ns, net], …]}; only those of `names` are drawn, or all.
  draw(curves, names = Object.keys(curves)) {
    for (const [name, series] of this.#series) {
      if (names.includes(name) && curves[name]?.length > 0) continue;
      this.#chart.removeSeries(series);
      this.#series.delete(name);
    }
    for (const name of names) {
      if (!curves[name]?.length) continue;
      let series = this.#series.get(name);
      if (!series) {
        series = this.#chart.addSeries(window.LightweightCharts.LineSeries, this.#line(name));
        series.createPriceLine({
          price: 0,
          color: color("muted"),
          lineWidth: 1,
          lineStyle: 0,
          axisLabelVisible: false,
        });
        this.#series.set(name, series);
      }
      series.setData(chartPoints(curves[name]));
    }
    this.#chart.timeScale().fitContent();
  }

  picture() {
    return this.#chart.takeScreenshot();
  }

  retheme() {
    this.#chart.applyOptions(this.#options());
    for (const [name, series] of this.#series) series.applyOptions(this.#line(name));
  }
}
