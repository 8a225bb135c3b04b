// One market as sections of words and figures. Pure: drawer.js draws them.

import * as format from "./format.js";
import { isOutcome, marketName, outcomeName, plain, reasonName } from "./names.js";
import { quoteCells } from "./markets.js";
import { tradeCells } from "./table.js";

const SEEN = { refused: "refused", skipped: "not taken", alarm: "data alarm" };

function shown(row, value) {
  return isOutcome(row) ? format.cents(value) : format.price(value);
}

export function bookSection(rows, nowMs) {
  return {
    title: "Book now",
    seq: null,
    words: null,
    facts: [],
    table: {
      head: ["Outcome", "#Size", "#Bid", "#Ask", "#Size", "#Spread", "#Last", "#Age"],
      rows: rows.map((row) => {
        const cells = quoteCells(row);
        return [
          row.outcome || "pair",
          row.bid === null ? "" : format.quantity(row.bid_size),
          cells.bid,
          cells.ask,
          row.ask === null ? "" : format.quantity(row.ask_size),
          cells.spread,
          shown(row, row.last),
          row.seenMs ? format.age(nowMs - row.seenMs) : format.NO_VALUE,
        ];
      }),
    },
  };
}

function aboutSection(market, group) {
  const facts = [
    { name: "Venue", value: market.venue },
    { name: "State", value: market.state },
  ];
  if (market.ends_at) {
    const note = format.utc(market.ends_at);
    facts.push({ name: "Ends", value: format.clock(market.ends_at), note });
  }
  if (group) facts.push({ name: "Part of", value: plain(group.title) });
  if (market.mirrored) {
    facts.push({ name: "Books", value: "one book, seen from both sides" });
  }
  return { title: "About", seq: null, words: market.id, facts, table: null };
}

function positionsSection(positions) {
  const empty = "Nothing is held here.";
  return {
    title: "Held here",
    seq: null,
    words: positions.length === 0 ? empty : null,
    facts: [],
    table: positions.length === 0 ? null : {
      head: ["Outcome", "#Quantity", "#Average", "#Value", "#P&L", "Strategies"],
      rows: positions.map((row) => [
        row.outcome || row.symbol,
        format.quantity(row.quantity),
        shown(row, row.avg_price),
        format.money(row.value),
        `${format.arrow(row.pnl)} ${format.change(row.pnl)}`.trim(),
        row.strategies.join(", "),
      ]),
    },
  };
}

function tradesSection(trades) {
  return {
    title: "Our newest trades here",
    seq: null,
    words: trades.length === 0 ? "No trade here yet." : null,
    facts: [],
    table: trades.length === 0 ? null : {
      head: ["Time", "Strategy", "Side", "Outcome", "#Quantity", "#Price", "#P&L", "#seq"],
      rows: trades.map((trade) => {
        const cells = tradeCells(trade);
        return [
          format.clock(trade.time),
          trade.strategy,
          cells.side,
          outcomeName(trade),
          cells.quantity,
          cells.price,
          `${cells.arrow} ${cells.pnl}`.trim(),
          String(trade.seq),
        ];
      }),
    },
  };
}

function why(row) {
  const figure = row.figure ? ` (${row.figure})` : "";
  const code = row.state === "refused" && row.code ? `${reasonName(row.code)}: ` : "";
  return `${code}${row.reason}${figure}`;
}

function seenSection(signals, lookedAt) {
  const seen = `the newest ${format.count(lookedAt)} signals and opportunities`;
  const words = `None among ${seen} was let go.`;
  return {
    title: "Seen here and not taken",
    seq: null,
    words: signals.length === 0 ? words : null,
    facts: [],
    table: signals.length === 0 ? null : {
      head: ["Time", "Strategy", "What", "Why", "#seq"],
      rows: signals.map((row) => [
        format.clock(row.time),
        row.strategy,
        SEEN[row.state] ?? row.state,
        why(row),
        String(row.seq),
      ]),
    },
  };
}

export function marketSections(detail) {
  return [
    aboutSection(detail.market, detail.group),
    positionsSection(detail.positions),
    seenSection(detail.signals, detail.signals_looked_at),
    tradesSection(detail.trades),
  ];
}

export function marketTitle(market) {
  return marketName({ market: market.id, symbol: market.symbols[0], question: market.question });
}
