// The story of a trade as sections of words and figures. Pure: drawer.js draws them.
// A section: {title, seq, words, facts: [{name, value, note?, tone?}], table: {head, rows}}.

import * as format from "./format.js";
import { marketName, outcomeName } from "./names.js";
import { SIDES, tradeCells } from "./table.js";

const THEN = { merge: "then merge the set", convert: "then convert the set" };
const CASH = {
  notional: "Price × quantity",
  fee: "Fee",
  settlement: "Paid at resolution",
  merge: "Complete sets paid out",
  convert: "Sets converted",
};

const MARKET_STATES = {
  listed: "listed",
  trading: "trading",
  halted: "halted",
  closed: "closed",
  resolved: "resolved",
};

function priceOf(row, value) {
  return row.outcome ? format.cents(value) : format.price(value);
}

function whole(row) {
  return [marketName(row), outcomeName(row)].filter(Boolean).join(" · ");
}

function sideName(side) {
  return SIDES[side] ?? side;
}

// Ages of books are often under a second, where `age` would say 0 s.
export function bookAge(ms) {
  if (typeof ms !== "number") return format.NO_VALUE;
  return ms < 1000 ? `${format.quantity(Math.round(ms * 10) / 10)} ms` : format.age(ms);
}

// The venue's fee rule and the same with this fill's numbers.
export function feeWords(fill) {
  const { kind, rate, exponent, computed, fits } = fill.fee_rule;
  const result = format.exact(computed);
  const power = exponent === 1 ? "" : `^${exponent}`;
  const { quantity, price } = fill;
  const [rule, numbers] = {
    none: ["No fee for this fill", "0"],
    proportional: [
      "price × quantity × rate",
      `${format.exact(fill.notional)} × ${format.exact(rate)}`,
    ],
    curve: [
      `shares × rate × (p × (1 − p))${power}, to 5 decimals`,
      `${format.exact(quantity)} × ${format.exact(rate)} × ` +
        `(${format.exact(price)} × (1 − ${format.exact(price)}))${power}`,
    ],
    kalshi: [
      "rate × contracts × p × (1 − p), up to the cent for the whole order",
      `${format.exact(rate)} × ${format.exact(quantity)} × ` +
        `${format.exact(price)} × (1 − ${format.exact(price)})`,
    ],
  }[kind] ?? ["", ""];
  if (!fits) {
    const known = `By the venue's fees of then it would be ${result}`;
    return { rule, numbers: `${known}; ${format.exact(fill.fee)} was booked.` };
  }
  return { rule, numbers: kind === "none" ? "" : `${numbers} = ${result}` };
}

// What else a fill rests on: how late the order was, the queue before it, the prints through it.
export function detailFacts(market, used) {
  const facts = [];
  if (used.model && used.model !== "pessimistic") {
    facts.push({ name: "Fill model", value: used.model });
  }
  if (used.latency_ms) facts.push({ name: "Way to the venue", value: bookAge(used.latency_ms) });
  if (used.delay_ms) facts.push({ name: "Held by the venue", value: bookAge(used.delay_ms) });
  if (typeof used.ahead === "number") {
    facts.push({ name: "Queue before it on arrival", value: format.quantity(used.ahead) });
  }
  for (const print of used.prints ?? []) {
    const value = `${format.quantity(print.quantity)} at ${priceOf(market, print.price)}`;
    facts.push({ name: "Trade of others", value, note: format.utc(print.time) });
  }
  return facts;
}

const PURPOSES = {
  stop_loss: "stop loss of",
  take_profit: "take profit of",
  unwind: "unwinds what missed its other leg",
};

// What an order asked for besides side, size and limit, as words.
export function termsWords(order) {
  const { terms = {}, time_in_force: time } = order;
  const said = [];
  for (const [name, words] of [
    ["stop", "stop"], ["trail", "trailing by"], ["stop_loss", "stop loss"],
    ["take_profit", "take profit"],
  ]) {
    if (name in terms) said.push(`${words} ${priceOf(order, terms[name])}`);
  }
  if ("spend" in terms) said.push(`for ${format.exact(terms.spend)}`);
  if (terms.post_only) said.push("post-only");
  if (terms.reduce_only) said.push("reduce-only");
  if (terms.purpose) {
    said.push(`${PURPOSES[terms.purpose] ?? terms.purpose} ${terms.parent ?? ""}`.trim());
  } else if (terms.group) said.push("one cancels the other");
  if (time) said.unshift(time);
  return said.join(", ");
}

