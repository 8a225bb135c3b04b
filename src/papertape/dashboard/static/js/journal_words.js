// What the journal says of a trade, and what a form holds of it. Pure.

import * as format from "./format.js";
import { marketName } from "./names.js";

export const FIELDS = [
  "rating",
  "confidence_level",
  "tags",
  "exit_reason",
  "lessons_learned",
  "notes",
];
const NUMBERS = new Set(["rating", "confidence_level"]);
export const NAMES = {
  rating: "Rating",
  confidence_level: "Confidence",
  tags: "Tags",
  exit_reason: "Why it ended",
  lessons_learned: "Lessons",
  notes: "Notes",
};
export const NO_VERSION = "0"; // of an entry that nobody has written yet

const EXITS = {
  sold: "sold",
  settled: "paid at resolution",
  merged: "complete sets paid out",
  converted: "set converted",
};

export function outcomesText(trade) {
  const names = trade.outcomes ?? [];
  return names.length > 3 ? `set of ${names.length}` : names.join(" + ");
}

export function holding(ms) {
  return ms === null ? format.NO_VALUE : ms < 1000 ? "under 1 s" : format.countdown(ms);
}

// A line of the list.
export function rowWords(trade) {
  const rating = trade.entry?.rating;
  const open = trade.state === "open";
  return {
    market: marketName(trade),
    outcomes: outcomesText(trade),
    when: format.clock(trade.opened_at),
    strategy: trade.strategy,
    pnl: open ? "open" : format.change(trade.pnl),
    arrow: open ? "" : format.arrow(trade.pnl),
    tone: open ? "flat" : format.tone(trade.pnl),
    mark: rating ? `${rating} of 5` : "to review",
    rated: Boolean(rating),
    tags: trade.entry?.tags ?? [],
  };
}

// The automatic part of an entry: [name, words, hover?, tone?].
export function factsOf(trade) {
  const outcome = trade.outcomes.length > 0;
  const price = (value) => (outcome ? format.cents(value) : format.price(value));
  const closed = trade.state === "closed";
  const result = `${format.arrow(trade.pnl)} ${format.change(trade.pnl)}`.trim();
  const average = trade.entry_price === null ? "" : `, ${price(trade.entry_price)} on average`;
  const exit = EXITS[trade.exit.kind] ?? "";
  const why = trade.exit.reason ? `: ${trade.exit.reason}` : "";
  return [
    ["Strategy", trade.strategy],
    ["Market", [marketName(trade), outcomesText(trade)].filter(Boolean).join(" · ")],
    ["Reason", trade.reason || "none was given"],
    ["Began", format.clock(trade.opened_at), format.utc(trade.opened_at)],
    ["Ended", closed ? format.clock(trade.closed_at) : "still open", format.utc(trade.closed_at)],
    ["Held for", holding(trade.holding_ms)],
    ["Bought", `${format.quantity(trade.quantity)} for ${format.money(trade.bought)}${average}`],
    ["Got back", `${format.money(trade.sold)} in ${format.plural(trade.fills, "trade", "trades")}`],
    ["Fees", format.money(trade.fees)],
    ["Result after fees", closed ? result : "still open", "", closed ? format.tone(trade.pnl) : ""],
    ...(closed ? [["Exit", `${exit}${why}`]] : []),
  ];
}

// The book at entry, as the fills of its first signal met it.
export function bookRows(story, trade) {
  const many = new Set((story?.fills ?? []).map((fill) => fill.market)).size > 1;
  return (story?.fills ?? [])
    .filter((fill) => fill.side === "BUY" && trade.symbols.includes(fill.symbol))
    .map((fill) => {
      const price = (value) => (fill.outcome ? format.cents(value) : format.price(value));
      const used = fill.evidence;
      const age = used ? `${format.quantity(Math.round(used.book_age_ms * 10) / 10)} ms` : "";
      return {
        key: fill.id,
        outcome: many ? `${marketName(fill)} · ${fill.outcome}` : fill.outcome || fill.symbol,
        price: price(fill.price),
        quantity: format.quantity(fill.quantity),
        seen: used ? format.quantity(used.seen) : format.NO_VALUE,
        age: used ? age : format.NO_VALUE,
      };
    });
}

