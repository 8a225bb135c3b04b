// The trades page apart from its document: filter and address, the list's pages, the story.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { dayBounds, isFiltered, pageAddress, query, readFilter } = await import(
  `${JS}/trade_filter.js`
);
const { PAGE_ROWS, TradeList, windowOf } = await import(`${JS}/trade_list.js`);
const { bookAge, detailFacts, feeWords, storySections, storyTitle, termsWords } = await import(
  `${JS}/trade_story.js`
);

test("address and filter say the same thing", () => {
  const search = "?q=mayor+adler&strategy=momentum&side=BUY&from=2026-01-31&sort=time";
  const filter = readFilter(search);
  assert.deepEqual(filter, {
    q: "mayor adler",
    strategy: "momentum",
    side: "BUY",
    from: "2026-01-31",
    sort: "time",
  });
  assert.equal(pageAddress("/trades", filter), `/trades${search}`);
  assert.equal(pageAddress("/trades", readFilter(""), "F1"), "/trades?trade=F1");
  assert.equal(pageAddress("/trades", readFilter("?trade=F1")), "/trades");
});

test("an address with what this page does not know is read as far as it goes", () => {
  const filter = readFilter("?sort=price&from=yesterday&q=+&x=1&kind=fill");
  assert.deepEqual(filter, { sort: "-time", kind: "fill" });
  assert.equal(isFiltered(filter), true);
  assert.equal(isFiltered(readFilter("?sort=time")), false);
});

test("a day is asked for from its first to its last instant", () => {
  const { begins, ends } = dayBounds("2026-02-28");
  assert.equal(Date.parse(ends) - Date.parse(begins), 86_400_000 - 1);
  const asked = new URLSearchParams(query({ from: "2026-02-28", to: "2026-02-28", sort: "time" }));
  assert.equal(asked.get("from"), begins);
  assert.equal(asked.get("to"), ends);
  assert.equal(asked.get("sort"), null);
});

// A server with trades numbered 1..count of which every `step`th fits; it looks at `walk` a page.
function server(count, { step = 1, walk = 1000 } = {}) {
  const asked = [];
  const every = () => Array.from({ length: count }, (_, i) => i + 1).filter((n) => n % step === 0);
  const answer = async (path) => {
    asked.push(path);
    const params = new URL(path, "http://x").searchParams;
    const number = (name, none) => Number(params.get(name) ?? none);
    const newest = params.get("sort") !== "time";
    const low = newest ? number("after", 0) : number("cursor", 0);
    const high = newest ? number("cursor", 1e9) : 1e9;
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const within = numbers.filter((n) => n > low && n < high);
    if (newest) within.reverse();
    const walked = within.slice(0, walk);
    const fitting = walked.filter((n) => n % step === 0);
    const limit = number("limit", 100);
    const page = fitting.slice(0, limit);
    const edge = within.length > walk ? walked.at(-1) : null;
    const next_cursor = fitting.length > limit ? page.at(-1) : edge;
    return { data: page.map((seq) => ({ id: `F${seq}`, seq })), next_cursor, seen_seq: count };
  };
  return { answer, asked, every, grow: (more) => (count += more) };
}

const seqs = (list) => list.rows.map((row) => row.seq);

test("pages put together are every trade that fits, short pages or not", async () => {
  for (const sort of ["-time", "time"]) {
    for (const [step, walk] of [[1, 1000], [7, 90], [400, 30]]) {
      const made = server(1000, { step, walk });
      const list = new TradeList(made.answer);
      await list.open(readFilter(`?sort=${sort}`));
      for (let i = 0; i < 100 && !list.done; i += 1) await list.more();
      const expected = made.every();
      if (sort === "-time") expected.reverse();
      assert.deepEqual(seqs(list), expected);
    }
  }
});

test("news waits until it is taken, and joins without a hole", async () => {
  const made = server(500);
  const list = new TradeList(made.answer);
  await list.open(readFilter(""));
  assert.equal(list.rows.length, PAGE_ROWS);
  made.grow(3);
  assert.equal(await list.news(), 3);
  made.grow(2);
  assert.equal(await list.news(), 2);
  assert.equal(await list.news(), 0);
  assert.deepEqual(list.fresh.map((row) => row.seq), [505, 504, 503, 502, 501]);
  assert.equal(list.rows[0].seq, 500);
  assert.equal(list.take().length, 5);
  while (!list.done) await list.more();
  assert.deepEqual(seqs(list), made.every().reverse());
});

test("where nothing fits, news asks only for what has not been looked at", async () => {
  const made = server(300, { step: 1000, walk: 100 });
  const list = new TradeList(made.answer);
  await list.open(readFilter("?q=rare"));
  assert.deepEqual([list.done, list.rows.length], [true, 0]);
  made.grow(50);
  assert.equal(await list.news(), 0);
  assert.match(made.asked.at(-1), /after=300/);
  made.grow(50);
  await list.news();
  assert.match(made.asked.at(-1), /after=350/);
  assert.equal(made.asked.length, 5);
});

test("more news than a page begins the list anew", async () => {
  const made = server(10);
  const list = new TradeList(made.answer);
  await list.open(readFilter(""));
  made.grow(5000);
  await list.news();
  assert.equal(list.fresh.length, 0);
  assert.equal(list.rows[0].seq, 5010);
});

test("oldest first, the news comes at the end", async () => {
  const made = server(5);
  const list = new TradeList(made.answer);
  await list.open(readFilter("?sort=time"));
  assert.equal(list.done, true);
  made.grow(2);
  await list.news();
  await list.more();
  assert.deepEqual(seqs(list), [1, 2, 3, 4, 5, 6, 7]);
});

