// The books of all markets as one table: a block per market, a line per outcome, groups together.

import { el, glow, reconcile, setFigure, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { axisPlace, groupSums, groupWords } from "./market_list.js";
import { quoteCells, STATES } from "./markets.js";
import { isOutcome, marketName, plain } from "./names.js";

const COLUMNS = ["outcome", "bid-size", "bid", "axis", "ask", "ask-size", "spread", "last", "age"];
const NUMBERS = new Set(["bid-size", "bid", "spread", "last", "age"]);

export function endsWords(row, engineMs) {
  if (row.state === "settled") return "settled";
  if (!row.ends_at) return "";
  const left = Date.parse(row.ends_at) - engineMs;
  return left > 0 ? `ends in ${format.countdown(left)}` : "has ended, waits for its result";
}

function createGroup() {
  const body = el("tbody", "group");
  const row = el("tr");
  const cell = el("th");
  cell.scope = "rowgroup";
  cell.colSpan = COLUMNS.length;
  cell.append(el("span", "group-title"), el("span", "group-sums"), el("span", "group-words"));
  row.append(cell);
  body.append(row);
  return body;
}

function updateGroup(body, entry, rows) {
  const [title, sums, words] = body.firstElementChild.firstElementChild.children;
  const found = groupSums(entry, rows);
  setText(title, plain(entry.group.title));
  const said = (price) => (price === null ? "not all priced" : format.cents(price));
  const members = format.plural(found.members, "market", "markets");
  setText(sums, `YES of all ${members}: asks ${said(found.asks)}, bids ${said(found.bids)}`);
  setText(words, groupWords(entry.group, found));
}

function createMarket() {
  const body = el("tbody", "book");
  const head = el("tr", "book-head");
  const cell = el("th");
  cell.scope = "rowgroup";
  cell.colSpan = COLUMNS.length;
  const line = el("div", "book-line");
  const dot = el("span", "dot");
  dot.setAttribute("role", "img");
  line.append(dot, el("a", "row-link"), el("span", "book-venue"), el("span", "book-ends"));
  cell.append(line);
  head.append(cell);
  body.append(head);
  return body;
}

function createQuote() {
  const row = el("tr", "quote");
  for (const column of COLUMNS) {
    const cell = el("td", NUMBERS.has(column) ? `b-${column} number` : `b-${column}`);
    cell.dataset.label = LABELS[column] ?? "";
    row.append(cell);
  }
  const axis = el("div", "axis");
  axis.append(el("span"));
  row.children[3].append(axis);
  return row;
}

const LABELS = { last: "last", spread: "spread", "bid-size": "size", "ask-size": "size" };

function updateQuote(row, quote, nowMs) {
  const cells = quoteCells(quote);
  const at = (column) => row.children[COLUMNS.indexOf(column)];
  const show = isOutcome(quote) ? format.cents : format.price;
  setText(at("outcome"), quote.outcome || "pair");
  setTitle(at("outcome"), quote.outcome);
  setText(at("bid-size"), quote.bid === null ? "" : format.quantity(quote.bid_size));
  setText(at("ask-size"), quote.ask === null ? "" : format.quantity(quote.ask_size));
  setFigure(at("bid"), cells.bid, glow);
  setFigure(at("ask"), cells.ask, glow);
  setText(at("spread"), cells.spread);
  setText(at("last"), show(quote.last));
  setText(at("age"), quote.seenMs ? format.age(nowMs - quote.seenMs) : format.NO_VALUE);
  setTitle(at("age"), format.utc(quote.ts));
  const place = axisPlace(quote);
  const axis = at("axis").firstElementChild;
  axis.hidden = place === null;
  if (place === null) return;
  setTitle(axis, `${cells.bid} to ${cells.ask} of 100 ¢`);
  axis.firstElementChild.style.left = `${place.left}%`;
  axis.firstElementChild.style.width = `${place.width}%`;
}

function updateMarket(body, tile, clock, { addressOf, openId, currentId }) {
  const [head, ...lines] = body.children;
  const [dot, link, venue, ends] = head.firstElementChild.firstElementChild.children;
  const [first] = tile.rows;
  const words = STATES[tile.state] ?? (tile.state === "settled" ? "settled" : "live");
  dot.dataset.state = tile.state === "gap" ? "error" : tile.state;
  dot.setAttribute("aria-label", words);
  const doubt = tile.rows.find((row) => row.doubt_reason);
  setTitle(dot, doubt ? `${words}: ${doubt.doubt_reason}` : words);
  setText(link, marketName(first));
  const href = addressOf(tile.key);
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  setText(venue, first.venue);
  const state = tile.state === "live" || tile.state === "settled" ? "" : words;
  setText(ends, [state, endsWords(first, clock.engineMs)].filter(Boolean).join(" · "));
  body.classList.toggle("open", tile.key === openId);
  body.classList.toggle("current", tile.key === currentId);
  tile.rows.forEach((quote, i) => {
    const row = lines[i] ?? body.appendChild(createQuote());
    updateQuote(row, quote, clock.nowMs);
  });
  for (const extra of lines.slice(tile.rows.length)) extra.remove();
}

// entries: as market_list.js lists them; rows: all instruments, for the sums of groups
export function drawBooks(table, entries, rows, clock, how) {
  const blocks = entries.flatMap((entry) => [
    ...(entry.group ? [{ key: `group:${entry.group.id}`, entry }] : []),
    ...entry.markets.map((tile) => ({ key: tile.key, tile, grouped: entry.group !== null })),
  ]);
  reconcile(
    table,
    [{ key: "head", head: table.tHead }, ...blocks],
    (block) => block.key,
    (block) => block.head ?? (block.entry ? createGroup() : createMarket()),
    (body, block) => {
      if (block.head) return;
      if (block.entry) updateGroup(body, block.entry, rows);
      else {
        body.classList.toggle("grouped", block.grouped);
        updateMarket(body, block.tile, clock, how);
      }
    },
  );
}
