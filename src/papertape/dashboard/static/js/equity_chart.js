// Equity over time with the drawdown below it. The zoom a person chose survives every update.

import { el, setText } from "./dom.js";
import { clock, money, MONTHS, percent, utc } from "./format.js";
import { color } from "./theme.js";

const EQUITY_SHARE = 3; // heights of the two panes, as parts of the whole
const DRAWDOWN_SHARE = 1;
const RIGHT_SPACE_BARS = 3;
const MARKS_MAX = 48; // over the whole width; more would hide the line they stand on
const TICK_TIME = 3; // lightweight-charts: year, month, day, time, time with seconds

// Contract shape in, drawing shape out: whole seconds, rising, one value each (the last one wins).
export function equityPoints(data) {
  const points = new Map();
  const labels = data.labels ?? [];
  for (let i = 0; i < labels.length; i += 1) {
    const time = Math.floor(Date.parse(labels[i]) / 1000);
    const value = data.equity?.[i] ?? data.values?.[i];
    // A run begins before its feed has told the time: such a point has no place on a time axis.
    if (!Number.isFinite(time) || time <= 0 || !Number.isFinite(value)) continue;
    const drawdown = data.drawdown_pct?.[i];
    const below = Number.isFinite(drawdown) ? -Math.abs(drawdown) : null;
    points.set(time, { time, value, below });
  }
  return [...points.values()].sort((a, b) => a.time - b.time);
}

// A mark stands for the fills of one stretch of the curve, on its last point, their P&L added up.
export function fillMarks(points, trades, most = MARKS_MAX) {
  const marks = new Map();
  if (points.length === 0) return [];
  const stretch = Math.ceil(points.length / most);
  for (const trade of trades) {
    const time = Math.floor(Date.parse(trade.time) / 1000);
    if (!Number.isFinite(time) || time < points[0].time) continue;
    let low = 0;
    let high = points.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (points[middle].time < time) low = middle + 1;
      else high = middle;
    }
    const end = Math.min(low + stretch - 1 - (low % stretch), points.length - 1);
    const at = points[end].time;
    const mark = marks.get(at) ?? { time: at, pnl: 0, fills: 0 };
    mark.pnl += trade.realized_pnl ?? 0;
    mark.fills += 1;
    marks.set(at, mark);
  }
  return [...marks.values()].sort((a, b) => a.time - b.time);
}

function toneColor(pnl) {
  if (pnl > 0) return color("gain");
  return pnl < 0 ? color("loss") : color("muted");
}

function tickText(time, type) {
  const date = new Date(time * 1000);
  if (type < TICK_TIME) return `${date.getDate()} ${MONTHS[date.getMonth()]}`;
  const text = clock(date).slice(-8);
  return type === TICK_TIME ? text.slice(0, 5) : text;
}

// The look of every chart over time; the theme's colours of this moment.
export function timeChartOptions() {
  return {
    layout: {
      background: { type: "solid", color: "transparent" },
      textColor: color("muted"),
      fontSize: 12,
      fontFamily: getComputedStyle(document.body).fontFamily,
      attributionLogo: false, // named in the page's footer; the logo would need an inline style
      panes: { separatorColor: color("line"), enableResize: false },
    },
    grid: { vertLines: { visible: false }, horzLines: { color: color("line") } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.12, bottom: 0.08 } },
    timeScale: {
      borderVisible: false,
      timeVisible: true,
      secondsVisible: true,
      rightOffset: RIGHT_SPACE_BARS,
      tickMarkFormatter: tickText,
    },
    localization: { timeFormatter: (time) => clock(new Date(time * 1000)) },
    crosshair: {
      mode: 0,
      vertLine: { color: color("muted"), labelBackgroundColor: color("raised") },
      horzLine: { color: color("muted"), labelBackgroundColor: color("raised") },
    },
    // The wheel belongs to the page until the chart was clicked, see EquityChart.
    handleScroll: { mouseWheel: false, vertTouchDrag: false },
    handleScale: { mouseWheel: false },
  };
}

export class EquityChart {
  #box;
  #readout;
  #chart;
  #equity;
  #drawdown;
  #marks;
  #points = [];
  #trades = [];
  #range = "all";
  #byHand = false;
  #held = false; // the chart is under a pressed pointer or a turning wheel
  #now = null; // the value of this moment, drawn behind the last point of the tape
  #nowTime = null;
  #onByHand = () => {};

  constructor(box) {
    this.#box = box;
    this.#readout = el("p", "lwc-readout");
    const library = window.LightweightCharts;
    this.#chart = library.createChart(box, { autoSize: true, ...timeChartOptions() });
    this.#equity = this.#chart.addSeries(library.LineSeries, this.#lineOptions());
    this.#drawdown = this.#chart.addSeries(library.BaselineSeries, this.#areaOptions(), 1);
    this.#chart.panes()[0].setStretchFactor(EQUITY_SHARE);
    this.#chart.panes()[1].setStretchFactor(DRAWDOWN_SHARE);
    this.#marks = library.createSeriesMarkers(this.#equity, []);
    box.append(this.#readout);
    this.#chart.subscribeCrosshairMove((event) => this.#read(event));
    this.#listen();
  }

  #lineOptions() {
    return {
      color: color("accent"),
      lineWidth: 1.5,
      priceLineVisible: false,
      priceFormat: { type: "custom", formatter: money, minMove: 0.01 },
    };
  }

