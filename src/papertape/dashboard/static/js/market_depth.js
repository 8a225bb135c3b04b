// Depth of a market's books and the stream of prints: levels as lines with bars, the same in words.

import { el } from "./dom.js";
import * as format from "./format.js";
import { SIDES } from "./table.js";

export const PRINTS_SHOWN = 20;

// Both sides beside each other, best first, each bar a share of the deepest. Pure.
export function depthLines(book) {
  const most = Math.max(...[book.bids, book.asks].map((side) => side.at(-1)?.total ?? 0));
  const share = (level) => (level ? Number(((100 * level.total) / (most || 1)).toFixed(2)) : 0);
  const length = Math.max(book.bids.length, book.asks.length);
  return Array.from({ length }, (_, i) => {
    const [bid, ask] = [book.bids[i] ?? null, book.asks[i] ?? null];
    return { bid, ask, bidShare: share(bid), askShare: share(ask) };
  });
}

// One sentence for who does not see the bars. Pure.
export function depthWords(book, show) {
  const side = (levels, name) => {
    if (levels.length === 0) return `nobody ${name}`;
    const last = levels.at(-1);
    const many = format.plural(levels.length, "level", "levels");
    return `${format.quantity(last.total)} ${name} over ${many} to ${show(last.price)}`;
  };
  return `${side(book.bids, "bid")}; ${side(book.asks, "offered")}.`;
}

function cell(text, className) {
  return el("td", className, text);
}

function levelRow(line, show) {
  const row = el("tr");
  const side = (level, share, name) => {
    const bar = el("td", `depth-bar depth-${name}`);
    const filled = el("span");
    filled.style.width = `${share}%`;
    bar.append(filled, el("span", "depth-total", level ? format.quantity(level.total) : ""));
    return [
      bar,
      cell(level ? format.quantity(level.size) : "", "number"),
      cell(level ? show(level.price) : "", `number depth-price ${name}`),
    ];
  };
  const [bidBar, bidSize, bidPrice] = side(line.bid, line.bidShare, "bid");
  const [askBar, askSize, askPrice] = side(line.ask, line.askShare, "ask");
  row.append(bidBar, bidSize, bidPrice, askPrice, askSize, askBar);
  return row;
}

function headed(names) {
  const head = el("thead");
  const row = el("tr");
  for (const text of names) {
    const node = el("th", text.startsWith("#") ? "number" : "", text.replace("#", ""));
    node.scope = "col";
    row.append(node);
  }
  head.append(row);
  return head;
}

function table(label, head, rows, className) {
  const box = el("div", "story-scroll");
  box.tabIndex = 0; // it may be wider than the drawer: the keys must reach its end
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", label);
  const node = el("table", `story-table ${className}`);
  node.setAttribute("aria-label", label);
  const body = el("tbody");
  body.append(...rows);
  node.append(headed(head), body);
  box.append(node);
  return box;
}

export function bookNode(book, title = book.outcome ? `Depth of ${book.outcome}` : "Depth") {
  const show = book.outcome ? format.cents : format.price;
  const section = el("section", "story");
  section.append(el("h3", "", title));
  section.append(el("p", "story-words", depthWords(book, show)));
  const lines = depthLines(book);
  if (lines.length === 0) return section;
  const head = ["Added up", "#Size", "#Bid", "#Ask", "#Size", "Added up"];
  const rows = lines.map((line) => levelRow(line, show));
  section.append(table(`Levels of ${book.outcome || "the book"}`, head, rows, "depth"));
  return section;
}

// Prints of every outcome in one stream, the newest first. Pure.
export function printRows(books, shown = PRINTS_SHOWN) {
  const all = books.flatMap((book) => book.prints.map((each) => ({ ...each, of: book.outcome })));
  return all.sort((a, b) => b.ts_ns - a.ts_ns).slice(0, shown);
}

function printsNode(books) {
  const section = el("section", "story");
  section.append(el("h3", "", "Prints"));
  const found = printRows(books);
  if (found.length === 0) {
    section.append(el("p", "story-words", "No trade of others was seen here yet."));
    return section;
  }
  const rows = found.map((each) => {
    const row = el("tr");
    const show = each.of ? format.cents : format.price;
    const time = cell(format.clock(each.time), "");
    time.title = format.utc(each.time);
    row.append(time, cell(each.of || "pair", ""), cell(SIDES[each.side] ?? each.side, ""));
    row.append(cell(format.quantity(each.quantity), "number"), cell(show(each.price), "number"));
    return row;
  });
  const head = ["Time", "Outcome", "Taker", "#Quantity", "#Price"];
  section.append(table("Prints, newest first", head, rows, ""));
  return section;
}

// Replace what a place shows of depth and prints, only when it changed, keeping where it scrolled.
export function drawDepth(place, books) {
  const text = JSON.stringify(books);
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  if (books.length === 0) {
    place.replaceChildren();
    return;
  }
  place.replaceChildren(...books.map(bookNode), printsNode(books));
}
