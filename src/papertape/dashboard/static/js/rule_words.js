// Alert rules as sentences and as forms, and what is wrong with one. Pure: node can test it.

import * as format from "./format.js";
import { marketName, outcomeName } from "./names.js";

export const KINDS = {
  price: "A price is above or below a limit",
  pnl: "P&L is above or below a limit",
  drawdown: "Equity falls from its peak",
  strategy: "A strategy stops or is disabled",
  feed_stale: "Market data is stale",
  fill: "An order is filled",
  refusals: "Many signals are refused",
  resolution: "A market that I hold ends soon",
  bot_dead: "The bot is dead",
};

export const FIELDS = {
  price: ["symbol", "direction", "price"],
  pnl: ["scope", "direction", "amount"],
  drawdown: ["percent"],
  strategy: ["strategy"],
  feed_stale: ["seconds"],
  fill: ["strategy", "symbol"],
  refusals: ["percent", "minutes"],
  resolution: ["minutes"],
  bot_dead: [],
};

const OPTIONAL = { strategy: ["strategy"], fill: ["strategy", "symbol"] };
const TELL = { info: "tell me", warning: "warn me", error: "alarm me" };

// What is offered while there is no rule.
export const READY = [
  { kind: "bot_dead", severity: "error", cooldown_s: 600 },
  { kind: "drawdown", severity: "warning", percent: 5, cooldown_s: 600 },
  { kind: "strategy", severity: "warning", strategy: "", cooldown_s: 60 },
].map((rule) => ({ enabled: true, quiet: null, channels: ["browser"], ...rule }));

const number = (value) => String(Number(Number(value).toFixed(6)));

