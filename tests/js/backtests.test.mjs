// What the backtests page says: figures, months, costs, comparisons, jobs.

import assert from "node:assert/strict";
import { test } from "node:test";

const words = await import("../../src/papertape/dashboard/static/js/backtest_words.js");

test("figures are said in their unit, small ones with the decimals they need", () => {
  assert.equal(words.figureText("%", 12.345), "12.3 %");
  assert.equal(words.figureText("%", 0.0123), "0.012 %");
  assert.equal(words.figureText("%", 0.0001, true), "0.0 %");
  assert.equal(words.figureText("%", -0.0272, true), "−0.027 %");
  assert.equal(words.figureText("%", 2.5, true), "+2.5 %");
  assert.equal(words.figureText("money", 1234.5), "1,234.50");
  assert.equal(words.figureText("money", 1.5, true), "+1.50");
  assert.equal(words.figureText("count", 182), "182");
  assert.equal(words.figureText("s", 0.4), "under 1 s");
  assert.equal(words.figureText("s", 156), "2 min 36 s");
  assert.equal(words.figureText("", -10.598), "−10.60");
  assert.equal(words.figureText("%", null), "–");
  assert.equal(words.intervalText("%", [-1, 3], true), "−1.0 % to +3.0 %");
  assert.equal(words.intervalText("%", [null, 3]), "");
  assert.equal(words.intervalText("%", undefined), "");
});

test("months stand in years, the whole year compounds", () => {
  const table = words.monthTable([
    { month: "2024-12", return_pct: 10 },
    { month: "2025-01", return_pct: 50 },
    { month: "2025-03", return_pct: -50 },
    { month: "2025-04", return_pct: null },
  ]);
  assert.deepEqual(table.map(({ year }) => year), ["2024", "2025"]);
  assert.ok(Math.abs(table[0].cells[0] - 10) < 1e-9);
  assert.equal(table[0].cells[12], 10);
  assert.equal(table[1].cells[0], -25);
  assert.deepEqual(table[1].cells.slice(1, 5), [50, null, -50, null]);
});

test("costs lead from prices to what is left; no maker fee is not a step", () => {
  const costs = { at_mid: 5, slippage: 1, fees_taker: 2, fees_maker: 0, net: 2 };
  const rows = words.costRows(costs);
  assert.deepEqual(rows.map((row) => row.value), [5, -1, -2, 2]);
  assert.equal(words.costRows({ ...costs, fees_maker: 0.5 }).length, 5);
});

test("curves become points of whole seconds, the last of a second counts", () => {
  const points = words.equityRows([[1000, 10, 0], [1900, 11, -1], [3000, 12, 0]]);
  assert.deepEqual(points, [{ time: 1, value: 11, below: -1 }, { time: 3, value: 12, below: 0 }]);
  assert.deepEqual(words.netCurve([[1000, 10_100, 0]], 10_000), [[1e9, 100]]);
  assert.equal(words.tripMarks([[1000, -2]])[0].realized_pnl, -2);
  assert.match(words.equityWords([[0, 100, 0], [1000, 90, -10]]), /100\.00 .* 90\.00 .* 10\.0 %/);
  assert.equal(words.equityWords([]), "");
});

const figure = (name, value, low = null, high = null, unit = "") => ({
  name,
  label: name,
  formula: "",
  unit,
  value,
  low,
  high,
});

test("a comparison says the difference, and whether it may be luck", () => {
  const a = [figure("sharpe", 1, 0.5, 1.5), figure("trips", 5, null, null, "count")];
  const b = [figure("sharpe", 3, 2, 4), figure("trips", 5, null, null, "count")];
  const [sharpe, trips] = words.compared(a, b);
  assert.deepEqual([sharpe.difference, sharpe.intervals], ["+2.00", "apart"]);
  assert.deepEqual([trips.difference, trips.intervals], ["0", ""]);
  b[0] = figure("sharpe", 1.2, 1, 2);
  assert.equal(words.compared(a, b)[0].intervals, "overlap");
  b[0] = figure("sharpe", null);
  assert.equal(words.compared(a, b)[0].difference, "–");
  assert.deepEqual(words.compared([figure("calmar", null)], [figure("calmar", null)]), []);
});

test("runs on other data are not compared in silence", () => {
  const run = { data: "x", from: "a", to: "b", initial_cash: 1, fees_schedule: "default" };
  assert.match(words.comparedNote(run, { ...run }), /^Same data/);
  const note = words.comparedNote(run, { ...run, data: "y", fees_schedule: "none" });
  assert.match(note, /^They differ in data, fees/);
});

test("a job says where it is and how it ended", () => {
  const job = { state: "running", stage: "backtest", percent: 40, message: "", run_id: null };
  assert.equal(words.jobWords(job), "backtest 40 %");
  assert.equal(words.jobWords({ ...job, percent: null }), "running");
  assert.equal(words.jobWords({ ...job, state: "queued" }), "waits for its turn");
  assert.equal(words.jobWords({ ...job, state: "failed", message: "no data" }), "failed: no data");
  const kept = { ...job, state: "cancelled", run_id: "R" };
  assert.equal(words.jobWords(kept), "stopped; what it had is kept");
  assert.ok(words.isOver(kept) && !words.isOver(job));
});

test("addresses hold the filter, names of recordings what they are", () => {
  assert.equal(words.listPath({ sort: "-sharpe", q: "a b" }), "/api/backtests?sort=-sharpe&q=a+b");
  const row = { name: "x.csv", kind: "imported", from: "2025-01-01T00", to: "2025-01-02T00" };
  const said = words.recordingName({ ...row, market_records: 2, complete: true });
  assert.equal(said, "x.csv · imported · 2025-01-01 to 2025-01-02 · 2 records");
  assert.match(words.recordingName({ name: "y", kind: "configured" }), /read when it is used$/);
});
