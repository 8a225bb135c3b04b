// The five charts of the dashboard in one look. `updateChart(name, data)` takes the data of the
// endpoint of the same name as it is: pnl, allocation, distribution, cumulative, strategies.

import { el, reconcile, setText, setTitle } from "./dom.js";
import { EquityChart } from "./equity_chart.js";
import { change, clock, count, money, MONTHS, percent, plural } from "./format.js";
import { plain } from "./names.js";
import { seriesToken, strategyColor } from "./palette.js";
import { color } from "./theme.js";

export const SLICES_MAX = 8;

const charts = new Map();
const newest = new Map();
let equityChart = null;

// At most eight slices: the largest ones and "other", which holds the rest.
export function slices(data, most = SLICES_MAX) {
  const all = data.labels
    .map((label, i) => ({ label, value: data.values[i] ?? 0, percent: data.percents?.[i] ?? null }))
    .filter((slice) => slice.value > 0);
  const cash = all.filter((slice) => slice.label.toLowerCase() === "cash");
  const rest = all.filter((slice) => !cash.includes(slice));
  rest.sort((a, b) => isOther(a) - isOther(b) || b.value - a.value);
  const room = most - cash.length;
  if (rest.length <= room) return [...cash, ...rest];
  const small = rest.slice(room - 1);
  const sum = (pick) => small.reduce((total, slice) => total + (pick(slice) ?? 0), 0);
  const other = { label: `other (${small.length})`, value: sum((s) => s.value) };
  other.percent = sum((s) => s.percent);
  return [...cash, ...rest.slice(0, room - 1), other];
}

export function toneOf(value) {
  if (value > 0) return color("gain");
  return value < 0 ? color("loss") : color("muted");
}

export function axis(extra = {}) {
  const { ticks, ...rest } = extra;
  return {
    border: { display: false },
    grid: { color: (at) => (at.tick?.value === 0 ? color("muted") : color("line")), lineWidth: 1 },
    ticks: { color: color("muted"), font: { size: 12 }, maxTicksLimit: 5, ...ticks },
    ...rest,
  };
}

export const NO_GRID = { grid: { display: false } };
export const ZERO_ONLY = { color: (at) => (at.tick?.value === 0 ? color("muted") : "transparent") };

function tooltip(label) {
  return {
    displayColors: false,
    backgroundColor: color("raised"),
    titleColor: color("text"),
    bodyColor: color("text"),
    borderColor: color("line"),
    borderWidth: 1,
    cornerRadius: 6,
    padding: 8,
    callbacks: { label },
  };
}

export function base(label) {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    font: { family: getComputedStyle(document.body).fontFamily },
    plugins: { legend: { display: false }, tooltip: tooltip(label) },
  };
}

function bars(id, options) {
  const data = { labels: [], datasets: [{ data: [], borderRadius: 2, maxBarThickness: 28 }] };
  return new window.Chart(document.getElementById(id), { type: "bar", data, options });
}

function fill(chart, labels, values, colors) {
  const [dataset] = chart.data.datasets;
  chart.data.labels = labels;
  dataset.data = values;
  dataset.backgroundColor = colors;
  chart.update("none");
}

function tell(name, text) {
  const node = document.getElementById(`text-${name}`);
  if (node) setText(node, text);
}

function pnlOptions() {
  const options = base((item) => change(item.parsed.y));
  const turned = { ...NO_GRID, ticks: { maxRotation: 0, autoSkipPadding: 12, maxTicksLimit: 8 } };
  options.scales = { x: axis(turned), y: axis({ ticks: { callback: (value) => money(value) } }) };
  return options;
}

function distributionOptions() {
  const options = base((item) => plural(item.parsed.y, "closed trade", "closed trades"));
  const whole = { ticks: { precision: 0 }, beginAtZero: true };
  const ticks = { maxRotation: 0, autoSkipPadding: 12, maxTicksLimit: 7, callback: edgeText };
  options.scales = { x: axis({ ...NO_GRID, ticks }), y: axis(whole) };
  options.datasets = { bar: { categoryPercentage: 0.96, barPercentage: 1 } };
  return options;
}

// Under a bar of the histogram stands where it begins; the hover says the whole stretch.
function edgeText(value) {
  const edge = this.chart.data.edges?.[value];
  return edge ? money(edge[0]) : this.getLabelForValue(value);
}

