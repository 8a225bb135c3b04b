// The list of keys, opened by `?`: those of every page, and what only this one has.

import { el } from "./dom.js";
import { sheet } from "./sheet.js";

const EVERYWHERE = [
  ["Ctrl K", "palette: every page, strategy, market and action"],
  ["?", "this list"],
  ["Esc", "close what is open, leave a field"],
];

// pages: [{name, letter}]; own: [[key, words]] of this page
export function showHelp(pages, own) {
  const lists = el("div", "help-lists");
  lists.append(section("On this page", own), section("Everywhere", EVERYWHERE));
  const letters = pages.map(({ name, letter }) => [`g ${letter}`, name]);
  lists.append(section("Pages", letters));
  sheet({ title: "Keys", nodes: [lists] });
}

function section(name, rows) {
  const box = el("section");
  const list = el("dl", "help-keys");
  for (const [keys, words] of rows) {
    const term = el("dt");
    for (const key of keys.split(" ")) term.append(el("kbd", "", key));
    list.append(term, el("dd", "", words));
  }
  box.append(el("h3", "", name), list);
  return box;
}
