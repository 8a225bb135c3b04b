// How the figures of the analytics page read, and what empty panels say. Pure.

import * as format from "./format.js";
import { duration, range } from "./leaderboard_words.js";

export const EMPTY = {
  figures: "No trade in this range. A longer period may have some; else wait for the first one.",
  drawdown: "No equity yet. The curve begins when the bot starts an account.",
  bars: "No result in this range yet. A bar stands here once a position is closed.",
  calendar: "No result in this range yet. Each day with one has its square here.",
  shares: "No trade in this range yet. Each one that trades has its line here.",
};

const SHOW = {
  change: format.change,
  money: format.money,
  "%": format.percent,
  "%change": format.percentChange,
  ratio: (value) => (value === null ? format.NO_VALUE : format.money(value)),
  count: format.count,
  s: duration,
};

const SIGNED = new Set(["change", "%change"]);
const COUNTED = {
  fees: ["fill", "fills"],
  exposure_pct: ["sample", "samples"],
};

const WHOLE = new Set(["total_return_pct", "exposure_pct", "turnover"]);

// What a tile says: value, arrow and tone, and below it the interval and what it stands on.
export function tile(figure, filtered = false) {
  const { value, unit } = figure;
  const text = SHOW[unit](value);
  const signed = SIGNED.has(unit) && /[1-9]/.test(text); // ▲ 0.0 % would be a gain of nothing
  const parts = [];
  if (figure.low !== null) parts.push(range(figure.low, figure.high, SHOW[unit]));
  if (figure.n !== null && value !== null) parts.push(counted(figure));
  if (filtered && value === null && WHOLE.has(figure.name)) parts.push("whole account only");
  if (figure.lasting) parts.push("lasting");
  return {
    text,
    arrow: signed ? format.arrow(value) : "",
    tone: signed ? format.tone(value) : "flat",
    note: parts.join(" · "),
  };
}

function counted(figure) {
  const words = COUNTED[figure.name];
  return words ? format.plural(figure.n, ...words) : `n ${format.count(figure.n)}`;
}

// Lines of the panel of costs: what is known, what is not and why, and the edge.
export function costLines(costs, edge) {
  const lines = costs.map((cost) => ({
    key: cost.name,
    label: cost.label,
    text: cost.value === null ? "not measured" : format.money(cost.value),
    why: cost.why || ofTraded(cost),
  }));
  lines.push({
    key: "expected",
    label: "Expected edge",
    text: format.change(edge.edge_expected),
    why: edge.edge_trips
      ? `Stated by the signals of ${endedTrips(edge.edge_trips)}.`
      : "No ended round trip here came of a signal that stated an expected edge.",
  });
  if (edge.edge_trips) lines.push({ key: "realized", ...realized(edge) });
  return lines;
}

function endedTrips(count) {
  return format.plural(count, "ended round trip", "ended round trips");
}

function ofTraded({ of_traded_pct: share }) {
  if (share === null) return "";
  const basis = format.quantity(Math.round(share * 10_000) / 100);
  return `${basis} basis points of what was traded, by the venues' fee schedules.`;
}

function realized({ edge_expected: expected, edge_realized: earned }) {
  const percent = expected ? format.percent((100 * earned) / expected) : "";
  const share = percent && `${percent} of what was expected, `;
  return {
    label: "Realised edge",
    text: format.change(earned),
    why: `${share}after fees, over the same round trips.`,
  };
}

// "2026-11" reads Nov 2026.
export function monthRow(row) {
  const [year, month] = row.key.split("-").map(Number);
  return { ...row, label: `${format.MONTHS[month - 1]} ${year}` };
}

// What the address and the exports say of the filters.
export function filterQuery(query, more = {}) {
  const params = new URLSearchParams();
  for (const name of ["period", "strategy", "venue", "market"]) {
    if (query[name]) params.set(name, query[name]);
  }
  for (const [name, value] of Object.entries(more)) params.set(name, value);
  return params.toString();
}

// Under a chart by the hour: how many round trips are too old to have kept it.
export function oldNote(trips) {
  if (!trips) return "";
  return `${format.plural(trips, "older round trip is", "older round trips are")} not in it.`;
}

export const BASIS = {
  equity: "Equity at mark",
  strategy: "Initial cash plus the strategy's net P&L",
  hours: "Initial cash plus net P&L, by the hour",
};
