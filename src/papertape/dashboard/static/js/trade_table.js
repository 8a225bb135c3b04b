// The long table of trades: only the rows in view are in the document, however many there are.

import { el, flash, reconcile, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { tradeCells } from "./table.js";
import { windowOf } from "./trade_list.js";

const TEXTS = ["strategy", "outcome", "side", "quantity", "price", "notional", "fee", "seq"];
const COLUMNS = ["time", "strategy", "market", ...TEXTS.slice(1, 7), "pnl", "seq"];
const NUMBERS = new Set(["quantity", "price", "notional", "fee", "pnl", "seq"]);
const ROW_PX = 33; // until a row was measured

function createRow() {
  const row = el("tr");
  for (const column of COLUMNS) {
    row.append(el("td", NUMBERS.has(column) ? `t-${column} number` : `t-${column}`));
  }
  const link = el("a", "row-link");
  row.children[0].append(link);
  return row;
}

export class TradeTable {
  current = -1; // the row that the keyboard is at
  #scroll;
  #body;
  #table;
  #addressOf;
  #rows = [];
  #rowPx = ROW_PX;
  #before = el("tr", "spacer");
  #after = el("tr", "spacer");
  #onEnd;

  constructor(scroll, { addressOf, onEnd, onScroll }) {
    this.#scroll = scroll;
    this.#table = scroll.querySelector("table");
    this.#body = scroll.querySelector("tbody");
    this.#addressOf = addressOf;
    this.#onEnd = onEnd;
    for (const spacer of [this.#before, this.#after]) {
      spacer.setAttribute("aria-hidden", "true");
      spacer.append(el("td"));
    }
    this.#before.dataset.key = "before";
    this.#after.dataset.key = "after";
    scroll.addEventListener("scroll", () => {
      this.draw();
      onScroll();
    });
    new ResizeObserver(() => this.measure()).observe(scroll);
  }

  get atTop() {
    return this.#scroll.scrollTop < this.#rowPx;
  }

  toTop() {
    this.#scroll.scrollTop = 0;
  }

  // A row's height depends on the width of the page alone.
  measure() {
    const row = this.#body.querySelector("tr:not(.spacer)");
    const height = row?.getBoundingClientRect().height ?? 0;
    if (height > 0) this.#rowPx = height;
    this.draw();
  }

  // whole: how many rows there are if that is known, else null
  set(rows, whole, openId) {
    this.#rows = rows;
    this.openId = openId;
    this.#table.setAttribute("aria-rowcount", String(whole ?? -1));
    this.draw();
  }

  draw() {
    const { scrollTop, clientHeight } = this.#scroll;
    const count = this.#rows.length;
    const { first, last } = windowOf(scrollTop, clientHeight, this.#rowPx, count);
    const shown = this.#rows.slice(first, last).map((trade, i) => ({ trade, index: first + i }));
    const focused = this.#body.contains(document.activeElement);
    this.#spacer(this.#before, first);
    this.#spacer(this.#after, count - last);
    const items = [this.#before, ...shown, this.#after];
    const kept = new Set(shown.map(({ trade }) => trade.id));
    for (const row of [...this.#body.children]) {
      if (!row.classList.contains("spacer") && !kept.has(row.dataset.key)) row.remove();
    }
    reconcile(
      this.#body,
      items,
      (item) => (item.trade ? item.trade.id : item.dataset.key),
      (item) => (item.trade ? createRow() : item),
      (row, item) => item.trade && this.#update(row, item),
    );
    if (focused && !this.#body.contains(document.activeElement)) this.#focus();
    const measured = this.#body.querySelector("tr:not(.spacer)")?.getBoundingClientRect().height;
    if (measured && Math.abs(measured - this.#rowPx) > 0.5) {
      this.#rowPx = measured;
      this.draw();
      return;
    }
    if (count > 0 && last >= count - 20) this.#onEnd();
  }

  #spacer(row, rows) {
    const height = `${rows * this.#rowPx}px`;
    if (row.style.height !== height) row.style.height = height;
    row.hidden = rows === 0;
  }

  #update(row, { trade, index }) {
    row.setAttribute("aria-rowindex", String(index + 2));
    row.classList.toggle("current", index === this.current);
    row.classList.toggle("open", trade.id === this.openId);
    if (row.dataset.drawn === trade.id) {
      this.#link(row, trade);
      return;
    }
    row.dataset.drawn = trade.id;
    this.#link(row, trade);
    fill(row, trade);
  }

  #link(row, trade) {
    const href = this.#addressOf(trade.id);
    const link = row.children[0].firstElementChild;
    if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  }

  // Move the keyboard's row; it stays within the table and in view.
  move(step) {
    if (this.#rows.length === 0) return;
    const from = this.current < 0 ? this.#firstInView() - Math.sign(step) : this.current;
    this.current = Math.min(this.#rows.length - 1, Math.max(0, from + step));
    const head = this.#scroll.querySelector("thead").offsetHeight;
    const top = this.current * this.#rowPx;
    const view = this.#scroll.clientHeight - head;
    if (top < this.#scroll.scrollTop) this.#scroll.scrollTop = top;
    else if (top + this.#rowPx > this.#scroll.scrollTop + view) {
      this.#scroll.scrollTop = top + this.#rowPx - view;
    }
    this.draw();
    this.#focus();
  }

  #firstInView() {
    return Math.ceil(this.#scroll.scrollTop / this.#rowPx);
  }

  #focus() {
    const row = this.#body.querySelector("tr.current");
    row?.querySelector("a").focus({ preventScroll: true });
  }

  // The rows on top shifted the others down: the keyboard's row is still the same trade.
  shift(rows) {
    if (this.current >= 0) this.current += rows;
  }

  focusRow(id) {
    const index = this.#rows.findIndex((trade) => trade.id === id);
    if (index >= 0) this.current = index;
    this.draw();
    this.#focus();
  }

  flash(trades) {
    const ids = new Set(trades.map((trade) => trade.id));
    for (const row of this.#body.children) {
      if (ids.has(row.dataset.key)) for (const cell of row.children) flash(cell);
    }
  }
}

function fill(row, trade) {
  const cells = tradeCells(trade);
  const at = (column) => row.children[COLUMNS.indexOf(column)];
  const link = at("time").firstElementChild;
  setText(link, cells.time);
  setTitle(link, cells.utc);
  const words = { ...cells, notional: format.money(trade.notional), seq: String(trade.seq) };
  for (const column of TEXTS) setText(at(column), words[column]);
  setText(at("market"), cells.market);
  setTitle(at("market"), `${cells.market} ${cells.outcome}`.trim());
  setTitle(at("outcome"), cells.outcome);
  setTitle(at("strategy"), cells.strategy);
  const pnl = at("pnl");
  pnl.className = `t-pnl number ${cells.tone}`;
  pnl.replaceChildren(...(cells.arrow ? [el("span", "arrow", cells.arrow)] : []), cells.pnl);
}
