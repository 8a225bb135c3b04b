// Every panel says in one way what it knows: loading, live, stale, empty or error, and how old.

import { icon, setText, setTitle } from "./dom.js";
import { age } from "./format.js";

const MEANING = {
  loading: "loading",
  live: "live",
  stale: "not current",
  empty: "nothing yet",
  error: "failed",
};

// A panel that is shown as live turns stale when nobody has confirmed its numbers for this long:
// two heartbeats (5 s each) and some slack.
export const STALE_AFTER_MS = 12_000;

export class Panels {
  #panels = new Map();

  constructor(root) {
    for (const node of root.querySelectorAll("[data-panel]")) {
      this.#panels.set(node.dataset.panel, {
        node,
        dot: node.querySelector(".panel-sign .dot"),
        age: node.querySelector(".panel-age"),
        message: node.querySelector(".panel-message p"),
        icon: node.querySelector(".panel-message .empty-state"),
        state: "loading",
        asOf: null,
        lasting: false,
      });
    }
  }

  names() {
    return [...this.#panels.keys()];
  }

  // state: live | empty | error | loading; words belong to empty and error.
  // asOf: since when the numbers are known to be right (ms of this browser's clock).
  show(name, state, { words = "", asOf = undefined, lasting = undefined } = {}) {
    const panel = this.#panels.get(name);
    if (!panel) return;
    panel.state = state;
    if (asOf !== undefined) panel.asOf = asOf;
    if (lasting !== undefined) panel.lasting = lasting;
    if (words) setText(panel.message, words);
    if (panel.icon && panel.icon.dataset.state !== state) {
      panel.icon.dataset.state = state;
      const name = state === "error" ? "error" : "waiting";
      panel.icon.firstElementChild.replaceWith(icon(name));
    }
    this.#draw(panel, Date.now());
  }

  stateOf(name) {
    return this.#panels.get(name)?.state;
  }

  confirm(names, asOf) {
    for (const name of names) {
      const panel = this.#panels.get(name);
      if (panel) panel.asOf = asOf;
    }
    this.tick();
  }

  tick(now = Date.now()) {
    for (const panel of this.#panels.values()) this.#draw(panel, now);
  }

  #draw(panel, now) {
    const ageMs = panel.asOf === null ? null : now - panel.asOf;
    const old = ageMs !== null && ageMs > STALE_AFTER_MS && !panel.lasting;
    const state = panel.state === "live" && old ? "stale" : panel.state;
    if (panel.node.dataset.state !== state) panel.node.dataset.state = state;
    if (panel.dot.dataset.state !== state) {
      panel.dot.dataset.state = state;
      panel.dot.setAttribute("aria-label", MEANING[state]);
      setTitle(panel.dot, MEANING[state]);
    }
    const shown = ageMs !== null && state !== "loading" && state !== "error";
    setText(panel.age, shown ? age(ageMs) : "");
  }
}