function bookSection(trade, story) {
  const { market, fills } = story;
  const mine = fills.find((fill) => fill.id === trade.id);
  const used = mine?.evidence;
  const facts = [{ name: "Market", value: whole(market) }];
  if (market.state) {
    facts.push({ name: "Its state now", value: MARKET_STATES[market.state] ?? market.state });
  }
  if (market.ends_at) {
    const note = format.utc(market.ends_at);
    facts.push({ name: "Ends", value: format.clock(market.ends_at), note });
  }
  if (!used) {
    const words = mine ? "This fill came without evidence of the book." : null;
    return { title: "Market", seq: null, words, facts, table: null };
  }
  facts.push(
    { name: "Level used", value: priceOf(market, used.price) },
    { name: "Seen on that level", value: format.quantity(used.seen) },
    {
      name: "Taken there before",
      value: format.quantity(used.taken_before),
      note: "What our own earlier fills took from this level since the venue last showed it",
    },
    { name: "Age of the book", value: bookAge(used.book_age_ms), note: format.utc(used.book_time) },
    { name: "Source", value: used.source },
    ...detailFacts(market, used),
  );
  return { title: "Market and book at the fill", seq: mine.seq, words: null, facts, table: null };
}

function signalSection(signal) {
  if (!signal) return null;
  const edge = signal.expected_edge;
  const conditions = [signal.time_in_force, signal.all_or_none ? "all or none" : ""];
  return {
    title: "Signal",
    seq: signal.seq,
    words: signal.reason,
    facts: [
      { name: "Time", value: format.clock(signal.time), note: format.utc(signal.time) },
      { name: "Strategy", value: signal.strategy },
      {
        name: "Confidence",
        value: signal.confidence === null ? "not stated" : format.percent(signal.confidence),
      },
      { name: "Expected edge", value: edge === null ? "not stated" : format.change(edge) },
      {
        name: "Conditions",
        value: [...conditions, THEN[signal.then]].filter(Boolean).join(", "),
      },
    ],
    table: {
      head: ["Leg", "Side", "#Quantity", "#Limit"],
      rows: signal.legs.map((leg) => [
        whole(leg),
        sideName(leg.side),
        format.quantity(leg.quantity),
        leg.limit === null ? "market" : priceOf(leg, leg.limit),
      ]),
    },
  };
}

function riskSection(signal) {
  if (!signal) return null;
  return {
    title: "Risk",
    seq: signal.seq,
    words: "Passed: the limits on order, position, exposure and daily loss let the signal through.",
    facts: [],
    table: null,
  };
}

function wantedWords(order) {
  const wanted = `${sideName(order.side)} ${format.quantity(order.quantity)}`;
  if (order.limit === null) return `${wanted} at market`;
  return `${wanted} at ${priceOf(order, order.limit)} or better`;
}

// The trade's own order in full; the other legs' orders as a line each.
function orderSections(trade, orders) {
  const own = orders.filter((order) => order.id === trade.order_id);
  const others = orders.filter((order) => order.id !== trade.order_id);
  const sections = own.map((order) => ({
    title: `Order ${order.id}`,
    seq: order.states[0].seq,
    words: null,
    facts: [
      { name: "Wanted", value: wantedWords(order) },
      { name: "Terms", value: termsWords(order) || "none" },
      { name: "Filled", value: format.quantity(order.filled) },
    ],
    table: {
      head: ["State", "Note", "Time", "#seq"],
      rows: order.states.map((state) => [
        state.state,
        state.note,
        format.clock(state.time),
        String(state.seq),
      ]),
    },
  }));
  if (others.length > 0) {
    sections.push({
      title: "Other orders of this signal",
      seq: null,
      words: null,
      facts: [],
      table: {
        head: ["Instrument", "Wanted", "State", "#Filled", "#seq"],
        rows: others.map((order) => [
          whole(order),
          wantedWords(order),
          order.states.at(-1).state,
          format.quantity(order.filled),
          String(order.states.at(-1).seq),
        ]),
      },
    });
  }
  return sections;
}

