// What the palette finds, and which key means what.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { fit, rank } = await import(`${JS}/fuzzy.js`);
const { Chord, CHORD_MS } = await import(`${JS}/keys.js`);
const { commands } = await import(`${JS}/command_list.js`);
const { question } = await import(`${JS}/control.js`);

const names = (query, all) => rank(query, all, (name) => name, 10).map(({ item }) => item);

test("what stands in a name goes before letters that are scattered in it", () => {
  const all = ["Leaderboard", "Pause momentum", "momentum", "Monte Carlo museum"];
  assert.deepEqual(names("mom", all).slice(0, 2), ["momentum", "Pause momentum"]);
  assert.deepEqual(names("paumo", all), ["Pause momentum"]);
  assert.deepEqual(names("zzz", all), []);
});

test("words may come in any order, and each has to fit", () => {
  assert.ok(fit("momentum pause", "Pause momentum"));
  assert.equal(fit("pause adler", "Pause momentum"), null);
});

test("the marked letters are those that were typed", () => {
  const { at } = fit("brd", "Leaderboard");
  assert.deepEqual(at.map((i) => "Leaderboard"[i]).join(""), "brd");
  assert.deepEqual(fit("led", "Leaderboard").at[0], 0);
});

test("without a query everything is there in its own order", () => {
  assert.deepEqual(names("  ", ["b", "a", "c"]), ["b", "a", "c"]);
});

test("capitals and signs of a search do no harm", () => {
  assert.deepEqual(names("BTC/u", ["BTC/USDT", "ETH/USDT"]), ["BTC/USDT"]);
  assert.deepEqual(names("(.*", ["BTC/USDT"]), []);
  assert.equal(names("a ".repeat(500), ["a b"]).length, 1);
});

test("g waits for a letter, but not for ever", () => {
  const chord = new Chord();
  assert.deepEqual(chord.read("g", 0), {});
  assert.deepEqual(chord.read("t", 500), { go: "t" });
  assert.deepEqual(chord.read("j", 600), { key: "j" });
  chord.read("g", 1000);
  assert.deepEqual(chord.read("j", 1001 + CHORD_MS), { key: "j" });
});

test("g twice is one g", () => {
  const chord = new Chord();
  chord.read("g", 0);
  assert.deepEqual(chord.read("g", 10), {});
  assert.deepEqual(chord.read("s", 20), { go: "s" });
});

const PAGES = [{ name: "Trades", href: "/trades", letter: "t" }];
const STATE = {
  status: { bot: { state: "running" }, engine: { state: "trading" } },
  strategies: [
    { strategy: "momentum", status: "running" },
    { strategy: "arbitrage", status: "paused" },
    { strategy: "broken", status: "disabled" },
  ],
  market: [
    { symbol: "v:a:YES", market: "v:a", question: "Will A win?", venue: "v", state: "live" },
    { symbol: "v:a:NO", market: "v:a", question: "Will A win?", venue: "v", state: "live" },
    { symbol: "v:b:YES", market: "v:b", question: "Will B win?", venue: "v", state: "settled" },
  ],
};
const all = (state = STATE) =>
  commands({ pages: PAGES, state, theme: "dark", has: { filter: null } });
const named = (entries) => entries.map(({ name }) => name);

test("the palette offers pages, strategies and open markets, each once", () => {
  const found = named(all());
  for (const name of ["Trades", "momentum", "Trades of arbitrage", "Will A win?"]) {
    assert.equal(found.filter((each) => each === name).length, 1, name);
  }
  assert.ok(!found.includes("Will B win?"));
});

test("only what can be done is offered", () => {
  const found = named(all());
  assert.ok(found.includes("Pause trading") && found.includes("Halt all trading"));
  assert.ok(!found.includes("Resume trading"));
  assert.ok(found.includes("Pause momentum") && !found.includes("Resume momentum"));
  assert.ok(found.includes("Resume arbitrage") && !found.includes("Pause arbitrage"));
  assert.ok(!found.includes("Pause broken"));
  const stopped = { ...STATE, status: { bot: { state: "stopped" }, engine: { state: "paused" } } };
  assert.ok(!named(all(stopped)).some((name) => /^(Pause|Resume|Halt)/.test(name)));
  assert.ok(named(all({ ...STATE, status: null, strategies: [] })).includes("Light theme"));
});

test("a question says what will happen to whom", () => {
  assert.match(question("pause"), /No new orders until you resume/);
  assert.match(question("pause", "momentum"), /^Pause momentum\?/);
  assert.match(question("resume", "momentum"), /^Resume momentum\?/);
});
