// The market strip: one tile per market with its outcomes' best bid and ask, on the axis of cents.

import { el, glow, reconcile, setFigure, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { isOutcome, marketName } from "./names.js";

export const MARKETS_SHOWN = 60; // tiles; more is a page of its own
export const SETTLED_SHOWN = 3; // names of markets that ended lately

const SHORT_CHARS = 4; // YES and NO; other outcomes get a wider column

export const STATES = { stale: "stale", gap: "gap in the data" };

// Rows of instruments to markets, in the order in which the server lists them: those that trade,
// and those that have settled. Pure, so that node can test it.
export function tiles(rows) {
  const byMarket = new Map();
  for (const row of rows) {
    const key = row.market || row.symbol;
    if (!byMarket.has(key)) byMarket.set(key, { key, rows: [] });
    byMarket.get(key).rows.push(row);
  }
  const all = [...byMarket.values()];
  for (const tile of all) tile.state = worst(tile.rows);
  return {
    open: all.filter((tile) => tile.state !== "settled"),
    settled: all.filter((tile) => tile.state === "settled"),
  };
}

export function settledWords(names) {
  if (names.length === 0) return "";
  const more = names.length - SETTLED_SHOWN;
  const list = names.slice(0, SETTLED_SHOWN).join(" · ");
  return `Settled lately: ${list}${more > 0 ? ` and ${more} more` : ""}`;
}

function worst(rows) {
  const states = rows.map((row) => row.state);
  if (states.every((state) => state === "settled")) return "settled";
  return ["gap", "stale"].find((state) => states.includes(state)) ?? "live";
}

export function quoteCells(row) {
  const show = isOutcome(row) ? format.cents : format.price;
  const both = typeof row.bid === "number" && typeof row.ask === "number";
  return {
    name: row.outcome ?? "",
    bid: show(row.bid),
    ask: show(row.ask),
    // Binary arithmetic on two prices leaves dust behind the finest tick; nine places are plenty.
    spread: both ? show(Number((row.ask - row.bid).toFixed(9))) : format.NO_VALUE,
  };
}

function create() {
  const tile = el("li", "market");
  const head = el("div", "market-head");
  const dot = el("span", "dot");
  dot.setAttribute("role", "img");
  head.append(el("h3"), el("span", "muted age-text"), dot);
  const axis = el("div", "axis");
  axis.append(el("span"));
  const foot = el("p", "market-foot");
  foot.append(el("span"), el("span"));
  tile.append(head, el("div", "market-quotes"), axis, foot);
  return tile;
}

function createQuote() {
  const quote = el("p", "market-quote");
  quote.append(el("span", "quote-name"), el("span"), el("span"), el("span", "spread"));
  quote.children[1].title = "best bid";
  quote.children[2].title = "best ask";
  quote.children[3].title = "spread";
  return quote;
}

function updateQuote(quote, row) {
  const cells = quoteCells(row);
  quote.dataset.kind = isOutcome(row) ? "outcome" : "spot";
  quote.dataset.name = cells.name.length > SHORT_CHARS ? "long" : "short";
  setTitle(quote.children[0], cells.name);
  setText(quote.children[0], cells.name);
  setFigure(quote.children[1], cells.bid, glow);
  setFigure(quote.children[2], cells.ask, glow);
  setText(quote.children[3], cells.spread);
}

function drawAxis(axis, row) {
  const shown = isOutcome(row) && row.bid !== null && row.ask !== null;
  axis.hidden = !shown;
  if (!shown) return;
  axis.firstElementChild.style.left = `${100 * row.bid}%`;
  axis.firstElementChild.style.width = `${Math.max(100 * (row.ask - row.bid), 1)}%`;
}

function footWords(tile, now) {
  const [first] = tile.rows;
  if (!first.ends_at) return first.venue;
  const left = Date.parse(first.ends_at) - now;
  return left > 0 ? `ends in ${format.countdown(left)}` : "has ended, waits for its result";
}

function update(node, tile, clock) {
  const [head, quotes, axis, foot] = node.children;
  const [first] = tile.rows;
  const name = marketName(first);
  setText(head.children[0], name);
  setTitle(head.children[0], name);
  head.children[2].dataset.state = tile.state === "gap" ? "error" : tile.state;
  head.children[2].setAttribute("aria-label", STATES[tile.state] ?? "live");
  setTitle(head.children[2], STATES[tile.state] ?? "live");
  reconcile(quotes, tile.rows, (row) => row.symbol, createQuote, updateQuote);
  drawAxis(axis, first);
  setText(foot.children[0], footWords(tile, clock.engineMs));
  setText(foot.children[1], STATES[tile.state] ?? "");
  const newest = Math.max(...tile.rows.map((row) => row.seenMs ?? 0));
  setText(head.children[1], newest > 0 ? format.age(clock.nowMs - newest) : "");
}

// clock: {nowMs: this browser's clock, engineMs: the time it is in the markets}
export function drawMarkets(list, words, rows, clock) {
  const { open, settled } = tiles(rows);
  const shown = open.slice(0, MARKETS_SHOWN);
  setText(words, settledWords(settled.map((tile) => marketName(tile.rows[0]))));
  reconcile(list, shown, (tile) => tile.key, create, (node, tile) => update(node, tile, clock));
}