function fillSection(fill) {
  const fee = feeWords(fill);
  const what = `${sideName(fill.side)} ${format.quantity(fill.quantity)}`;
  const facts = [
    { name: "Filled", value: `${what} at ${priceOf(fill, fill.price)}` },
    { name: "Time", value: format.clock(fill.time), note: format.utc(fill.time) },
    { name: "Role", value: fill.liquidity },
    { name: "Left open", value: format.quantity(fill.remaining) },
    { name: "Fee", value: format.exact(fill.fee) },
    { name: "Fee rule", value: fee.rule },
  ];
  if (fee.numbers) facts.push({ name: "In numbers", value: fee.numbers });
  if (fill.fee_rule.dated) facts.push({ name: "Schedule of", value: fill.fee_rule.dated });
  if (fill.fee_rule.rebate) {
    const note = "An estimate of what the venue gives makers back; never booked";
    facts.push({ name: "Rebate, perhaps", value: format.exact(fill.fee_rule.rebate), note });
  }
  return { title: `Fill ${fill.id}`, seq: fill.seq, words: null, facts, table: null };
}

function fillSections(trade, fills) {
  const sections = fills.filter((fill) => fill.id === trade.id).map(fillSection);
  const others = fills.filter((fill) => fill.id !== trade.id);
  if (others.length === 0) return sections;
  sections.push({
    title: "Other fills of this signal",
    seq: null,
    words: null,
    facts: [],
    table: {
      head: ["Instrument", "Side", "#Quantity", "#Price", "#Fee", "#Book age", "#seq"],
      rows: others.map((fill) => [
        whole(fill),
        sideName(fill.side),
        format.quantity(fill.quantity),
        priceOf(fill, fill.price),
        format.exact(fill.fee),
        bookAge(fill.evidence?.book_age_ms),
        String(fill.seq),
      ]),
    },
  });
  return sections;
}

function partsSection(trade, parts) {
  if (parts.length === 0) return null;
  return {
    title: trade.kind === "merge" ? "What was merged" : "What was converted",
    seq: trade.seq,
    words: null,
    facts: [],
    table: {
      head: ["Instrument", "#Quantity", "#Cost"],
      rows: parts.map((part) => [
        whole(part),
        format.exactChange(part.quantity),
        format.exactChange(part.cost),
      ]),
    },
  };
}

function cashSection({ cash }) {
  const rows = cash.entries.map((entry) => [
    CASH[entry.what] ?? entry.what,
    entry.about,
    String(entry.seq),
    format.exactChange(entry.amount),
  ]);
  const realized = format.change(cash.realized);
  return {
    title: cash.entries.length > 2 ? "Cash of the whole signal" : "Cash",
    seq: null,
    words: null,
    facts: [
      {
        name: "Change of cash",
        value: format.exactChange(cash.total),
        tone: format.tone(cash.total),
      },
      {
        name: "Realised",
        value: `${format.arrow(cash.realized)} ${realized}`.trim(),
        tone: format.tone(cash.realized),
        note: "Against average cost, before fees",
      },
    ],
    table: { head: ["Entry", "Of", "#seq", "#Amount"], rows },
  };
}

function settlementSection(story) {
  const paid = story.settlement;
  if (!paid) return null;
  const cells = tradeCells(paid);
  return {
    title: "Settlement of what was held",
    seq: paid.seq,
    words: null,
    facts: [
      { name: "Time", value: format.clock(paid.time), note: cells.utc },
      { name: "Paid per share", value: cells.price },
      { name: "Quantity", value: cells.quantity },
      { name: "Result", value: `${cells.arrow} ${cells.pnl}`.trim(), tone: cells.tone },
    ],
    table: null,
    link: paid.id,
  };
}

function earlierSection(earlier) {
  if (earlier.length === 0) return null;
  return {
    title: "Earlier trades of this position",
    seq: null,
    words: null,
    facts: [],
    table: {
      head: ["Time", "Side", "#Quantity", "#Price", "#seq"],
      rows: earlier.map((trade) => {
        const cells = tradeCells(trade);
        const time = format.clock(trade.time);
        return [time, cells.side, cells.quantity, cells.price, String(trade.seq)];
      }),
    },
  };
}

export function storySections({ trade, story }) {
  return [
    bookSection(trade, story),
    signalSection(story.signal),
    riskSection(story.signal),
    ...orderSections(trade, story.orders),
    ...fillSections(trade, story.fills),
    partsSection(trade, story.parts),
    cashSection(story),
    settlementSection(story),
    earlierSection(story.earlier),
  ].filter(Boolean);
}

export function storyTitle(trade) {
  const cells = tradeCells(trade);
  const price = trade.price === null ? "" : ` at ${cells.price}`;
  return `${cells.side} ${cells.quantity}${price}`;
}
