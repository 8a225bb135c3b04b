// The journal without a browser: what it says, what a form changes, what a note may become.

import assert from "node:assert/strict";
import { test } from "node:test";

const at = (name) => import(`../../src/papertape/dashboard/static/js/${name}.js`);
const words = await at("journal_words");
const { parseInline, parseMarkdown } = await at("markdown");
const { Drafts, DRAFTS_MAX } = await at("drafts");

const TRADE = {
  id: "F1", seq: 5, strategy: "momentum", question: "Will it rain?", symbols: ["a"],
  outcomes: ["YES"], opened_at: "2026-01-01T00:00:00Z", closed_at: "2026-01-01T00:01:05Z",
  holding_ms: 65_000, quantity: 20, entry_price: 0.41, bought: 8.2, sold: 10, fees: 0.1,
  pnl: 1.7, fills: 3, state: "closed", reason: "price rises", entry: null,
  exit: { kind: "sold", reason: "target reached" },
};

test("a line and the facts of a trade say what the API says", () => {
  const row = words.rowWords(TRADE);
  assert.deepEqual([row.pnl, row.arrow, row.tone, row.mark], ["+1.70", "▲", "gain", "to review"]);
  const open = words.rowWords({ ...TRADE, state: "open", pnl: null, entry: { rating: 4 } });
  assert.deepEqual([open.pnl, open.tone, open.mark], ["open", "flat", "4 of 5"]);
  const facts = new Map(words.factsOf(TRADE));
  assert.equal(facts.get("Bought"), "20 for 8.20, 41.0 ¢ on average");
  assert.equal(facts.get("Held for"), "1 min 5 s");
  assert.equal(facts.get("Exit"), "sold: target reached");
  const set = { ...TRADE, outcomes: ["A", "B", "C", "D"], entry_price: null, holding_ms: 0 };
  assert.equal(words.outcomesText(set), "set of 4");
  assert.equal(new Map(words.factsOf(set)).get("Held for"), "under 1 s");
});

test("excursions are told where they are known, and else why not", () => {
  const at = (price, move) => ({ price, move, time: "2026-01-01T00:00:30Z" });
  const known = { available: true, why: "", low: at(0.38, -0.03), high: at(0.41, 0), points: [] };
  const facts = new Map(words.excursionFacts(known, TRADE));
  assert.match(facts.get("Most against"), /^best bid 38\.0 ¢, 3\.0 ¢ below entry, /);
  assert.match(facts.get("Most in favour"), /^best bid 41\.0 ¢, at the entry price, /);
  const none = { available: false, why: "the trade is still open" };
  assert.deepEqual(words.excursionFacts(none, TRADE), [
    ["Excursions", "not known: the trade is still open"],
  ]);
});

test("a form becomes only what was changed in it", () => {
  const base = words.formOf({ rating: 3, tags: ["a", "b"], notes: "x", confidence_level: null });
  assert.deepEqual(words.changes(base, base), {});
  const fields = { ...base, rating: "", confidence_level: "10", tags: " b,a , a,", notes: " " };
  const changed = { rating: null, confidence_level: 10, tags: ["b", "a"], notes: null };
  assert.deepEqual(words.changes(base, fields), changed);
  assert.deepEqual(words.formOf(null).tags, "");
});

test("only fields that both sides changed differently are a conflict", () => {
  const base = words.formOf({ rating: 3, notes: "x", tags: [] });
  const mine = { ...base, rating: "4", notes: "mine" };
  assert.deepEqual(words.conflicts(base, mine, { ...base, tags: "new" }), []);
  assert.deepEqual(words.conflicts(base, mine, { ...base, rating: "4" }), []);
  const both = words.conflicts(base, mine, { ...base, notes: "theirs" });
  assert.deepEqual(both, [{ name: "notes", label: "Notes", mine: "mine", theirs: "theirs" }]);
});

test("a refresh moves nothing that is on the page", () => {
  const known = [{ id: "c", seq: 3 }, { id: "a", seq: 1, old: true }];
  const fresh = [{ id: "d", seq: 4 }, { id: "b", seq: 2 }, { id: "a", seq: 1 }];
  const merged = words.mergeRows(known, fresh);
  assert.deepEqual(merged, [{ id: "d", seq: 4 }, { id: "c", seq: 3 }, { id: "a", seq: 1 }]);
  assert.deepEqual(words.mergeRows([], fresh), fresh);
  assert.equal(words.step(merged, "c", 1), "a");
  assert.equal(words.step(merged, "a", 1), "a");
  assert.equal(words.step(merged, null, 1), "d");
  assert.equal(words.step([], null, 1), null);
});

