// The keyboard of every page: `g` and a letter, `/`, `j` and `k`, `?`, Ctrl-K, Escape.
// It never takes a key from somebody who writes.

export const CHORD_MS = 1500; // after `g` the letter has to come within this time

// Reads one key after the other: "g" waits for a letter, then it is {go: letter}. Pure.
export class Chord {
  #sinceMs = null;

  read(key, nowMs) {
    const pending = this.#sinceMs !== null && nowMs - this.#sinceMs <= CHORD_MS;
    this.#sinceMs = null;
    if (pending && key !== "g") return { go: key };
    if (key !== "g") return { key };
    this.#sinceMs = nowMs;
    return {};
  }
}

const WRITES = "input, textarea, select, [contenteditable]";

export const isWriting = (node) => Boolean(node?.closest?.(WRITES));
const inDialog = () => document.querySelector("dialog[open], [role=menu]:not([hidden])") !== null;

// palette(): opens or closes it. go(letter): whether there is such a page. help(): lists the keys.
// move(step): to the next or the last row. filter: the field for `/`, or null.
// more: {key: function}, what only this page has.
export function listenToKeys({ palette, go, help, move, filter, more = {} }) {
  const chord = new Chord();
  const acts = { "?": help, j: () => move(1), k: () => move(-1), ...more };
  if (filter) acts["/"] = () => filter.focus();
  const act = (key, event) => {
    if (!acts[key]) return false;
    return acts[key](event) !== false; // false: this page has nothing to do with it just now
  };
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "k") {
      event.preventDefault();
      palette();
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.isComposing || inDialog()) return;
    if (isWriting(event.target)) {
      if (key === "Escape") event.target.blur();
      return;
    }
    const said = chord.read(key, event.timeStamp);
    const taken = said.go ? go(said.go) : Boolean(said.key) && act(said.key, event);
    if (taken) event.preventDefault();
  });
}

const ROW_LINK = ".row-link";

// Rows of the lists marked data-rows: the one that has the focus, else the first one in sight.
export function moveInLists(step, root = document) {
  const here = document.activeElement;
  const lists = [...root.querySelectorAll("[data-rows]")].filter((list) => rowsOf(list).length > 0);
  const list = lists.find((each) => each.contains(here)) ?? lists[0];
  if (!list) return false;
  const rows = rowsOf(list);
  const from = rows.findIndex((row) => row.contains(here));
  const next = rows[from < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, from + step))];
  const target = next.querySelector(ROW_LINK) ?? next;
  if (target === next && next.tabIndex < 0) next.tabIndex = -1;
  target.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function rowsOf(list) {
  return [...list.children].filter((row) => row.checkVisibility({ visibilityProperty: true }));
}
