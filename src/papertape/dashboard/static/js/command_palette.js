// The palette (Ctrl-K): type a few letters, Enter goes there or does it.

import { commands, SHOWN_MAX } from "./command_list.js";
import { el, reconcile, setText } from "./dom.js";
import { plural } from "./format.js";
import { rank } from "./fuzzy.js";

export class CommandPalette {
  #dialog = el("dialog", "palette");
  #input = el("input", "palette-input");
  #list = el("ul", "palette-list");
  #said = el("p", "palette-said");
  #found = [];
  #at = 0;
  #gather;
  #run;

  // gather(): what there is now, as command_list.js takes it. run(entry): do what it says.
  constructor({ gather, run }) {
    this.#gather = gather;
    this.#run = run;
    this.#build();
    this.#listen();
  }

  #build() {
    const dialog = this.#dialog;
    dialog.setAttribute("aria-label", "Go to, or do");
    Object.assign(this.#input, { type: "text", autocomplete: "off", spellcheck: false });
    this.#input.maxLength = 100;
    this.#input.placeholder = "Page, strategy, market or action";
    this.#list.id = "palette-list";
    this.#list.setAttribute("role", "listbox");
    this.#list.setAttribute("aria-label", "What fits");
    const attributes = {
      role: "combobox",
      "aria-label": "Page, strategy, market or action",
      "aria-expanded": "true",
      "aria-autocomplete": "list",
      "aria-controls": "palette-list",
      enterkeyhint: "go",
    };
    for (const [name, value] of Object.entries(attributes)) this.#input.setAttribute(name, value);
    this.#said.setAttribute("role", "status");
    dialog.append(this.#input, this.#list, this.#said);
  }

  #listen() {
    this.#input.addEventListener("input", () => this.#search());
    this.#dialog.addEventListener("close", () => this.#dialog.remove());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close(); // beside it
      const row = event.target.closest("[role=option]");
      if (row) this.#choose([...this.#list.children].indexOf(row));
    });
  }

  toggle() {
    if (this.#dialog.open) {
      this.#dialog.close();
      return;
    }
    if (document.querySelector("dialog[open]")) return; // something else waits for an answer
    this.#input.value = "";
    this.#search();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#input.focus();
  }

  #search() {
    const all = commands(this.#gather());
    const nameOf = (entry) => entry.name;
    this.#found = rank(this.#input.value, all, nameOf, SHOWN_MAX);
    this.#at = 0;
    this.#draw();
    const count = this.#found.length;
    setText(this.#said, count === 0 ? "Nothing fits." : plural(count, "entry", "entries"));
    this.#said.classList.toggle("visually-hidden", count > 0);
  }

  #draw() {
    const keyOf = ({ item }) => `${item.kind} ${item.name} ${item.href ?? item.target ?? ""}`;
    reconcile(this.#list, this.#found, keyOf, createRow, drawRow);
    [...this.#list.children].forEach((row, i) => {
      row.id = `palette-${i}`;
      row.setAttribute("aria-selected", String(i === this.#at));
    });
    const here = this.#list.children[this.#at];
    if (here) this.#input.setAttribute("aria-activedescendant", here.id);
    else this.#input.removeAttribute("aria-activedescendant");
    here?.scrollIntoView({ block: "nearest" });
  }

  #key(event) {
    const last = this.#found.length - 1;
    const moves = { ArrowDown: this.#at + 1, ArrowUp: this.#at - 1 };
    moves.PageDown = Math.min(last, this.#at + 8);
    moves.PageUp = Math.max(0, this.#at - 8);
    if (event.key === "Enter" && !event.isComposing) {
      this.#choose(this.#at);
    } else if (event.key in moves && last >= 0) {
      this.#at = (moves[event.key] + last + 1) % (last + 1);
      this.#draw();
    } else {
      return;
    }
    event.preventDefault();
  }

  #choose(place) {
    const chosen = this.#found[place];
    if (!chosen) return;
    this.#dialog.close(); // focus goes back to where it was, before anything else opens
    this.#run(chosen.item);
  }
}

function createRow() {
  const row = el("li");
  row.setAttribute("role", "option");
  row.append(el("span", "palette-name"), el("span", "palette-hint"), el("kbd", "palette-keys"));
  return row;
}

function drawRow(row, { item, at }) {
  const [name, hint, keys] = row.children;
  name.replaceChildren(...marked(item.name, new Set(at)));
  setText(hint, [item.kind, item.hint].filter(Boolean).join(" · "));
  setText(keys, item.keys ?? "");
  keys.hidden = !item.keys;
}

// The name in pieces, with the letters that were typed as <mark>.
function marked(name, places) {
  const nodes = [];
  for (let i = 0; i < name.length; ) {
    const lit = places.has(i);
    let end = i + 1;
    while (end < name.length && places.has(end) === lit) end += 1;
    nodes.push(lit ? el("mark", "", name.slice(i, end)) : name.slice(i, end));
    i = end;
  }
  return nodes;
}