test("a list that was left behind begins anew and keeps the trade in hand", () => {
  const known = [{ id: "b", seq: 2 }, { id: "a", seq: 1 }];
  const ahead = { data: [{ id: "z", seq: 9 }, { id: "y", seq: 8 }], next_cursor: 8 };
  assert.equal(words.isGap(known, ahead), true);
  assert.equal(words.isGap(known, { ...ahead, next_cursor: null }), false);
  assert.equal(words.isGap(known, { ...ahead, data: [...ahead.data, known[0]] }), false);
  assert.equal(words.isGap([], ahead), false);
  const older = { data: [{ id: "0", seq: 0 }], next_cursor: 0 };
  assert.equal(words.isGap(known, older), false);
  assert.deepEqual(words.withChosen(ahead.data, known[1]).map((row) => row.id), ["z", "y", "a"]);
  assert.deepEqual(words.withChosen(known, known[1]), known);
  assert.deepEqual(words.withMore(known, [{ id: "a", seq: 1 }, { id: "0", seq: 0 }]).length, 3);
});

test("the filter asks only for what was chosen", () => {
  const none = { q: null, show: "all", strategy: null, rating: "", tag: null };
  assert.equal(words.filterQuery(none), "");
  const all = { q: " a b ", show: "review", strategy: "momentum", rating: "", tag: "" };
  assert.equal(words.filterQuery(all), "q=a+b&strategy=momentum&reviewed=no&state=closed");
  assert.match(words.emptyWords({ ...none, show: "review" }, "running"), /left to review/);
  assert.match(words.emptyWords({ ...none, q: "x" }, "running"), /fits/);
  assert.match(words.emptyWords(none, "stopped"), /once the bot runs/);
});

test("notes become blocks, and what is no markdown stays text", () => {
  const text = "# Head\nfirst\nsecond\n\n- a\n- **b**\n1. one\n> said\n---\n```\n# code\n```\nend";
  const kinds = parseMarkdown(text).map((block) => block.kind);
  assert.deepEqual(kinds, ["h1", "p", "ul", "ol", "quote", "rule", "code", "p"]);
  const blocks = parseMarkdown(text);
  assert.deepEqual(blocks[1].inline, ["first\nsecond"]);
  assert.deepEqual(blocks[2].items[1], [{ kind: "strong", inline: ["b"] }]);
  assert.equal(blocks[6].text, "# code");
  assert.deepEqual(parseMarkdown("```\nnever closed"), [{ kind: "code", text: "never closed" }]);
  assert.deepEqual(parseMarkdown(""), []);
  assert.deepEqual(parseMarkdown(null), []);
});

test("a link leads to the web or is no link; markup is text; names keep their lines", () => {
  const link = { kind: "link", text: "x", address: "https://a.b/c" };
  assert.deepEqual(parseInline("see [x](https://a.b/c)!"), ["see ", link, "!"]);
  for (const bad of ["javascript:alert(1)", "data:text/html,x", "//a.b", "JaVaScRiPt:x"]) {
    assert.deepEqual(parseInline(`[x](${bad})`), [`[x](${bad})`]);
  }
  const raw = "<img src=x onerror=alert(1)>";
  assert.deepEqual(parseInline(raw), [raw]);
  assert.deepEqual(parseInline("mean_reversion_fast 2*3*4"), [
    "mean_reversion_fast 2", { kind: "em", inline: ["3"] }, "4",
  ]);
  assert.deepEqual(parseInline("`**a**`"), [{ kind: "code", text: "**a**" }]);
});

test("any text is parsed in no time and loses no letter", () => {
  const nasty = ["*".repeat(20_000), "[".repeat(20_000), "_a".repeat(10_000), "`".repeat(19_999),
    "**a".repeat(6_000), "> ".repeat(10_000), "[a](".repeat(5_000)];
  const began = Date.now();
  const flat = (part) =>
    typeof part === "string" ? part : (part.text ?? part.inline.map(flat).join(""));
  for (const text of nasty) {
    const said = parseMarkdown(text).map((b) => (b.inline ?? []).map(flat).join("")).join("");
    if (!text.startsWith(">") && !text.startsWith("*".repeat(9)) && !text.startsWith("`")) {
      assert.equal(said.replace(/\W|_/g, ""), text.replace(/\W|_/g, ""));
    }
  }
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
});

class Shelf {
  #kept = new Map();
  get length() { return this.#kept.size; }
  key(i) { return [...this.#kept.keys()][i] ?? null; }
  getItem(key) { return this.#kept.get(key) ?? null; }
  setItem(key, text) { this.#kept.set(key, text); }
  removeItem(key) { this.#kept.delete(key); }
}

test("drafts are kept, bounded, and nobody else's things are touched", () => {
  const shelf = new Shelf();
  shelf.setItem("papertape.theme", "dark");
  const drafts = new Drafts(shelf, "journal");
  for (let i = 0; i < DRAFTS_MAX + 5; i += 1) drafts.write(`F${i}`, { fields: {}, atMs: i });
  assert.equal(drafts.ids().length, DRAFTS_MAX);
  assert.equal(drafts.read("F0"), null);
  assert.equal(drafts.read("F54").atMs, 54);
  drafts.remove("F54");
  assert.equal(drafts.read("F54"), null);
  assert.equal(shelf.getItem("papertape.theme"), "dark");
  shelf.setItem("papertape.draft.journal.F9", "{broken");
  assert.equal(drafts.read("F9"), null);
  const none = new Drafts(null, "journal");
  assert.equal(none.write("F1", {}), false);
  assert.equal(none.read("F1"), null);
});