  #areaOptions() {
    const faint = color("loss").replace("rgb(", "rgba(").replace(")", ", 0.2)");
    return {
      baseValue: { type: "price", price: 0 },
      lineWidth: 1,
      topLineColor: color("muted"),
      topFillColor1: "transparent",
      topFillColor2: "transparent",
      bottomLineColor: color("loss"),
      bottomFillColor1: faint,
      bottomFillColor2: faint,
      priceLineVisible: false,
      lastValueVisible: false,
      priceFormat: { type: "custom", formatter: percent, minMove: 0.1 },
    };
  }

  #listen() {
    const wheel = (mouseWheel) =>
      this.#chart.applyOptions({ handleScroll: { mouseWheel }, handleScale: { mouseWheel } });
    // A finger that only scrolls the page past the chart moves nothing, so it takes nothing over.
    const hold = () => {
      this.#held = true;
    };
    const letGo = () => {
      this.#held = false;
    };
    this.#box.addEventListener("pointerdown", () => {
      wheel(true);
      hold();
    });
    this.#box.addEventListener("wheel", hold, { passive: true });
    for (const name of ["pointerup", "pointercancel"]) addEventListener(name, letGo);
    this.#box.addEventListener("pointerleave", () => {
      wheel(false);
      letGo();
    });
    const scale = this.#chart.timeScale();
    scale.subscribeVisibleLogicalRangeChange(() => this.#held && this.#takeOver());
  }

  #takeOver() {
    if (this.#byHand) return;
    this.#byHand = true;
    this.#onByHand();
  }

  onByHand(listener) {
    this.#onByHand = listener;
  }

  setData(data) {
    this.setPoints(equityPoints(data));
  }

  setPoints(points) {
    const kept = this.#byHand ? this.#chart.timeScale().getVisibleRange() : null;
    this.#points = points;
    this.#equity.setData(this.#points.map(({ time, value }) => ({ time, value })));
    this.#drawdown.setData(
      this.#points.map(({ time, below }) => (below === null ? { time } : { time, value: below })),
    );
    this.#nowTime = null;
    this.#drawNow();
    this.#drawMarks();
    if (kept) this.#chart.timeScale().setVisibleRange(kept);
    else this.#fit();
  }

  // A newer value of equity; older than the last drawn one is ignored.
  append(isoTime, value, drawdownPct) {
    const time = Math.floor(Date.parse(isoTime) / 1000);
    const last = this.#points.at(-1);
    if (!Number.isFinite(time) || !Number.isFinite(value) || (last && time < last.time)) return;
    const below = Number.isFinite(drawdownPct) ? -Math.abs(drawdownPct) : null;
    if (last && last.time === time) this.#points.pop();
    this.setPoints([...this.#points, { time, value, below }]);
  }

  // The value of this moment: one moving point, until the tape has a point of its own.
  now(timeMs, value, drawdownPct) {
    this.#now = { time: Math.floor(timeMs / 1000), value, below: -Math.abs(drawdownPct ?? 0) };
    this.#drawNow();
  }

  #drawNow() {
    const last = this.#points.at(-1);
    if (!last || !this.#now || !Number.isFinite(this.#now.value)) return;
    this.#nowTime ??= Math.max(this.#now.time, last.time);
    this.#equity.update({ time: this.#nowTime, value: this.#now.value });
    this.#drawdown.update({ time: this.#nowTime, value: this.#now.below });
  }

  setTrades(trades) {
    this.#trades = trades;
    this.#drawMarks();
  }

  #drawMarks() {
    const marks = fillMarks(this.#points, this.#trades);
    this.#marks.setMarkers(
      marks.map(({ time, pnl }) => ({
        time,
        position: "inBar",
        shape: "circle",
        size: 0.5,
        color: toneColor(pnl),
      })),
    );
  }

  setRange(seconds) {
    this.#range = seconds;
    this.#byHand = false;
    this.#fit();
  }

  get range() {
    return this.#range;
  }

  picture() {
    return this.#chart.takeScreenshot();
  }

  rows() {
    return this.#points.map(({ time, value, below }) => ({
      time: new Date(time * 1000).toISOString(),
      equity: value,
      drawdown_pct: below === null ? null : Math.abs(below),
    }));
  }

  lastTime() {
    return this.#points.at(-1)?.time ?? null;
  }

  #fit() {
    const last = this.#points.at(-1);
    if (!last) return;
    const first = this.#points[0].time;
    if (this.#range === "all" || last.time - this.#range <= first) {
      this.#chart.timeScale().fitContent();
      return;
    }
    this.#chart.timeScale().setVisibleRange({ from: last.time - this.#range, to: last.time });
  }

  #read(event) {
    const value = event.seriesData?.get(this.#equity)?.value;
    if (value === undefined || event.time === undefined) {
      setText(this.#readout, "");
      return;
    }
    const when = new Date(event.time * 1000);
    const below = event.seriesData.get(this.#drawdown)?.value;
    const depth = below === undefined ? "" : ` · drawdown ${percent(Math.abs(below))}`;
    setText(this.#readout, `${clock(when)} · ${money(value)}${depth}`);
    this.#readout.title = utc(when);
  }

  retheme() {
    this.#chart.applyOptions(timeChartOptions());
    this.#equity.applyOptions(this.#lineOptions());
    this.#drawdown.applyOptions(this.#areaOptions());
    this.#drawMarks();
  }
}