// How far it went against us and for us, if the recorded books say so: [name, words, hover].
export function excursionFacts(marks, trade) {
  if (!marks?.available) return [["Excursions", marks ? `not known: ${marks.why}` : "…"]];
  const outcome = trade.outcomes.length > 0;
  const price = (value) => (outcome ? format.cents(value) : format.price(value));
  const words = ({ price: at, move, time }) => {
    const side = move < 0 ? "below" : "above";
    const where = move === 0 ? "at the entry price" : `${price(Math.abs(move))} ${side} entry`;
    return `best bid ${price(at)}, ${where}, ${format.clock(time)}`;
  };
  return [
    ["Most against", words(marks.low), format.utc(marks.low.time)],
    ["Most in favour", words(marks.high), format.utc(marks.high.time)],
  ];
}

// --- the form -------------------------------------------------------------------------------

// What the fields show for an entry; texts only, as inputs hold them.
export function formOf(entry) {
  const fields = {};
  for (const name of FIELDS) {
    const value = entry?.[name];
    if (name === "tags") fields.tags = (value ?? []).join(", ");
    else fields[name] = value === null || value === undefined ? "" : String(value);
  }
  return fields;
}

export function tagsOf(text) {
  const words = text.split(",").map((word) => word.trim());
  return [...new Set(words.filter(Boolean))];
}

function valueOf(name, text) {
  if (name === "tags") return tagsOf(text);
  if (text.trim() === "") return null;
  return NUMBERS.has(name) ? Number(text) : text;
}

// Only what differs from the entry it began with: two people may write different fields.
export function changes(base, fields) {
  const changed = {};
  for (const name of FIELDS) {
    const [before, now] = [valueOf(name, base[name]), valueOf(name, fields[name])];
    if (JSON.stringify(before) !== JSON.stringify(now)) changed[name] = now;
  }
  return changed;
}

// What a person must choose between: each field that was changed on both sides, differently.
export function conflicts(base, fields, theirs) {
  const mine = changes(base, fields);
  const other = changes(base, theirs);
  return Object.keys(mine)
    .filter((name) => name in other && JSON.stringify(mine[name]) !== JSON.stringify(other[name]))
    .map((name) => ({ name, label: NAMES[name], mine: fields[name], theirs: theirs[name] }));
}

// --- the list -------------------------------------------------------------------------------

// Known lines stay where they are (with what is new of them); new ones come first. A trade that
// was just rated does not vanish under the reader's hand.
export function mergeRows(known, fresh) {
  const news = new Map(fresh.map((row) => [row.id, row]));
  const kept = known.map((row) => news.get(row.id) ?? row);
  const ids = new Set(known.map((row) => row.id));
  const newest = known.length ? known[0].seq : -1;
  return [...fresh.filter((row) => !ids.has(row.id) && row.seq > newest), ...kept];
}

// Whether so much is new that the answer does not reach down to what is known.
export function isGap(known, { data, next_cursor: following }) {
  const ids = new Set(known.map((row) => row.id));
  const newest = Math.max(-1, ...known.map((row) => row.seq));
  const allNew = data.length > 0 && data.every((row) => !ids.has(row.id) && row.seq > newest);
  return known.length > 0 && following !== null && allNew;
}

export function withMore(known, more) {
  const ids = new Set(known.map((row) => row.id));
  return [...known, ...more.filter((row) => !ids.has(row.id))];
}

// A new list keeps the trade that somebody is writing about, at its end.
export function withChosen(fresh, chosen) {
  return chosen ? withMore(fresh, [chosen]) : fresh;
}

export function step(rows, id, by) {
  const at = rows.findIndex((row) => row.id === id);
  if (at === -1) return rows[0]?.id ?? null;
  return rows[Math.min(rows.length - 1, Math.max(0, at + by))].id;
}

export const KNOWN = {
  q: null,
  show: ["all", "review", "reviewed", "open"],
  strategy: null,
  rating: ["", "1", "2", "3", "4", "5"],
  tag: null,
  trade: null,
};

const SHOWN = {
  all: {},
  review: { reviewed: "no", state: "closed" },
  reviewed: { reviewed: "yes" },
  open: { state: "open" },
};

// The filter as the API takes it.
export function filterQuery(query) {
  const { q, tag, strategy, rating, show } = query;
  const wanted = { q: q?.trim(), tag: tag?.trim(), strategy, rating, ...SHOWN[show] };
  return new URLSearchParams(Object.entries(wanted).filter(([, value]) => value)).toString();
}

export function emptyWords(query, botState) {
  if (query.show === "review") return "Nothing is left to review here. Well done.";
  if (filterQuery(query)) return "No trade fits this filter.";
  const when = botState === "running" ? "as soon as a strategy trades" : "once the bot runs";
  return `No trade yet. Each trade gets its entry here by itself, ${when}.`;
}
