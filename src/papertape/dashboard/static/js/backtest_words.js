// What is said of backtests: texts of figures, months, costs, a comparison, jobs. Pure.

import * as format from "./format.js";

export const COLUMNS = [
  "created_at",
  "strategy",
  "data",
  "total_return_pct",
  "sharpe",
  "max_drawdown_pct",
  "trips",
  "win_rate_pct",
  "profit_factor",
  "fees",
];

export const GROUPS = {
  Return: [
    "total_return_pct",
    "annual_return_pct",
    "sharpe",
    "sortino",
    "calmar",
    "skill_probability_pct",
  ],
  Risk: ["volatility_pct", "max_drawdown_pct", "drawdown_s", "var_pct", "cvar_pct"],
  "Round trips": ["trips", "win_rate_pct", "profit_factor", "expectancy", "sqn", "holding_s"],
  Trading: ["time_in_market_pct", "exposure_pct", "turnover", "traded", "fees", "slippage"],
  "Stated confidence": ["brier", "log_loss"],
};

const PERCENT_LEAST = 0.0005; // below it a figure is called zero
const SIGNED = new Set(["total_return_pct", "annual_return_pct", "expectancy"]);

export function isSigned(name) {
  return SIGNED.has(name);
}

// Small returns are not zero: as many decimals as it takes to show one.
function percent(value, plus) {
  const text = plus ? format.percentChange(value) : format.percent(value);
  if (Math.abs(value) < PERCENT_LEAST || Math.abs(value) >= 1) return text;
  const show = plus ? format.exactChange : format.exact;
  return `${show(Number(value.toPrecision(2)))} %`;
}

export function figureText(unit, value, signed = false) {
  if (typeof value !== "number") return format.NO_VALUE;
  if (unit === "%") return percent(value, signed);
  if (unit === "money") return signed ? format.change(value) : format.money(value);
  if (unit === "count") return format.count(value);
  if (unit === "s") return value < 1 ? "under 1 s" : format.countdown(value * 1000);
  return signed ? format.change(value) : format.money(value);
}

export function intervalText(unit, ends, signed = false) {
  const [low, high] = ends ?? [];
  if (typeof low !== "number" || typeof high !== "number") return "";
  return `${figureText(unit, low, signed)} to ${figureText(unit, high, signed)}`;
}

// Day of a time of the data, which is UTC wherever it is read.
export function day(iso) {
  return String(iso ?? "").slice(0, 10);
}

export function span(row) {
  if (!row.from) return "";
  const [from, to] = [day(row.from), day(row.to)];
  return from === to ? from : `${from} to ${to}`;
}

export function recordingName(row) {
  const size = row.market_records
    ? format.plural(row.market_records, "record", "records")
    : "read when it is used";
  const open = row.complete === false ? "still open" : "";
  return [row.name, row.kind, span(row), size, open].filter(Boolean).join(" · ");
}

// [{year, cells}]: the whole of a year and its twelve months, in percent, null if unknown.
export function monthTable(months) {
  const years = new Map();
  for (const { month, return_pct: change } of months) {
    const [year, number] = month.split("-");
    if (!years.has(year)) years.set(year, Array(13).fill(null));
    const cells = years.get(year);
    cells[Number(number)] = change;
    if (typeof change !== "number") continue;
    cells[0] = 100 * ((1 + (cells[0] ?? 0) / 100) * (1 + change / 100) - 1);
  }
  return [...years].map(([year, cells]) => ({ year, cells }));
}

// How the result came about, step by step.
export function costRows(costs) {
  const steps = [
    ["P&L at mid prices", costs.at_mid, "what the decisions were worth before any cost"],
    ["Slippage", -costs.slippage, "paid against the mid when the order was decided"],
    ["Fees, taker", -costs.fees_taker, "by the venue's schedule"],
    ["Fees, maker", -costs.fees_maker, "by the venue's schedule"],
    ["Net P&L", costs.net, "what is left"],
  ];
  return steps
    .filter(([label, value]) => value || label !== "Fees, maker")
    .map(([label, value, note]) => ({ key: label, label, value, note }));
}

