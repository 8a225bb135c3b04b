// Leaderboard and analytics: what is said, in which order, and what is never claimed.

import assert from "node:assert/strict";
import test from "node:test";

const JS = new URL("../../src/papertape/dashboard/static/js/", import.meta.url);
const board = await import(new URL("leaderboard_words.js", JS));
const figures = await import(new URL("analytics_words.js", JS));
const { calendarDays, dayText, signOf } = await import(new URL("calendar.js", JS));
const { barSpans } = await import(new URL("share_list.js", JS));
const { chartPoints } = await import(new URL("curves_chart.js", JS));
const { readQuery, writeQuery } = await import(new URL("url_query.js", JS));

const row = (strategy, more = {}) => ({
  strategy,
  rank: 1,
  verdict: "earns",
  round_trips: 20,
  wins: 15,
  losses: 5,
  mean: 1,
  low: 0.5,
  high: 1.5,
  win_rate: 75,
  net_pnl: 20,
  realized_pnl: 22,
  fees: 2,
  profit_factor: 3,
  sharpe: 0.4,
  max_drawdown_pct: 1,
  holding_s: 60,
  traded: 100,
  edge_trips: 0,
  edge_expected: null,
  edge_realized: null,
  ...more,
});

const lucky = row("lucky", {
  rank: null,
  verdict: "few",
  round_trips: 5,
  mean: 50,
  net_pnl: 250,
  profit_factor: null,
  losses: 0,
  wins: 5,
});

test("a lucky strategy is never called better", () => {
  const lines = board.compared(row("steady"), lucky);
  assert.ok(lines.every((line) => line.better === ""));
  assert.equal(board.comparedText(row("steady"), lucky), "lucky: too few to tell.");
});

test("of two with enough trades the better is marked, fees and drawdown by the lower", () => {
  const other = row("other", { rank: 2, mean: 0.2, low: -1, high: 0.4, fees: 9, sharpe: null });
  const better = Object.fromEntries(
    board.compared(row("steady"), other).map((line) => [line.name, line.better]),
  );
  assert.equal(better.mean, "a");
  assert.equal(better.fees, "a");
  assert.equal(better.sharpe, ""); // one of them cannot say
  assert.equal(better.win_rate, ""); // the same
  assert.equal(better.holding_s, ""); // neither long nor short is better
});

test("overlapping intervals decide nothing", () => {
  const close = row("close", { rank: 2, mean: 0.2, low: -1, high: 1.4, fees: 9, win_rate: 20 });
  const better = board.compared(row("steady"), close).filter((line) => line.better);
  assert.deepEqual(better.map((line) => line.name), ["fees"]);
  assert.equal(board.toneOf("unclear"), "flat");
  const near = row("near", { low: 1.2, high: 3 });
  assert.match(board.comparedText(row("steady"), near), /cannot be told/);
  const far = row("far", { low: 1.6, high: 3 });
  assert.match(board.comparedText(row("steady"), far), /^far earns more/);
});

test("a chosen pair is kept, an unknown one replaced, nobody compared with itself", () => {
  const rows = [row("a"), row("b"), row("c")];
  assert.deepEqual(board.pair(rows, "c", "a"), ["c", "a"]);
  assert.deepEqual(board.pair(rows, null, null), ["a", "b"]);
  assert.deepEqual(board.pair(rows, "gone", "a"), ["b", "a"]);
  assert.deepEqual(board.pair(rows, "b", "b"), ["b", "a"]);
  assert.deepEqual(board.pair([row("a")], null, null), ["a", null]);
});

test("sorting keeps unknown figures last, either way", () => {
  const rows = [row("a", { sharpe: null }), row("b", { sharpe: 2 }), row("c", { sharpe: -1 })];
  const names = (key, down) => board.sorted(rows, key, down).map((each) => each.strategy);
  assert.deepEqual(names("sharpe", true), ["b", "c", "a"]);
  assert.deepEqual(names("sharpe", false), ["c", "b", "a"]);
  assert.deepEqual(names("rank", true), ["c", "b", "a"]);
  assert.deepEqual(names("strategy", false), ["a", "b", "c"]);
});

test("the scale of the intervals always holds zero", () => {
  const scale = board.scaleOf([row("a", { low: 2, high: 4 }), row("b", { low: null })]);
  assert.deepEqual([scale.at(0), scale.at(4), scale.at(2)], [0, 100, 50]);
  assert.equal(board.scaleOf([]).at(0), 0);
});

test("words of a row", () => {
  assert.equal(board.profitFactor(lucky), "no loss");
  assert.equal(board.profitFactor(row("a", { profit_factor: null, wins: 0 })), "–");
  assert.equal(board.range(-0.5, 1.25), "−0.50 to +1.25");
  assert.equal(board.range(null, null), "");
  assert.equal(board.duration(0.2), "under 1 s");
  assert.equal(board.duration(3700), "1 h 1 min");
  const stated = row("a", { edge_trips: 2, edge_expected: 4, edge_realized: 3 });
  assert.equal(board.edgeShare(stated), "75.0 %");
  assert.equal(board.edgeShare(row("a")), "–");
});

