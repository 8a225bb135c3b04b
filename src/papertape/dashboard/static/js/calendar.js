// A calendar of days, a column per week: how much each day brought, by sign and by shade.

import { el, setText } from "./dom.js";
import { change, MONTHS, plural } from "./format.js";

export const WEEKS_MAX = 26;
export const WEEKS_MIN = 13; // a quarter, so that the first day already stands in a calendar
const DAY_MS = 86_400_000;
const LEVELS = 4;
const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

// Days from the Monday of the first week on to `lastDay`, at most so many weeks. Pure.
// rows: {key: "2026-11-23", net_pnl, round_trips} in order; days without a result are known too.
export function calendarDays(rows, lastDay, weeksMax = WEEKS_MAX) {
  if (rows.length === 0) return [];
  const found = new Map(rows.map((row) => [row.key, row]));
  const first = Math.min(Date.parse(rows[0].key), Date.parse(lastDay));
  const last = Math.max(Date.parse(rows.at(-1).key), Date.parse(lastDay));
  const monday = (ms) => ms - ((new Date(ms).getUTCDay() + 6) % 7) * DAY_MS;
  const weeksBack = (weeks) => monday(last) - (weeks - 1) * 7 * DAY_MS;
  const begin = Math.max(Math.min(monday(first), weeksBack(WEEKS_MIN)), weeksBack(weeksMax));
  const most = Math.max(...rows.map((row) => Math.abs(row.net_pnl)));
  const days = [];
  for (let ms = begin; ms <= last; ms += DAY_MS) {
    const key = new Date(ms).toISOString().slice(0, 10);
    const row = found.get(key);
    const net = row?.net_pnl ?? 0;
    const level = net === 0 || most === 0 ? 0 : Math.ceil((Math.abs(net) / most) * LEVELS);
    days.push({ key, net, trips: row?.round_trips ?? 0, known: Boolean(row), level });
  }
  return days;
}

export function dayText(day) {
  const date = new Date(day.key);
  const name = `${WEEKDAYS[(date.getUTCDay() + 6) % 7]} ${date.getUTCDate()}`;
  const when = `${name} ${MONTHS[date.getUTCMonth()]} ${date.getUTCFullYear()}`;
  if (!day.known) return `${when}: nothing`;
  return `${when}: ${change(day.net)}, ${plural(day.trips, "round trip", "round trips")}`;
}

export function signOf(day) {
  if (day.net > 0) return "+";
  return day.net < 0 ? "−" : "";
}

function cell(day) {
  const node = el("li", "day");
  const sign = el("span", "", signOf(day));
  sign.setAttribute("aria-hidden", "true");
  node.append(sign, el("span", "visually-hidden", dayText(day)));
  node.dataset.level = String(day.level);
  node.dataset.sign = day.net < 0 ? "loss" : "gain";
  node.title = dayText(day);
  return node;
}

// A name above the week in which a month begins, if there is room before the next one.
function monthNames(days) {
  const names = [];
  for (let week = 0; week * 7 < days.length; week += 1) {
    const month = Number(days[Math.min(week * 7 + 6, days.length - 1)].key.slice(5, 7)) - 1;
    if (names.length > 0 && names.at(-1).month === month) continue;
    if (names.length === 1 && week - names[0].week < 3) names.pop();
    names.push({ month, week });
  }
  return names.filter(({ week }) => week <= Math.ceil(days.length / 7) - 2 || week === 0);
}

export function drawCalendar(box, rows, lastDay) {
  const days = calendarDays(rows, lastDay);
  const key = JSON.stringify(days);
  if (box.dataset.drawn === key) return;
  box.dataset.drawn = key;
  const list = el("ol", "days");
  list.append(...days.map(cell));
  const months = el("p", "months");
  months.setAttribute("aria-hidden", "true");
  for (const { month, week } of monthNames(days)) {
    const name = el("span", "", MONTHS[month]);
    name.style.gridColumnStart = String(week + 1);
    months.append(name);
  }
  box.replaceChildren(months, list);
  const note = document.getElementById("calendar-note");
  const left = rows.filter((row) => days.length > 0 && row.key < days[0].key).length;
  setText(note, left ? `${plural(left, "earlier day", "earlier days")} not shown.` : "");
}
