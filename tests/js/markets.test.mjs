// The markets page apart from its document: filter, groups and their sums, the axis, the story.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { axisPlace, groupSums, groupWords, listed, marketsAddress, readMarketFilter } = await import(
  `${JS}/market_list.js`
);
const { bookSection, marketSections, marketTitle } = await import(`${JS}/market_story.js`);
const { endsWords } = await import(`${JS}/market_table.js`);

function quote(name, outcome, bid, ask, more = {}) {
  const market = `simulated:${name}`;
  return {
    symbol: `${market}:${outcome}`,
    id: `${market}:${outcome}`,
    venue: "simulated",
    market,
    question: `Will ${name} win?`,
    outcome,
    bid,
    ask,
    bid_size: 5,
    ask_size: 6,
    last: null,
    state: "live",
    ends_at: null,
    ...more,
  };
}

const ROWS = [
  quote("adler", "YES", 0.4, 0.43),
  quote("adler", "NO", 0.57, 0.6),
  quote("rain", "YES", 0.1, 0.12, { state: "stale" }),
  quote("brandt", "YES", 0.55, 0.56),
  quote("brandt", "NO", 0.44, 0.45),
  quote("done", "YES", null, null, { state: "settled" }),
];
const RACE = {
  id: "race",
  title: "Mayor's race",
  markets: ["simulated:adler", "simulated:brandt"],
  neg_risk: true,
  exhaustive: true,
};
const KNOWN = {
  abouts: new Map([
    ["simulated:adler", { event_id: "race", event: "Mayor's race" }],
    ["simulated:brandt", { event_id: "race", event: "Mayor's race" }],
  ]),
  groups: { race: RACE },
};

const keys = (entries) => entries.map((entry) => entry.markets.map((tile) => tile.key.slice(10)));

test("members of an event stand together, the settled only where they are asked for", () => {
  assert.deepEqual(keys(listed(ROWS, {}, KNOWN)), [["adler", "brandt"], ["rain"]]);
  assert.deepEqual(keys(listed(ROWS, {})), [["adler"], ["rain"], ["brandt"]]);
  assert.deepEqual(keys(listed(ROWS, { state: "settled" }, KNOWN)), [["done"]]);
  assert.deepEqual(keys(listed(ROWS, { state: "stale" }, KNOWN)), [["rain"]]);
  assert.deepEqual(keys(listed(ROWS, { q: "mayor BRANDT" }, KNOWN)), [["brandt"]]);
  assert.deepEqual(keys(listed(ROWS, { venue: "polymarket" }, KNOWN)), []);
});

test("a group's sums are those of all its members, shown or not, or nothing", () => {
  const [entry] = listed(ROWS, { q: "brandt" }, KNOWN);
  const sums = groupSums(entry, ROWS);
  assert.deepEqual(sums, { asks: 0.99, bids: 0.95, members: 2, shown: 1 });
  const holes = ROWS.map((row) => (row.market === "simulated:adler" ? { ...row, ask: null } : row));
  assert.equal(groupSums(entry, holes).asks, null);
  assert.equal(groupSums(entry, holes).bids, 0.95);
  assert.equal(groupSums(entry, []).bids, null);
  assert.match(groupWords(RACE), /exactly one/);
  assert.match(groupWords({ ...RACE, exhaustive: false }), /at most one/);
});

test("the axis shows what is known, and nothing for a pair", () => {
  assert.deepEqual(axisPlace(ROWS[2]), { left: 10, width: 2 });
  assert.deepEqual(axisPlace(quote("x", "YES", null, 0.25)), { left: 0, width: 25 });
  assert.deepEqual(axisPlace(quote("x", "NO", 1, null)), { left: 99.2, width: 0.8 });
  assert.equal(axisPlace(quote("x", "YES", null, null)), null);
  assert.equal(axisPlace({ outcome: "", bid: 1, ask: 2 }), null);
});

test("the address holds filter and open market", () => {
  const filter = readMarketFilter("?q=rain+no&state=live&venue=simulated&state=x&y=1");
  assert.deepEqual(filter, { q: "rain no", state: "live", venue: "simulated" });
  assert.equal(
    marketsAddress("/markets", filter, "simulated:a"),
    "/markets?q=rain+no&venue=simulated&state=live&market=simulated%3Aa",
  );
  assert.deepEqual(readMarketFilter("?state=broken"), {});
});

test("an end is a countdown, then a wait, then a fact", () => {
  const ends_at = "2026-01-01T00:00:10Z";
  const end = Date.parse(ends_at);
  assert.equal(endsWords({ ends_at, state: "live" }, end - 5000), "ends in 5 s");
  assert.equal(endsWords({ ends_at, state: "live" }, end + 1), "has ended, waits for its result");
  assert.equal(endsWords({ ends_at, state: "settled" }, end + 1), "settled");
  assert.equal(endsWords({ ends_at: null, state: "live" }, end), "");
});

test("a market tells what is held, traded, and seen and not taken", () => {
  const market = {
    id: "simulated:rain", symbols: ["simulated:rain:YES"], question: "Rain?", venue: "simulated",
    state: "trading", ends_at: null, mirrored: true,
  };
  const nothing = { market, group: null, positions: [], trades: [], signals: [],
                    signals_looked_at: 5000 };
  const empty = marketSections(nothing).map((section) => section.words);
  assert.deepEqual(empty.slice(1), [
    "Nothing is held here.",
    "None among the newest 5,000 signals and opportunities was let go.",
    "No trade here yet.",
  ]);
  const seen = { seq: 9, time: "2026-01-01T00:00:00Z", strategy: "arbitrage", state: "skipped",
                 figure: "0.2", code: "edge", reason: "the edge is below the fees" };
  const told = marketSections({ ...nothing, signals: [seen], group: RACE });
  assert.deepEqual(told[2].table.rows[0].slice(1), [
    "arbitrage",
    "not taken",
    "the edge is below the fees (0.2)",
    "9",
  ]);
  assert.equal(marketTitle(market), "Rain?");
  const [row] = bookSection([quote("x", "YES", 0.4, 0.43)], 0).table.rows;
  assert.deepEqual(row, ["YES", "5", "40.0 ¢", "43.0 ¢", "6", "3.0 ¢", "–", "–"]);
});
