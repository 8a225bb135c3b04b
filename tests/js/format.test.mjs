// The same cases as the Python formatter's: a figure reads the same everywhere.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import * as format from "../../src/papertape/dashboard/static/js/format.js";

const cases = JSON.parse(readFileSync(new URL("../data/format_cases.json", import.meta.url)));

const FUNCTIONS = {
  money: format.money,
  change: format.change,
  cents: format.cents,
  price: format.price,
  percent: format.percent,
  percent_change: format.percentChange,
  quantity: format.quantity,
  exact: format.exact,
  exact_change: format.exactChange,
  age_ms: format.age,
  countdown_ms: format.countdown,
};

for (const [name, rows] of Object.entries(cases)) {
  if (!Array.isArray(rows)) continue;
  test(`${name} reads as the shared cases say`, () => {
    assert.ok(name in FUNCTIONS, `no function for ${name}`);
    for (const [input, text] of rows) assert.equal(FUNCTIONS[name](input), text, String(input));
  });
}

test("what is no number is shown as no value, never as zero", () => {
  for (const nothing of [null, undefined, NaN, Infinity, "12", {}]) {
    for (const show of Object.values(FUNCTIONS)) assert.equal(show(nothing), format.NO_VALUE);
  }
});

test("arrow and tone follow the figure as it is shown", () => {
  assert.deepEqual([12, -3, 0, 0.004, null].map(format.arrow), ["▲", "▼", "", "", ""]);
  assert.deepEqual([12, -3, 0, -0.004].map(format.tone), ["gain", "loss", "flat", "flat"]);
});

test("time is local, with its date when it was not today, and UTC for the hover", () => {
  const now = new Date(2026, 10, 23, 12, 0, 0);
  assert.equal(format.clock(new Date(2026, 10, 23, 9, 5, 7), now), "09:05:07");
  assert.equal(format.clock(new Date(2026, 10, 22, 9, 5, 7), now), "2026-11-22 09:05:07");
  assert.equal(format.clockLines(new Date(2026, 10, 23, 9, 5, 7), now), "09:05:07");
  assert.equal(format.clockLines(new Date(2026, 10, 22, 9, 5, 7), now), "09:05:07\n22 Nov");
  assert.equal(format.clock(null, now), format.NO_VALUE);
  assert.equal(format.clock("nonsense", now), format.NO_VALUE);
  assert.equal(format.utc("2026-11-23T09:05:07.123Z"), "2026-11-23 09:05:07 UTC");
});