// Points and marks as the equity chart takes them, from [ms, equity, drawdown] and [ms, net].
export function equityRows(curve) {
  const points = new Map();
  for (const [ms, value, below] of curve) {
    const time = Math.floor(ms / 1000);
    points.set(time, { time, value, below });
  }
  return [...points.values()];
}

export function tripMarks(trips) {
  return trips.map(([ms, net]) => ({ time: new Date(ms).toISOString(), realized_pnl: net }));
}

export function equityWords(curve) {
  if (curve.length === 0) return "";
  const [first, last] = [curve[0], curve.at(-1)];
  const worst = Math.min(...curve.map(([, , below]) => below));
  return (
    `Equity from ${format.money(first[1])} on ${format.utc(new Date(first[0]))} to ` +
    `${format.money(last[1])} on ${format.utc(new Date(last[0]))}; ` +
    `deepest drawdown ${figureText("%", Math.abs(worst))}.`
  );
}

// Net P&L over time in nanoseconds, as the chart of several curves takes it.
export function netCurve(curve, initial) {
  return curve.map(([ms, equity]) => [ms * 1e6, equity - initial]);
}

function overlapping(a, b) {
  const known = [a, b].every((row) => row && row.low !== null && row.high !== null);
  if (!known) return "";
  return a.low <= b.high && b.low <= a.high ? "overlap" : "apart";
}

// One line per figure of two runs, with the difference; known in neither: left out.
export function compared(first, second) {
  const others = new Map(second.map((row) => [row.name, row]));
  return first
    .map((a) => ({ a, b: others.get(a.name) }))
    .filter(({ a, b }) => a.value !== null || (b && b.value !== null))
    .map(({ a, b }) => {
      const both = typeof a.value === "number" && typeof b?.value === "number";
      const less = both ? b.value - a.value : null;
      const text = figureText(a.unit, Math.abs(less ?? 0));
      const sign = /[1-9]/.test(text) ? (less > 0 ? "+" : "−") : "";
      return {
        name: a.name,
        label: a.label,
        formula: a.formula,
        a: figureText(a.unit, a.value, isSigned(a.name)),
        b: figureText(a.unit, b?.value, isSigned(a.name)),
        difference: both ? `${sign}${text}` : format.NO_VALUE,
        intervals: overlapping(a, b),
      };
    });
}

// Whether the two runs can be compared at all: the same data, time, cash and fees.
export function comparedNote(a, b) {
  const differs = [
    ["data", a.data !== b.data],
    ["stretch of time", a.from !== b.from || a.to !== b.to],
    ["initial cash", a.initial_cash !== b.initial_cash],
    ["fees", a.fees_schedule !== b.fees_schedule],
  ];
  const names = differs.filter(([, different]) => different).map(([name]) => name);
  if (names.length === 0) return "Same data, time, cash and fees: what differs is the strategy.";
  return `They differ in ${names.join(", ")}: a difference may come from that as well.`;
}

const JOB_STATES = {
  queued: "waits for its turn",
  running: "running",
  done: "done",
  failed: "failed",
  cancelled: "stopped",
};

export function jobWords(job) {
  const state = JOB_STATES[job.state] ?? job.state;
  if (job.state === "running" && job.percent !== null) return `${job.stage} ${job.percent} %`;
  if (job.message) return `${state}: ${job.message}`;
  return job.state === "cancelled" && job.run_id ? `${state}; what it had is kept` : state;
}

export function isOver(job) {
  return ["done", "failed", "cancelled"].includes(job.state);
}

export function listPath(query, name = "/api/backtests") {
  const params = new URLSearchParams();
  for (const key of ["sort", "strategy", "q"]) if (query[key]) params.set(key, query[key]);
  return `${name}?${params}`;
}