const figure = (more) => ({ low: null, high: null, n: null, lasting: false, ...more });

test("a tile says its value, its interval and what it stands on", () => {
  const found = figures.tile(
    figure({ name: "expectancy", unit: "change", value: 0.5, low: -0.25, high: 1.25, n: 12 }),
  );
  const note = "−0.25 to +1.25 · n 12";
  assert.deepEqual(found, { text: "+0.50", arrow: "▲", tone: "gain", note });
  const empty = figures.tile(figure({ name: "sharpe_per_trip", unit: "ratio", value: null, n: 0 }));
  assert.deepEqual(empty, { text: "–", arrow: "", tone: "flat", note: "" });
  const nothing = figures.tile(figure({ name: "x", unit: "%change", value: 0.04 }));
  assert.deepEqual([nothing.text, nothing.arrow, nothing.tone], ["0.0 %", "", "flat"]);
  const part = figures.tile(figure({ name: "turnover", unit: "ratio", value: null }), true);
  assert.equal(part.note, "whole account only");
  const long = figures.tile(figure({ name: "drawdown_s", unit: "s", value: 90, lasting: true }));
  assert.equal(`${long.text} ${long.note}`, "1 min 30 s lasting");
});

test("what is not measured is said, not guessed", () => {
  const costs = [
    { name: "fees", label: "Fees", value: 1.5, of_traded_pct: 0.25, why: "" },
    { name: "spread", label: "Spread", value: null, of_traded_pct: null, why: "No mid." },
  ];
  const none = { edge_trips: 0, edge_expected: null, edge_realized: null };
  const [fees, spread, expected] = figures.costLines(costs, none);
  assert.match(fees.why, /^25 basis points/);
  assert.deepEqual([spread.text, spread.why], ["not measured", "No mid."]);
  assert.equal(expected.text, "–");
  const known = { edge_trips: 2, edge_expected: 4, edge_realized: 3 };
  const lines = figures.costLines(costs, known);
  assert.match(lines.at(-1).why, /^75.0 % of what was expected/);
});

const day = (key, net_pnl, round_trips = 1) => ({ key, net_pnl, round_trips });

test("a calendar begins on a Monday, ends today and shows a quarter at least", () => {
  const rows = [day("2026-11-18", -4, 3), day("2026-11-20", 1)];
  const days = calendarDays(rows, "2026-11-23");
  assert.equal(days.length, 12 * 7 + 1);
  assert.equal(days.at(-1).key, "2026-11-23");
  assert.equal(new Date(days[0].key).getUTCDay(), 1);
  const loss = days.find((day) => day.key === "2026-11-18");
  assert.deepEqual([loss.level, signOf(loss)], [4, "−"]);
  assert.equal(dayText(loss), "Wed 18 Nov 2026: −4.00, 3 round trips");
  assert.equal(days.find((day) => day.key === "2026-11-20").level, 1);
  assert.equal(dayText(days[0]), "Mon 31 Aug 2026: nothing");
});

test("a long calendar shows its newest weeks", () => {
  const rows = [day("2020-01-01", 1), day("2026-11-23", 1)];
  assert.equal(calendarDays(rows, "2026-11-23").length, 25 * 7 + 1);
  assert.deepEqual(calendarDays([], "2026-11-23"), []);
});

test("bars lie on their side of a common zero", () => {
  assert.deepEqual(barSpans([3, -1]), [{ left: 25, size: 75 }, { left: 0, size: 25 }]);
  assert.deepEqual(barSpans([0, 0]), [{ left: 0, size: 0 }, { left: 0, size: 0 }]);
});

test("a curve has each second once, the last word counts", () => {
  const points = chartPoints([[1e9, 1], [1.5e9, 2], [2e9, 3]]);
  assert.deepEqual(points, [{ time: 1, value: 2 }, { time: 2, value: 3 }]);
});

test("an address and its state say the same", () => {
  const known = { period: ["all", "7d"], strategy: null };
  const asked = readQuery("?period=7d&strategy=a%20b", known);
  assert.deepEqual(asked, { period: "7d", strategy: "a b" });
  assert.deepEqual(readQuery("?period=year&x=1", known), { period: "all", strategy: null });
  assert.equal(writeQuery({ period: "all", strategy: null }, known), "");
  assert.equal(writeQuery({ period: "7d", strategy: "a b" }, known), "?period=7d&strategy=a+b");
  assert.equal(readQuery(`?strategy=${"x".repeat(201)}`, known).strategy, null);
});
