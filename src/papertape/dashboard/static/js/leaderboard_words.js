// What the leaderboard says about a strategy, and how two of them compare. Pure.

import * as format from "./format.js";

export const PERIODS = ["all", "30d", "7d", "24h", "today"];
export const COLUMNS = [
  "rank",
  "strategy",
  "round_trips",
  "mean",
  "win_rate",
  "net_pnl",
  "fees",
  "profit_factor",
  "sharpe",
  "max_drawdown_pct",
];

const VERDICTS = {
  none: "no closed trade",
  few: "too few to tell",
  earns: "earns",
  loses: "loses",
  unclear: "not clear yet",
};

export const MEANING = {
  none: "No round trip ended in this period.",
  few: "Fewer than 10 round trips: whatever they earned, it says nothing yet.",
  earns: "The whole 95 % interval of a round trip's result lies above zero.",
  loses: "The whole 95 % interval of a round trip's result lies below zero.",
  unclear: "The 95 % interval holds zero: luck alone can explain this result.",
};

export function verdictText(verdict) {
  return VERDICTS[verdict] ?? verdict;
}

// Only what is more than luck has the colour of gain or loss.
export function toneOf(verdict) {
  if (verdict === "earns") return "gain";
  return verdict === "loses" ? "loss" : "flat";
}

export function range(low, high, show = format.change) {
  return low === null || high === null ? "" : `${show(low)} to ${show(high)}`;
}

export function ratio(value) {
  return value === null ? format.NO_VALUE : format.money(value);
}

// Without a loss there is nothing to divide by; without a gain either, nothing to say.
export function profitFactor(row) {
  if (row.profit_factor === null && row.wins > 0) return "no loss";
  return ratio(row.profit_factor);
}

export function duration(seconds) {
  if (seconds === null) return format.NO_VALUE;
  return seconds < 1 ? "under 1 s" : format.countdown(seconds * 1000);
}

// Rows in the order asked for; "rank" is the server's, which puts those without a rank last.
export function sorted(rows, key, descending) {
  if (key === "rank") return descending ? [...rows].reverse() : rows;
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
}

// Ends of all intervals together: the scale on which they are drawn beside each other.
export function scaleOf(rows) {
  const ranked = rows.filter((row) => row.low !== null);
  const low = Math.min(0, ...ranked.map((row) => row.low));
  const high = Math.max(0, ...ranked.map((row) => row.high));
  return { low, high, at: (value) => (100 * (value - low)) / (high - low || 1) };
}

const FIGURES = [
  ["rank", "Rank", (row) => (row.rank === null ? format.NO_VALUE : String(row.rank)), 0],
  ["round_trips", "Round trips", (row) => format.count(row.round_trips), 0],
  ["mean", "Mean per round trip", (row) => format.change(row.mean), 1],
  ["low", "95 % interval", (row) => range(row.low, row.high) || format.NO_VALUE, 0],
  ["win_rate", "Win rate", (row) => format.percent(row.win_rate), 1],
  ["net_pnl", "Net P&L", (row) => format.change(row.net_pnl), 1],
  ["realized_pnl", "Gross P&L", (row) => format.change(row.realized_pnl), 1],
  ["fees", "Fees", (row) => format.money(row.fees), -1],
  ["profit_factor", "Profit factor", profitFactor, 1],
  ["sharpe", "Sharpe per trade", (row) => ratio(row.sharpe), 1],
  ["max_drawdown_pct", "Max drawdown", (row) => format.percent(row.max_drawdown_pct), -1],
  ["holding_s", "Average holding time", (row) => duration(row.holding_s), 0],
  ["traded", "Traded", (row) => format.money(row.traded), 0],
  ["edge_expected", "Expected edge", (row) => format.change(row.edge_expected), 0],
  ["edge_realized", "Realised of it", (row) => format.change(row.edge_realized), 0],
];

const OF_SKILL = new Set(["mean", "win_rate", "profit_factor", "sharpe"]);

// One line per figure of two strategies: both texts, and which is better ("a", "b" or "").
// Nothing is called better as long as one of them has too few round trips to tell, and what speaks
// of skill only where the intervals do not touch.
export function compared(a, b) {
  const enough = a.rank !== null && b.rank !== null;
  const told = enough && (a.low > b.high || b.low > a.high);
  return FIGURES.map(([name, label, show, sign]) => {
    const known = sign !== 0 && a[name] !== null && b[name] !== null && show(a) !== show(b);
    const sure = OF_SKILL.has(name) ? told : enough;
    const ahead = sure && known ? Math.sign((a[name] - b[name]) * sign) : 0;
    return { name, label, a: show(a), b: show(b), better: ahead > 0 ? "a" : ahead < 0 ? "b" : "" };
  });
}

// The sentence under the comparison: whether their intervals overlap.
export function comparedText(a, b) {
  for (const row of [a, b]) {
    if (row.rank === null) return `${row.strategy}: ${verdictText(row.verdict)}.`;
  }
  const [first, second] = a.low >= b.low ? [a, b] : [b, a];
  if (first.low > second.high) {
    return `${first.strategy} earns more per round trip: the intervals do not touch.`;
  }
  return "The intervals overlap: which of the two is better cannot be told from these trades.";
}

// Which two are compared: those asked for if they are there, else the first two.
export function pair(rows, a, b) {
  const names = rows.map((row) => row.strategy);
  const first = names.includes(a) ? a : names.find((name) => name !== b);
  const second = names.includes(b) && b !== first ? b : names.find((name) => name !== first);
  return [first ?? null, second ?? null];
}

export function edgeShare(row) {
  if (!row.edge_trips || !row.edge_expected) return format.NO_VALUE;
  return format.percent((100 * row.edge_realized) / row.edge_expected);
}