export function span(seconds) {
  if (seconds % 86400 === 0 && seconds > 0) return format.plural(seconds / 86400, "day", "days");
  if (seconds % 3600 === 0 && seconds > 0) return `${seconds / 3600} h`;
  if (seconds % 60 === 0 && seconds > 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

function symbolWords(symbol, market) {
  const row = market?.find((known) => known.symbol === symbol);
  if (!row) return symbol || "a market";
  return [marketName(row), outcomeName(row)].filter(Boolean).join(" ");
}

const TRIGGERS = {
  price: (rule, market) =>
    `${symbolWords(rule.symbol, market)} is ${rule.direction} ${number(rule.price)}`,
  pnl: (rule) => {
    const when = rule.scope === "today" ? "P&L today" : "P&L in total";
    return `${when} is ${rule.direction} ${format.change(Number(rule.amount))}`;
  },
  drawdown: (rule) => `equity falls ${number(rule.percent)} % from its peak`,
  strategy: (rule) => `${rule.strategy || "any strategy"} stops or is disabled`,
  feed_stale: (rule) => `no new price has come for ${span(Number(rule.seconds))}`,
  fill: (rule, market) => {
    const where = rule.symbol ? ` in ${symbolWords(rule.symbol, market)}` : "";
    return `an order of ${rule.strategy || "any strategy"} is filled${where}`;
  },
  refusals: (rule) =>
    `${number(rule.percent)} % of the signals of ${span(Number(rule.minutes) * 60)} are refused`,
  resolution: (rule) => `a market that I hold ends within ${span(Number(rule.minutes) * 60)}`,
  bot_dead: () => "the bot gives no sign of life",
};

export function ruleSentence(rule, market = []) {
  const parts = [`When ${TRIGGERS[rule.kind](rule, market)}`, TELL[rule.severity]];
  if (rule.cooldown_s > 0) parts.push(`at most every ${span(rule.cooldown_s)}`);
  if (rule.quiet) parts.push(`not ${rule.quiet.from}–${rule.quiet.to}`);
  return `${parts.join(", ")}.`;
}

// --- what is wrong with a form: {field: words}, empty if nothing is ------------------------------

const NUMBER = /^-?\d{1,10}(\.\d{1,6})?$/;
const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/;

function between(value, low, high, { whole = false, open = false } = {}) {
  const text = String(value ?? "").trim();
  if (!NUMBER.test(text) || (whole && text.includes("."))) return false;
  return Number(text) <= high && (open ? Number(text) > low : Number(text) >= low);
}

const CHECKS = {
  symbol: (value) => (value ? "" : "Choose a market."),
  strategy: () => "",
  direction: (value) => (["above", "below"].includes(value) ? "" : "Above or below?"),
  scope: (value) => (["today", "total"].includes(value) ? "" : "Today or in total?"),
  price: (value) => (between(value, 0, 1e9, { open: true }) ? "" : "A price such as 0.55."),
  amount: (value) => (between(value, -1e9, 1e9) ? "" : "An amount such as -250 or 1000."),
  percent: (value) => (between(value, 0, 100, { open: true }) ? "" : "More than 0, at most 100."),
  seconds: (value) =>
    between(value, 5, 86400, { whole: true }) ? "" : "A whole number from 5 to 86400.",
  minutes: (value) =>
    between(value, 1, 10080, { whole: true }) ? "" : "A whole number from 1 to 10080.",
};

export function checkRule(form) {
  const wrong = {};
  for (const name of FIELDS[form.kind] ?? []) {
    if (OPTIONAL[form.kind]?.includes(name)) continue;
    const words = CHECKS[name](form[name]);
    if (words) wrong[name] = words;
  }
  if (!between(form.cooldown_s, 0, 604800, { whole: true })) {
    wrong.cooldown_s = "Minutes from 0 to 10080.";
  }
  if (form.quiet) {
    if (!CLOCK.test(form.quiet.from)) wrong["quiet.from"] = "A time such as 22:00.";
    if (!CLOCK.test(form.quiet.to)) wrong["quiet.to"] = "A time such as 07:00.";
    if (form.quiet.from === form.quiet.to) wrong["quiet.to"] = "Another time than the first.";
    if (!form.quiet.time_zone) wrong["quiet.time_zone"] = "A time zone such as Europe/Berlin.";
  }
  if (form.channels.length === 0) wrong.channels = "Choose at least one.";
  return wrong;
}

const NUMBERS = new Set(["price", "amount", "percent", "seconds", "minutes"]);

// The body of a request: the kind's own fields and the common ones, figures as numbers.
export function ruleBody(form) {
  const body = {};
  for (const name of ["kind", "severity", "enabled", "cooldown_s", "quiet", "channels"]) {
    if (form[name] !== undefined) body[name] = form[name];
  }
  body.cooldown_s = Number(form.cooldown_s);
  for (const name of FIELDS[form.kind]) {
    const value = form[name] ?? "";
    body[name] = NUMBERS.has(name) ? Number(value) : value;
  }
  return body;
}

// --- alerts -------------------------------------------------------------------------------------

// Whether an alert that just came is told by a toast: not one that somebody has dealt with.
export function speaks(alert) {
  if (alert.acknowledged_at || alert.snoozed_until) return false;
  if (alert.source === "rule" || alert.source === "test") return "browser" in alert.delivered;
  return alert.severity !== "info";
}

export const isSnoozed = (alert, nowMs) =>
  Boolean(alert.snoozed_until) && Date.parse(alert.snoozed_until) > nowMs;

// Seven in the morning of the next local day.
export function tomorrow(now) {
  const next = new Date(now);
  next.setDate(next.getDate() + 1);
  next.setHours(7, 0, 0, 0);
  return next;
}

export function alertState(alert, nowMs) {
  if (alert.acknowledged_at) return `acknowledged ${format.clock(alert.acknowledged_at)}`;
  if (isSnoozed(alert, nowMs)) return `snoozed until ${format.clock(alert.snoozed_until)}`;
  return "";
}

const DELIVERY = { sent: "sent", waiting: "on its way", dead: "not delivered" };

export function deliveryWords(delivered) {
  return Object.entries(delivered ?? {})
    .filter(([name]) => name !== "browser")
    .map(([name, { state, detail }]) => {
      const why = detail && state !== "sent" ? `: ${detail}` : "";
      return `${name} ${DELIVERY[state] ?? state}${why}`;
    })
    .join(" · ");
}

export function bellWords(count) {
  if (!count) return "Alerts: none waits";
  const many = count === 1 ? "1 waits" : `${format.count(count)} wait`;
  return `Alerts: ${many} to be acknowledged`;
}
