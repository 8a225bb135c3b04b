// The table of trades: newest first, new rows slide in at the top, known ones stay as they are.

import { el, flash, reconcile, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { isOutcome, marketName, outcomeName } from "./names.js";

export const SIDES = {
  BUY: "Buy",
  SELL: "Sell",
  SETTLE: "Paid",
  MERGE: "Merge",
  CONVERT: "Convert",
};

// What the cells of a trade say. Pure, so that node can test it.
export function tradeCells(trade) {
  const outcome = isOutcome(trade);
  const pnl = trade.realized_pnl;
  const known = typeof pnl === "number";
  return {
    time: format.clockLines(trade.time),
    utc: format.utc(trade.time),
    strategy: trade.strategy,
    market: marketName(trade),
    outcome: outcomeName(trade),
    side: SIDES[trade.side] ?? trade.side,
    quantity: format.quantity(trade.quantity),
    price: outcome ? format.cents(trade.price) : format.price(trade.price),
    fee: trade.fee === 0 ? format.NO_VALUE : format.money(trade.fee),
    pnl: known ? format.change(pnl) : "",
    arrow: known ? format.arrow(pnl) : "",
    tone: known ? format.tone(pnl) : "flat",
  };
}

// One sentence for toast and screen reader.
export function tradeSentence(trade) {
  const cells = tradeCells(trade);
  const what = [cells.market, cells.outcome].filter(Boolean).join(" ");
  const price = trade.price === null ? "" : ` at ${cells.price}`;
  const pnl = cells.pnl ? `, ${cells.pnl}` : "";
  return `${cells.side} ${cells.quantity} ${what}${price}${pnl}`;
}

export function tradesSentence(trades) {
  if (trades.length === 1) return tradeSentence(trades[0]);
  const pnl = trades.reduce((sum, trade) => sum + (trade.realized_pnl ?? 0), 0);
  const earned = format.arrow(pnl) ? `, together ${format.change(pnl)}` : "";
  return `${format.plural(trades.length, "new trade", "new trades")}${earned}`;
}

const COLUMNS = ["time", "strategy", "market", "side", "quantity", "price", "fee", "pnl"];
const NUMBERS = new Set(["quantity", "price", "fee", "pnl"]);
const OWN = new Set(["time", "market", "pnl"]); // cells that hold more than a word

function createRow() {
  const row = el("tr");
  for (const column of COLUMNS) {
    row.append(el("td", NUMBERS.has(column) ? `t-${column} number` : `t-${column}`));
  }
  row.firstElementChild.append(el("a", "row-link"));
  return row;
}

function updateRow(row, trade) {
  const cells = tradeCells(trade);
  const at = (column) => row.children[COLUMNS.indexOf(column)];
  for (const column of COLUMNS) {
    if (!OWN.has(column)) setText(at(column), cells[column]);
  }
  const link = at("time").firstElementChild;
  setText(link, cells.time);
  link.setAttribute("href", `/trades?trade=${encodeURIComponent(trade.id)}`);
  setTitle(at("time"), cells.utc);
  setTitle(at("strategy"), cells.strategy);
  const whole = `${cells.market} ${cells.outcome}`.trim();
  if (at("market").title !== whole) {
    at("market").title = whole;
    const cell = el("div", "market-cell");
    cell.append(el("span", "name", cells.market), el("span", "outcome", cells.outcome));
    at("market").replaceChildren(cell);
  }
  const pnl = at("pnl");
  pnl.className = `t-pnl number ${cells.tone}`;
  if (pnl.dataset.text !== cells.pnl) {
    pnl.dataset.text = cells.pnl;
    pnl.replaceChildren(...(cells.arrow ? [el("span", "arrow", cells.arrow)] : []), cells.pnl);
  }
}

export function drawTrades(body, trades, added) {
  reconcile(body, trades, (trade) => trade.id, createRow, updateRow);
  const fresh = new Set((added ?? []).map((trade) => String(trade.id)));
  for (const row of body.children) {
    if (fresh.has(row.dataset.key)) flash(row);
  }
}
