// The side drawer: one thing opened beside the list it came from. It has an address of its own,
// Escape closes it, and focus goes back to where it came from.

import { copyLink } from "./clipboard.js";
import { el, setText } from "./dom.js";

const COVERS = "(max-width: 699px)"; // as browse.css: there the drawer is the whole page

export class Drawer {
  id = null;
  #node;
  #title;
  #body;
  #onClose;

  constructor(node, { onClose }) {
    this.#node = node;
    this.#title = node.querySelector("h2");
    this.#body = node.querySelector(".drawer-body");
    this.#onClose = onClose;
    node.querySelector(".drawer-close").addEventListener("click", () => onClose());
    node.querySelector(".drawer-copy").addEventListener("click", () => copyLink());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.id !== null && !document.querySelector("dialog[open]")) {
        onClose();
      }
    });
  }

  // Show that something is on its way; what was open before is gone.
  open(id, title) {
    const known = this.id === id;
    this.id = id;
    this.#node.hidden = false;
    document.body.classList.add("with-drawer");
    behind(matchMedia(COVERS).matches);
    if (known) return;
    setText(this.#title, title);
    this.#body.replaceChildren(skeleton());
    this.#body.scrollTop = 0;
    this.#node.focus({ preventScroll: true });
  }

  show(title, nodes) {
    setText(this.#title, title);
    this.#body.replaceChildren(...nodes);
  }

  fail(words) {
    const state = el("div", "empty-state");
    state.append(el("p", "", words));
    this.#body.replaceChildren(state);
  }

  get body() {
    return this.#body;
  }

  close() {
    this.id = null;
    this.#node.hidden = true;
    document.body.classList.remove("with-drawer");
    behind(false);
    this.#body.replaceChildren();
  }
}

// What the drawer covers cannot be reached by Tab.
function behind(covered) {
  document.querySelector(".browse").inert = covered;
}

function skeleton() {
  const lines = el("div", "skeleton-lines");
  for (let i = 0; i < 8; i += 1) lines.append(el("span", "skeleton"));
  return lines;
}

// A section as trade_story.js and market_story.js make them.
export function sectionNode({ title, seq, words, facts, table }) {
  const section = el("section", "story");
  const head = el("h3", "", title);
  if (seq) head.append(el("span", "story-seq", `seq ${seq}`));
  section.append(head);
  if (words) section.append(el("p", "story-words", words));
  if (facts.length > 0) section.append(factsNode(facts));
  if (table) section.append(tableNode(title, table));
  return section;
}

function factsNode(facts) {
  const list = el("dl", "facts");
  for (const { name, value, note, tone } of facts) {
    const term = el("dt", "", name);
    const detail = el("dd", tone && tone !== "flat" ? tone : "", value);
    if (note) detail.title = note;
    list.append(term, detail);
  }
  return list;
}

// Heads that begin with # stand over figures.
export function tableNode(name, { head, rows }) {
  const box = el("div", "story-scroll");
  box.tabIndex = 0; // it may be wider than the drawer: the keys must reach its end
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", name);
  const table = el("table", "story-table");
  table.setAttribute("aria-label", name);
  const numbers = head.map((text) => text.startsWith("#"));
  const top = el("tr");
  head.forEach((text, i) => {
    const cell = el("th", numbers[i] ? "number" : "", text.replace(/^#/, ""));
    cell.scope = "col";
    top.append(cell);
  });
  const thead = el("thead");
  thead.append(top);
  const body = el("tbody");
  for (const row of rows) {
    const line = el("tr");
    row.forEach((text, i) => line.append(el("td", numbers[i] ? "number" : "", text)));
    body.append(line);
  }
  table.append(thead, body);
  box.append(table);
  return box;
}