test("an answer to an older filter is dropped; a failure is said", async () => {
  let release;
  const slow = new Promise((resolve) => (release = resolve));
  const made = server(5);
  const list = new TradeList(async (path) => {
    if (path.includes("q=slow")) await slow;
    if (path.includes("q=bad")) throw new Error("no");
    return made.answer(path);
  });
  const first = list.open(readFilter("?q=slow"));
  await list.open(readFilter("?q=fast"));
  release();
  await first;
  assert.deepEqual(seqs(list), [5, 4, 3, 2, 1]);
  await list.open(readFilter("?q=bad"));
  assert.deepEqual([list.state, list.problem, list.rows.length], ["error", "no", 0]);
});

test("only the rows in view are drawn, whatever the scroll says", () => {
  const { first, last } = windowOf(330_000, 600, 33, 100_000);
  assert.ok(first <= 10_000 && last >= 10_019 && last - first < 60);
  assert.deepEqual(windowOf(0, 600, 33, 3), { first: 0, last: 3 });
  assert.deepEqual(windowOf(1e9, 600, 33, 3), { first: 3, last: 3 });
  assert.deepEqual(windowOf(0, 600, 33, 0), { first: 0, last: 0 });
});

const FILL = {
  id: "F1", seq: 12, time: "2026-11-23T02:00:00Z", symbol: "simulated:rain:YES", outcome: "YES",
  market: "simulated:rain", question: "Rain?", side: "BUY", price: 0.17, quantity: 77,
  notional: 13.09, fee: 0.43459, liquidity: "taker", remaining: 0,
  fee_rule: { kind: "curve", rate: 0.04, exponent: 1, computed: 0.43459, fits: true },
  evidence: { price: 0.17, seen: 80, taken_before: 3, book_age_ms: 12.34, source: "simulated" },
};

test("a fee is told as the rule and with its numbers", () => {
  const told = feeWords(FILL);
  assert.equal(told.rule, "shares × rate × (p × (1 − p)), to 5 decimals");
  assert.equal(told.numbers, "77 × 0.04 × (0.17 × (1 − 0.17)) = 0.43459");
  const none = { ...FILL, fee: 0, fee_rule: { kind: "none", rate: 0, computed: 0, fits: true } };
  assert.deepEqual(feeWords(none), { rule: "No fee for this fill", numbers: "" });
  const other = { ...FILL, fee: 0.5, fee_rule: { ...FILL.fee_rule, fits: false } };
  assert.match(feeWords(other).numbers, /would be 0.43459; 0.5 was booked/);
});

test("a story names the number of every record, and nothing that it does not know", () => {
  const trade = { ...FILL, kind: "fill", order_id: "O1", realized_pnl: null, strategy: "m" };
  const leg = { ...FILL, limit: 0.17 };
  const story = {
    market: { ...FILL, state: "trading", ends_at: null, venue: "simulated" },
    signal: {
      seq: 10, time: FILL.time, strategy: "m", reason: "price rises", confidence: null,
      expected_edge: null, time_in_force: "IOC", all_or_none: true, then: "merge", legs: [leg],
    },
    orders: [
      {
        ...leg, id: "O1", filled: 77,
        states: [{ seq: 11, time: FILL.time, state: "submitted", note: "" },
                 { seq: 12, time: FILL.time, state: "filled", note: "F1" }],
      },
    ],
    fills: [FILL],
    parts: [],
    cash: { entries: [{ seq: 12, what: "fee", amount: -0.43459, about: "F1" }], total: -13.52459,
            realized: 0 },
    settlement: null,
    earlier: [],
  };
  const sections = storySections({ trade, story });
  assert.deepEqual(
    sections.map((section) => [section.title, section.seq]),
    [
      ["Market and book at the fill", 12],
      ["Signal", 10],
      ["Risk", 10],
      ["Order O1", 11],
      ["Fill F1", 12],
      ["Cash", null],
    ],
  );
  const fact = (i, name) => sections[i].facts.find((each) => each.name === name)?.value;
  assert.equal(fact(0, "Seen on that level"), "80");
  assert.equal(fact(0, "Taken there before"), "3");
  assert.equal(fact(0, "Age of the book"), "12.3 ms");
  assert.equal(fact(1, "Expected edge"), "not stated");
  assert.equal(fact(1, "Conditions"), "IOC, all or none, then merge the set");
  assert.equal(fact(5, "Change of cash"), "−13.52459");
  assert.equal(storyTitle(trade), "Buy 77 at 17.0 ¢");
  assert.equal(bookAge(undefined), "–");
});

test("terms and evidence are told where there are any", () => {
  assert.equal(termsWords({ outcome: "YES" }), "");
  const terms = { stop: 0.45, reduce_only: true, purpose: "stop_loss", parent: "o1", group: "o1" };
  const order = { outcome: "YES", time_in_force: "GTC", terms };
  assert.equal(termsWords(order), "GTC, stop 45.0 ¢, reduce-only, stop loss of o1");
  const pair = { ...order, terms: { trail: 0.03, post_only: true, spend: 12.5, group: "s1" } };
  assert.equal(
    termsWords(pair),
    "GTC, trailing by 3.0 ¢, for 12.5, post-only, one cancels the other",
  );
  assert.deepEqual(detailFacts(FILL, FILL.evidence), []);
  const prints = [{ time: FILL.time, price: 0.16, quantity: 40 }];
  const used = { model: "likely", latency_ms: 150, delay_ms: 3000, ahead: 0, prints };
  const names = detailFacts(FILL, used).map((fact) => `${fact.name}: ${fact.value}`);
  assert.deepEqual(names, [
    "Fill model: likely",
    "Way to the venue: 150 ms",
    "Held by the venue: 3 s",
    "Queue before it on arrival: 0",
    "Trade of others: 40 at 16.0 ¢",
  ]);
});
