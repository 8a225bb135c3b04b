// The menu in the head of every panel: what is on screen as a file or a picture, full screen, link.

import { copyLink } from "./clipboard.js";
import { chartRows, textRows, toCsv, toJson } from "./csv.js";
import { el } from "./dom.js";
import { modeName } from "./names.js";
import { showError, showInfo } from "./notifications.js";
import { framed } from "./pictures.js";

const KEYS = ["ArrowDown", "ArrowUp", "Home", "End"];
const SHOWS = '[data-state="live"], [data-state="stale"]';

export class PanelMenus {
  #offers = new Map();
  #store;
  #menu = null;
  #button = null;

  constructor(store) {
    this.#store = store;
    document.addEventListener("click", (event) => this.#click(event));
    document.addEventListener("keydown", (event) => this.#menu && this.#key(event), true);
  }

  // What a panel has besides what stands in it: rows() as objects, picture() as a canvas,
  // links: [[words, address]] for more than fits on the screen.
  offer(name, { rows = null, picture = null, links = [] }) {
    this.#offers.set(name, { rows, picture, links });
  }

  #click(event) {
    const button = event.target.closest(".panel-menu");
    const again = button !== null && button === this.#button;
    if (this.#menu && !this.#menu.contains(event.target)) this.#close();
    if (button && !again) this.#open(button);
  }

  #open(button) {
    const panel = button.closest(".panel");
    this.#button = button;
    this.#menu = el("div", "menu");
    this.#menu.setAttribute("role", "menu");
    this.#menu.setAttribute("aria-label", button.getAttribute("aria-label"));
    for (const [words, act] of this.#items(panel)) this.#menu.append(this.#item(words, act));
    button.setAttribute("aria-expanded", "true");
    button.after(this.#menu);
    this.#menu.firstElementChild.focus();
  }

  #close({ giveBack = false } = {}) {
    this.#menu?.remove();
    this.#button?.setAttribute("aria-expanded", "false");
    if (giveBack) this.#button?.focus();
    this.#menu = this.#button = null;
  }

  #item(words, act) {
    const item = typeof act === "string" ? el("a", "", words) : el("button", "", words);
    item.setAttribute("role", "menuitem");
    item.tabIndex = -1;
    if (typeof act === "string") {
      item.href = act;
      item.download = "";
    } else {
      item.type = "button";
    }
    item.addEventListener("click", () => {
      this.#close({ giveBack: true });
      if (typeof act !== "string") act();
    });
    return item;
  }

  #items(panel) {
    const offer = this.#offers.get(panel.dataset.panel) ?? { links: [] };
    const items = [];
    if (panel.matches(SHOWS)) {
      const rows = () => (offer.rows ?? (() => rowsIn(panel)))();
      items.push(["What is shown, as CSV", () => this.#file(panel, rows, "csv")]);
      items.push(["What is shown, as JSON", () => this.#file(panel, rows, "json")]);
      if (offer.picture || chartIn(panel)) {
        items.push(["Picture (PNG)", () => this.#picture(panel, offer)]);
      }
    }
    items.push(...offer.links);
    if (document.fullscreenEnabled) {
      const full = document.fullscreenElement === panel;
      items.push([full ? "Leave full screen" : "Full screen", () => screen(panel, full)]);
    }
    const link = `${location.origin}${location.pathname}${location.search}#${panel.id}`;
    items.push(["Copy link to this view", () => copyLink(link)]);
    return items;
  }

  #key(event) {
    const items = [...this.#menu.children];
    const at = items.indexOf(document.activeElement);
    if (event.key === "Escape") this.#close({ giveBack: true });
    else if (event.key === "Tab") this.#close();
    else if (KEYS.includes(event.key)) {
      const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
      items.at(places[event.key] % items.length).focus();
    }
    if (event.key === "Tab") return; // goes on as ever
    if (event.key === "Escape" || KEYS.includes(event.key)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  #mode() {
    return this.#store.state.status?.mode ?? "";
  }

  #file(panel, rowsOf, kind) {
    const rows = rowsOf();
    if (rows.length === 0) {
      showInfo("Nothing is shown here that could be exported");
      return;
    }
    const mode = this.#mode();
    const about = { panel: titleOf(panel), mode, address: location.href, time: new Date() };
    const csv = () => toCsv(rows.map((row) => ({ ...row, mode })));
    const text = kind === "csv" ? csv() : toJson(rows, about);
    const type = kind === "csv" ? "text/csv" : "application/json";
    save(new Blob([text], { type: `${type};charset=utf-8` }), panel, kind);
  }

  #picture(panel, { picture }) {
    const drawn = picture ? picture() : chartIn(panel).canvas;
    const time = new Date().toISOString().slice(0, 19).replace("T", " ");
    const note = `papertape · ${modeName(this.#mode())} · ${time} UTC`;
    framed(drawn, { title: titleOf(panel), note }).toBlob((blob) => {
      if (blob) save(blob, panel, "png");
      else showError("The browser could not make the picture");
    });
  }
}

const titleOf = (panel) => panel.querySelector("h2").textContent;

function chartIn(panel) {
  const canvas = panel.querySelector("canvas[id]");
  return canvas && window.Chart ? (window.Chart.getChart(canvas) ?? null) : null;
}

// What a panel says by itself: its chart, its table, or its list of names and values.
function rowsIn(panel) {
  const chart = chartIn(panel);
  if (chart) return chartRows(chart.data.labels, chart.data.datasets);
  const table = panel.querySelector(".panel-content table");
  if (table) {
    const texts = (row) => [...row.cells].map((cell) => cell.innerText.trim());
    const heads = table.tHead ? texts(table.tHead.rows[0]) : [];
    return textRows(heads, [...table.tBodies].flatMap((body) => [...body.rows].map(texts)));
  }
  const terms = [...panel.querySelectorAll(".panel-content dl dt")];
  const value = (term) => term.nextElementSibling?.innerText.trim() ?? "";
  return textRows(["name", "value"], terms.map((term) => [term.innerText.trim(), value(term)]));
}

function screen(panel, full) {
  const done = full ? document.exitFullscreen() : panel.requestFullscreen();
  done.catch((error) => showError(`The browser did not allow it: ${error.message}`));
}

function save(blob, panel, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  link.download = `papertape-${panel.dataset.panel}-${stamp}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser reads it in its own time
}
