// Refused signals by reason: how often, and in its own words the newest of each.

import { el, reconcile, setFigure, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { reasonName } from "./names.js";

export const REASONS_SHOWN = 8;

// Reasons with their counts, most frequent first, with the newest example. Pure.
export function refusalRows(activity) {
  const counts = Object.entries(activity?.refusals_by_reason ?? {});
  const newest = new Map();
  for (const signal of activity?.recent_signals ?? []) {
    if (signal.code && !newest.has(signal.code)) newest.set(signal.code, signal);
  }
  counts.sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]));
  const most = counts[0]?.[1] ?? 0;
  return counts.slice(0, REASONS_SHOWN).map(([code, times]) => ({
    code,
    name: reasonName(code),
    times,
    share: most ? times / most : 0,
    example: newest.get(code) ?? null,
  }));
}

function create() {
  const item = el("li");
  const bar = el("div", "bar");
  bar.append(el("span"));
  item.append(el("span"), el("span", "times"), bar, el("p", "example"));
  return item;
}

function update(item, row) {
  const [name, times, bar, example] = item.children;
  setText(name, row.name);
  setFigure(times, format.count(row.times));
  bar.firstElementChild.style.width = `${100 * row.share}%`;
  const words = row.example
    ? `${row.example.strategy}: ${row.example.reason} · ${format.clock(row.example.time)}`
    : "";
  setText(example, words);
  setTitle(example, words);
}

export function drawRefusals(list, activity) {
  reconcile(list, refusalRows(activity), (row) => row.code, create, update);
}
