// Open positions: what is held, at which price, what it is worth now, and a way to close each.

import { closePosition } from "./control.js";
import { el, glow, reconcile, setFigure, setSigned, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { isOutcome, marketName, outcomeName } from "./names.js";

const COLUMNS = ["market", "outcome", "quantity", "avg", "now", "value", "pnl", "by", "close"];
const NUMBERS = new Set(["quantity", "avg", "now", "value", "pnl"]);

// What the cells of a position say. Pure.
export function positionCells(row) {
  const price = isOutcome(row) ? format.cents : format.price;
  return {
    market: marketName(row),
    outcome: outcomeName(row),
    quantity: format.quantity(row.quantity),
    avg: price(row.avg_price),
    now: row.current_price === null ? "no price" : price(row.current_price),
    value: format.money(row.value),
    by: row.strategies.join(", "),
  };
}

export function closeQuestion(row) {
  const cells = positionCells(row);
  const what = [cells.quantity, cells.outcome, "of", `“${cells.market}”`].filter(Boolean).join(" ");
  const price = row.current_price === null ? "" : `, the best of them about ${cells.now}`;
  return (
    `Close ${what}? The bot sells it at the bids that it sees at that moment${price}. ` +
    "A sale cannot be taken back."
  );
}

function create() {
  const row = el("tr");
  for (const column of COLUMNS) {
    row.append(el("td", NUMBERS.has(column) ? `p-${column} number` : `p-${column}`));
  }
  row.children[0].append(el("a", "row-link"));
  const button = el("button", "button", "Close");
  button.type = "button";
  row.lastElementChild.append(button);
  return row;
}

function update(node, row, botRuns) {
  const cells = positionCells(row);
  const at = (column) => node.children[COLUMNS.indexOf(column)];
  const link = at("market").firstElementChild;
  setText(link, cells.market);
  link.href = `/markets?${new URLSearchParams({ market: row.market || row.symbol })}`;
  setTitle(at("market"), cells.market);
  for (const column of ["outcome", "quantity", "avg", "by"]) setText(at(column), cells[column]);
  for (const column of ["now", "value"]) setFigure(at(column), cells[column], glow);
  setTitle(at("by"), cells.by);
  setSigned(at("pnl"), format.change(row.pnl), format.arrow(row.pnl), format.tone(row.pnl));
  const button = at("close").firstElementChild;
  button.setAttribute("aria-label", `Close ${cells.quantity} ${cells.outcome} ${cells.market}`);
  button.disabled = !botRuns;
  setTitle(button, botRuns ? "" : "No bot is running");
  button.onclick = () => closePosition(closeQuestion(row), row.symbol);
}

export function drawPositions(body, rows, botRuns) {
  reconcile(body, rows, (row) => row.symbol, create, (node, row) => update(node, row, botRuns));
}
