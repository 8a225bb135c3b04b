// What the machine room says, from what the API answers.

import assert from "node:assert/strict";
import { test } from "node:test";

const words = await import("../../src/papertape/dashboard/static/js/system_words.js");

const STATUS = {
  run_id: "R1",
  behind: 1,
  sockets: 2,
  bot: { state: "running", since: "2026-01-01T00:00:00Z", heartbeat_age_ms: 400, pid: 42 },
  engine: { state: "trading", reason: "" },
};
const with_ = (bot, engine) => ({
  ...STATUS,
  bot: { ...STATUS.bot, ...bot },
  engine: { ...STATUS.engine, ...engine },
});

test("sizes are read in the largest fitting unit", () => {
  const cases = [[0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [123_456, "123 kB"],
    [2_048_000_000, "2.0 GB"], [null, "–"], [NaN, "–"]];
  for (const [value, text] of cases) assert.equal(words.bytes(value), text);
});

test("only the commands that can do something are offered", () => {
  assert.deepEqual(words.actionsFor(STATUS), { pause: true, resume: false, halt: true });
  const paused = with_({}, { state: "paused" });
  assert.deepEqual(words.actionsFor(paused), { pause: false, resume: true, halt: true });
  const halted = with_({}, { state: "halted" });
  assert.deepEqual(words.actionsFor(halted), { pause: false, resume: true, halt: false });
  const none = { pause: false, resume: false, halt: false };
  for (const state of ["silent", "stopped", "never"]) {
    assert.deepEqual(words.actionsFor(with_({ state })), none);
  }
  assert.deepEqual(words.actionsFor(null), { pause: false, resume: false, halt: false });
});

test("engine facts say why trading does not go on, and let the heartbeat age", () => {
  const halted = with_({}, { state: "halted", reason: "drawdown" });
  const facts = new Map(words.engineFacts(halted, 2600));
  assert.equal(facts.get("Engine"), "halted");
  assert.equal(facts.get("Why"), "drawdown");
  assert.equal(facts.get("Heartbeat"), "3 s ago");
  const off = with_({ state: "never", since: null, heartbeat_age_ms: null, pid: null });
  const never = new Map(words.engineFacts(off, 0));
  assert.equal(never.get("Engine"), "off");
  assert.equal(never.get("Since"), "–");
});

test("the tape's facts hold for an empty ledger and a lost anchor", () => {
  const anchor = { state: "missing", seq: null, sealed: null, age_ms: null };
  const facts = new Map(words.tapeFacts({ status: STATUS, head: null, anchor }));
  assert.equal(facts.get("Records"), "0");
  assert.equal(facts.get("Anchor"), "none yet");
  const head = { seq: 1234, hash: "ab".repeat(32), time: "2026-01-01T00:00:00Z" };
  const ok = { state: "ok", seq: 1200, sealed: true, age_ms: 61_000 };
  const full = new Map(words.tapeFacts({ status: STATUS, head, anchor: ok }));
  assert.equal(full.get("Records"), "1,234");
  assert.equal(full.get("Anchor"), "sealed at 1,200, 1 min ago");
  assert.equal(full.get("Head of the chain"), "abababababab…");
});

test("the quota is drawn only where one is known", () => {
  assert.equal(words.quotaShare({ market_bytes: 5, market_quota_bytes: null }), null);
  const nearly = words.quotaShare({ market_bytes: 95, market_quota_bytes: 100 });
  assert.deepEqual(nearly, { share: 0.95, level: "high" });
  assert.equal(words.quotaShare({ market_bytes: 500, market_quota_bytes: 100 }).share, 1);
});

test("a verdict says what was found and what was not done", () => {
  const began = "2026-01-01T00:00:00Z";
  const base = { started_at: began, elapsed_ms: 2000, through_seq: 10, message: "" };
  const report = { ok: true, events: 12, trades: 3, head_hash: "c".repeat(64), differences: [] };
  assert.match(words.verdict({ ...base, state: "ok", report }).text, /^12 records and 3 trades/);
  assert.match(words.verdict({ ...base, state: "running", report: null }).text, /^10 records/);
  const bad = { ...report, ok: false, differences: ["seq 3: altered"] };
  const different = words.verdict({ ...base, state: "different", report: bad });
  assert.deepEqual(different.differences, ["seq 3: altered"]);
  assert.equal(different.dot, "error");
  const failed = { ...base, state: "failed", report: null, message: "no ledger" };
  assert.match(words.verdict(failed).text, /^no ledger/);
});

test("the question to the log holds only what was chosen", () => {
  assert.equal(words.logQuery({ source: "", level: "", q: "  " }, null), "/api/logs?limit=100");
  const asked = words.logQuery({ source: "bot", level: "error", q: " a&b " }, 17);
  assert.equal(asked, "/api/logs?limit=100&source=bot&level=error&q=a%26b&cursor=17");
  assert.equal(words.moreText({ run: "R1", n: 2, exception: "a\nb" }), "run R1  n 2  \na\nb");
});

test("a feed says how far its clock is from ours", () => {
  const feed = (reason, ahead_ms, error_ms) => ({ reason, clock: { ahead_ms, error_ms } });
  assert.equal(words.feedText({ reason: "silent", clock: null }), "silent");
  assert.equal(words.feedText(feed("", 400, 10)), "our clocks agree");
  assert.equal(words.feedText(feed("", -1_500, 2_000)), "our clocks agree");
  assert.equal(words.feedText(feed("", -7_200, 20)), "our clock is 7 s behind it");
  assert.equal(words.feedText(feed("silent", 61_000, 20)),
    "silent; our clock is 1 min ahead of it");
});

test("doubtful books come first, then those that are over, with what failed", () => {
  const found = {
    open: [{ id: "b", symbol: "b", state: "gap", reason: "crossed", since: "x" }],
    open_count: 1, ended: 2, longest_ms: 812, fills_near: 3, realized_near: -1.5,
    periods: [
      { id: "7", symbol: "a", reason: "silent", from: "y", lasted_ms: 812, repaired: true },
      { id: "3", symbol: "c", reason: "lost", from: "z", lasted_ms: 65_000, repaired: false },
    ],
  };
  assert.deepEqual(words.doubtRows(found).map((row) => [row.symbol, row.state, row.dot]), [
    ["b", "gap", "stale"], ["a", "live again after 812 ms", "live"],
    ["c", "ended after 1 min", "off"],
  ]);
  assert.deepEqual(words.continuityFacts(found).map(([, text]) => text),
    ["1 book", "2 times", "812 ms", "3", "−1.50"]);
});