// "2026-11-23" reads 23 Nov; an hour ("2026-11-23T02:00Z") reads in local time.
export function periodText(label) {
  const date = new Date(label);
  if (Number.isNaN(date.getTime())) return String(label);
  if (String(label).includes("T")) return clock(date).slice(-8, -3);
  return `${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
}

function strategiesOptions() {
  const options = base((item) => change(item.parsed.x));
  options.indexAxis = "y";
  options.scales = {
    x: axis({ grid: ZERO_ONLY, ticks: { callback: (value) => money(value), maxRotation: 0 } }),
    y: axis({ ...NO_GRID, ticks: { maxTicksLimit: 12 } }),
  };
  return options;
}

function allocationOptions() {
  const share = (item) => item.dataset.percents[item.dataIndex];
  const options = base((item) => `${money(item.parsed)} · ${share(item)}`);
  options.cutout = "72%";
  return options;
}

const draw = {
  pnl(data) {
    const labels = data.labels.map(periodText);
    fill(charts.get("pnl"), labels, data.values, data.values.map(toneOf));
    const sum = data.values.reduce((total, value) => total + value, 0);
    tell("pnl", `${plural(labels.length, "bar", "bars")}; together ${change(sum)}.`);
  },

  distribution(data) {
    const signs = data.labels.map((label, i) => binSign(label, data.edges, i));
    const chart = charts.get("distribution");
    chart.data.edges = data.edges;
    fill(chart, data.labels, data.values, signs.map(toneOf));
    const parts = [`${count(data.wins)} won`, `${count(data.losses)} lost`];
    tell("distribution", `${parts.join(", ")}, ${count(data.breakeven)} even.`);
  },

  strategies(data) {
    const colors = data.labels.map(strategyColor);
    const values = data.values ?? data.realized_pnl;
    fill(charts.get("strategies"), data.labels, values, colors);
    const said = data.labels.map((name, i) => `${name} ${change(values[i])}`);
    tell("strategies", `${said.join(", ")}.`);
  },

  allocation(data) {
    const shown = slices(data);
    const chart = charts.get("allocation");
    const colors = shown.map((slice, i) => sliceColor(slice, i));
    const [dataset] = chart.data.datasets;
    dataset.percents = shown.map((slice) => percent(slice.percent));
    dataset.borderColor = color("panel");
    fill(chart, shown.map((s) => s.label), shown.map((s) => s.value), colors);
    drawLegend(shown, colors);
    drawCentre(shown);
    tell("allocation", shown.map((s) => `${s.label} ${percent(s.percent)}`).join(", "));
  },

  cumulative(data) {
    equityChart.setData(data);
    const values = data.equity ?? data.values ?? [];
    if (values.length === 0) return;
    const ends = `from ${money(values[0])} to ${money(values.at(-1))}`;
    const span = `lowest ${money(Math.min(...values))}, highest ${money(Math.max(...values))}`;
    tell("cumulative", `Equity ${ends}; ${span}.`);
  },
};

// Which side of zero a bin of the histogram lies on, by its edges or by the number it begins with.
export function binSign(label, edges, i) {
  if (edges?.[i]) return Math.sign(edges[i][0] + edges[i][1]);
  const numbers = String(label).replaceAll("−", "-").match(/-?\d+(\.\d+)?/g) ?? [];
  const sum = numbers.slice(0, 2).reduce((total, text) => total + Number(text), 0);
  return Math.sign(sum);
}

function isOther(slice) {
  return /^other\b/i.test(slice.label);
}

function sliceColor(slice, i) {
  if (slice.label.toLowerCase() === "cash") return color("series-cash");
  return isOther(slice) ? color("muted") : color(seriesToken(i));
}

function drawLegend(shown, colors) {
  const list = document.getElementById("legend-allocation");
  if (!list) return;
  const create = () => {
    const item = el("li");
    item.append(el("span", "swatch"), el("span", "name"), el("span", "share"));
    return item;
  };
  const rows = shown.map((slice, i) => ({ ...slice, color: colors[i] }));
  reconcile(list, rows, (row) => row.label, create, (node, row) => {
    node.children[0].style.backgroundColor = row.color;
    setText(node.children[1], plain(row.label));
    setTitle(node.children[1], row.label);
    setText(node.children[2], percent(row.percent));
    setTitle(node.children[2], money(row.value));
  });
}

// In the middle of the ring: how much of the account is at work.
function drawCentre(shown) {
  const node = document.getElementById("centre-allocation");
  if (!node) return;
  const cash = shown.find((slice) => slice.label.toLowerCase() === "cash");
  setText(node.firstElementChild, percent(100 - (cash?.percent ?? 0)));
}

export function initCharts() {
  if (charts.size > 0) return equityChart;
  charts.set("pnl", bars("chart-pnl", pnlOptions()));
  charts.set("distribution", bars("chart-distribution", distributionOptions()));
  charts.set("strategies", bars("chart-strategies", strategiesOptions()));
  const ring = { labels: [], datasets: [{ data: [], borderWidth: 1, percents: [] }] };
  const canvas = document.getElementById("chart-allocation");
  const donut = { type: "doughnut", data: ring, options: allocationOptions() };
  charts.set("allocation", new window.Chart(canvas, donut));
  equityChart = new EquityChart(document.getElementById("chart-cumulative"));
  return equityChart;
}

export function updateChart(name, data) {
  if (!(name in draw)) throw new Error(`no chart is called ${name}`);
  if (charts.size === 0) initCharts();
  newest.set(name, data);
  draw[name](data);
}

// The theme changed: give every chart its colours again.
export function rethemeCharts() {
  if (charts.size === 0) return;
  const options = {
    pnl: pnlOptions,
    distribution: distributionOptions,
    strategies: strategiesOptions,
    allocation: allocationOptions,
  };
  for (const [name, chart] of charts) chart.options = options[name]();
  equityChart.retheme();
  for (const [name, data] of newest) if (name !== "cumulative") draw[name](data);
}

if (typeof window !== "undefined") Object.assign(window, { initCharts, updateChart });
