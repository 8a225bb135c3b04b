// The choice of a period and the sentence that says what it covers: same on every page.

import { setText } from "./dom.js";
import { utc } from "./format.js";

export function pressPeriod(group, period) {
  for (const button of group.children) {
    button.setAttribute("aria-pressed", String(button.dataset.period === period));
  }
}

export function onPeriod(group, listener) {
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) listener(button.dataset.period);
  });
}

export function tellPeriod(node, from) {
  const since = from && `Since ${utc(from).replace(/:00 UTC$/, " UTC")}`;
  setText(node, since || "Since the account began");
}
