// One formatter for every number on every page. Its cases are shared with the Python side
// (tests/data/format_cases.json), so a figure reads the same in a page, an export and an alert.
// Rounding is decimal half-even on the shortest form of the number, as Python's Decimal does it.

export const NO_VALUE = "–";
const MINUS = "−";

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

const formatters = new Map();

function decimals(value, least, most) {
  const key = `${least}:${most}`;
  if (!formatters.has(key)) {
    formatters.set(
      key,
      new Intl.NumberFormat("en-US", {
        minimumFractionDigits: least,
        maximumFractionDigits: most,
        roundingMode: "halfEven",
        signDisplay: "never",
      }),
    );
  }
  // As a string the number is rounded in decimal: 1.015 is 1.02, not the 1.01 of its binary form.
  return formatters.get(key).format(String(value));
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function isZeroText(text) {
  return !/[1-9]/.test(text);
}

function signed(value, text, plus) {
  if (isZeroText(text)) return text;
  if (value < 0) return MINUS + text;
  return plus ? `+${text}` : text;
}

export function money(value) {
  return isNumber(value) ? signed(value, decimals(value, 2, 2), false) : NO_VALUE;
}

export function change(value) {
  return isNumber(value) ? signed(value, decimals(value, 2, 2), true) : NO_VALUE;
}

// The price of an outcome token, a probability, in cents.
export function cents(price) {
  if (!isNumber(price)) return NO_VALUE;
  // Moving the point in the decimal text keeps 0.0712 at 7.12 (in binary it is 7.119999…).
  return `${decimals(Number(`${price}e2`), 1, 2)} ¢`;
}

export function price(value) {
  if (!isNumber(value)) return NO_VALUE;
  return signed(value, decimals(value, 2, Math.abs(value) < 1 ? 6 : 2), false);
}

export function percent(value) {
  return isNumber(value) ? `${signed(value, decimals(value, 1, 1), false)} %` : NO_VALUE;
}

export function percentChange(value) {
  return isNumber(value) ? `${signed(value, decimals(value, 1, 1), true)} %` : NO_VALUE;
}

export function quantity(value) {
  return isNumber(value) ? signed(value, decimals(value, 0, 5), false) : NO_VALUE;
}

// Money as it is booked: every decimal down to a millionth.
export function exact(value) {
  return isNumber(value) ? signed(value, decimals(value, 0, 6), false) : NO_VALUE;
}

export function exactChange(value) {
  return isNumber(value) ? signed(value, decimals(value, 0, 6), true) : NO_VALUE;
}

export function count(value) {
  return isNumber(value) ? signed(value, decimals(value, 0, 0), false) : NO_VALUE;
}

// How old something is, in its one largest unit.
export function age(ms) {
  if (!isNumber(ms)) return NO_VALUE;
  if (ms < SECOND_MS) return "0 s";
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

// How long something still takes, in its two largest units.
export function countdown(ms) {
  if (!isNumber(ms)) return NO_VALUE;
  if (ms <= 0) return "due";
  const s = Math.floor(ms / SECOND_MS);
  const min = Math.floor(ms / MINUTE_MS);
  const h = Math.floor(ms / HOUR_MS);
  if (min < 1) return `${s} s`;
  if (h < 1) return `${min} min ${s % 60} s`;
  if (ms < DAY_MS) return `${h} h ${min % 60} min`;
  return `${Math.floor(h / 24)} d ${h % 24} h`;
}

// ▲ or ▼ beside a signed figure: colour is never the only sign of gain and loss.
export function arrow(value) {
  if (!isNumber(value) || isZeroText(decimals(value, 2, 2))) return "";
  return value > 0 ? "▲" : "▼";
}

export function tone(value) {
  const sign = arrow(value);
  if (sign === "▲") return "gain";
  return sign === "▼" ? "loss" : "flat";
}

export const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function two(number) {
  return String(number).padStart(2, "0");
}

function dateOf(iso) {
  const date = iso instanceof Date ? iso : new Date(iso);
  return Number.isNaN(date.getTime()) ? null : date;
}

// Local time of day, with the date when it was not today.
export function clock(iso, now = new Date()) {
  const date = iso === null || iso === undefined ? null : dateOf(iso);
  if (!date) return NO_VALUE;
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

// The same for a narrow cell: the day, where it is not today, stands on a line of its own.
export function clockLines(iso, now = new Date()) {
  const text = clock(iso, now);
  if (text.length <= 8) return text;
  const date = dateOf(iso);
  return `${text.slice(-8)}\n${date.getDate()} ${MONTHS[date.getMonth()]}`;
}

// The same instant in UTC, for the hover.
export function utc(iso) {
  const date = iso === null || iso === undefined ? null : dateOf(iso);
  return date ? `${date.toISOString().slice(0, 19).replace("T", " ")} UTC` : "";
}

export function plural(n, one, many) {
  return `${count(n)} ${n === 1 ? one : many}`;
}
