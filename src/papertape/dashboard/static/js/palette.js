// A strategy has the same colour on every page: its place in the alphabetical list of all names.

import { color } from "./theme.js";

export const SERIES = 8;
const known = [];

export function learnNames(names) {
  for (const name of names) if (!known.includes(name)) known.push(name);
  known.sort();
}

export function seriesToken(index) {
  return `series-${(index % SERIES) + 1}`;
}

export function strategyColor(name) {
  if (!known.includes(name)) learnNames([name]);
  return color(seriesToken(known.indexOf(name)));
}
