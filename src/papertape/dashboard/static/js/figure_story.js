// What a figure is made of: formula in words, inputs with exact values, where the rows are. Pure.

import { drawdownPct, todayPnl } from "./figures.js";
import * as format from "./format.js";
import { marketName, outcomeName } from "./names.js";

export const HEADLINES = [
  "equity",
  "today",
  "total",
  "cash",
  "exposure",
  "held",
  "fills",
  "drawdown",
];
const POSITIONS_SHOWN = 12; // by cost; the others are one line, so that the sum is right

const TRADES = ["The trades behind it", "/trades"];

// A story: {title, value, formula, inputs: [[name, text]], note, link: [words, address] or null}
export function headlineStory(name, { portfolio, status, charts }) {
  const { summary, positions } = portfolio;
  const tell = STORIES[name];
  return { note: "", link: TRADES, ...tell({ summary, positions, status, charts }) };
}

const STORIES = {
  equity: ({ summary, positions }) => ({
    title: "Equity",
    value: format.exact(summary.total_value),
    formula: "cash + open positions at the price they could be sold for now",
    inputs: [["Cash", format.exact(summary.cash)], ...positionInputs(positions, "value")],
    note: unpriced(summary),
  }),

  today: ({ summary, status }) => {
    const pnl = todayPnl(summary, status);
    const begun = pnl === null ? null : rounded(summary.total_value - pnl);
    return {
      title: "P&L today",
      value: format.exactChange(pnl),
      formula: "equity now − equity when the day began (midnight UTC); fees are in it",
      inputs: [
        ["Equity now", format.exact(summary.total_value)],
        ["Equity when the day began", format.exact(begun)],
      ],
    };
  },

  total: ({ summary }) => ({
    title: "P&L total",
    value: format.exactChange(summary.total_return),
    formula: "equity now − initial cash = realised P&L + unrealised P&L − fees",
    inputs: [
      ["Equity now", format.exact(summary.total_value)],
      ["Initial cash", format.exact(summary.initial_balance)],
      ["Realised P&L", format.exactChange(summary.realized_pnl)],
      ["Unrealised P&L", format.exactChange(summary.unrealized_pnl)],
      ["Fees", format.exact(summary.fees)],
    ],
    link: ["Every figure with its formula", "/analytics"],
  }),

  cash: ({ summary, positions }) => ({
    title: "Cash",
    value: format.exact(summary.cash),
    formula: "initial cash + realised P&L − fees − what the open positions cost",
    inputs: [
      ["Initial cash", format.exact(summary.initial_balance)],
      ["Realised P&L", format.exactChange(summary.realized_pnl)],
      ["Fees", format.exact(summary.fees)],
      ["Cost of open positions", format.exact(sum(positions, "cost"))],
    ],
  }),

  exposure: ({ summary, positions }) => ({
    title: "Exposure",
    value: format.exact(summary.exposure),
    formula: "sum over open positions of quantity × price that they could be sold for now",
    inputs: positionInputs(positions, "value"),
    note: unpriced(summary),
  }),

  held: ({ summary, positions }) => ({
    title: "Open positions",
    value: format.count(summary.positions_count),
    formula: "instruments of which something is held, over all strategies",
    inputs: positionInputs(positions, "quantity"),
  }),

  fills: ({ summary, status }) => ({
    title: "Fills today",
    value: format.count(status.today_fills),
    formula: "fills booked since midnight UTC; settlements and merged sets are not fills",
    inputs: [["Trades in all", format.count(summary.trades_count)]],
  }),

  drawdown: ({ summary, charts }) => {
    const curve = charts.cumulative?.equity ?? [];
    const peak = Math.max(summary.total_value, ...curve.filter(Number.isFinite));
    return {
      title: "Drawdown",
      value: format.percent(drawdownPct(summary.total_value, curve)),
      formula: "1 − equity now / highest equity so far",
      inputs: [
        ["Equity now", format.exact(summary.total_value)],
        ["Highest equity so far", format.exact(peak)],
        ["Deepest so far", format.percent(summary.max_drawdown_pct)],
      ],
      link: ["Equity and drawdown over time", "/analytics#panel-drawdown"],
    };
  },
};

const rounded = (value) => Number(value.toFixed(6)); // money has at most 6 decimals
const sum = (rows, key) => rounded(rows.reduce((total, row) => total + (row[key] ?? 0), 0));

function positionInputs(positions, key) {
  const nameOf = (row) => [marketName(row), outcomeName(row)].filter(Boolean).join(" ");
  const show = (value) => (value === null ? "no price" : format.exact(value));
  const shown = positions.slice(0, POSITIONS_SHOWN).map((row) => [nameOf(row), show(row[key])]);
  const rest = positions.slice(POSITIONS_SHOWN);
  if (rest.length > 0 && key === "value") {
    shown.push([`${rest.length} smaller ones`, format.exact(sum(rest, key))]);
  } else if (rest.length > 0) {
    shown.push([`${rest.length} smaller ones`, ""]);
  }
  return shown;
}

function unpriced(summary) {
  const count = summary.unpriced_count;
  if (!count) return "";
  return `${format.plural(count, "position has", "positions have")} no price now; valued at cost.`;
}

const EXACT = {
  change: format.exactChange,
  money: format.exact,
  "%": (value) => `${format.exact(value)} %`,
  "%change": (value) => `${format.exactChange(value)} %`,
  ratio: format.exact,
  count: format.count,
  s: (value) => `${format.exact(value)} s`,
};

// A figure of /api/analytics; `filters` as the address has them, `from` when the range begins.
export function analyticsStory(figure, { filters = {}, from = null } = {}) {
  const show = (unit, value) => (value === null ? "not known here" : EXACT[unit](value));
  const range = [figure.low, figure.high].map((value) => show(figure.unit, value)).join(" to ");
  const inputs = figure.inputs.map(({ label, value, unit }) => [label, show(unit, value)]);
  if (figure.low !== null) inputs.push(["95 % interval", range]);
  return {
    title: figure.label,
    value: show(figure.unit, figure.value),
    formula: figure.formula,
    inputs,
    note: "",
    link: ["The trades behind it", tradesAddress(filters, from)],
  };
}

// The trades page with the same filters; it takes whole days, so a range within one is a little
// wider there.
export function tradesAddress({ strategy, venue, market }, from) {
  const params = new URLSearchParams();
  const words = market ?? (venue ? `${venue}:` : "");
  if (words) params.set("q", words);
  if (strategy) params.set("strategy", strategy);
  if (from) params.set("from", localDay(from));
  const text = params.toString();
  return text ? `/trades?${text}` : "/trades";
}

function localDay(iso) {
  const date = new Date(iso);
  const parts = [date.getFullYear(), date.getMonth() + 1, date.getDate()];
  return parts.map((part) => String(part).padStart(2, "0")).join("-");
}
