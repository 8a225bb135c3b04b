// Depth and prints of a market: lines, shares, words.

import assert from "node:assert/strict";
import { test } from "node:test";

const depth = await import("../../src/papertape/dashboard/static/js/market_depth.js");
const format = await import("../../src/papertape/dashboard/static/js/format.js");

const level = (price, size, total) => ({ price, size, total });

test("levels stand side by side, each bar a share of the deepest", () => {
  const book = { bids: [level(0.4, 10, 10), level(0.39, 30, 40)], asks: [level(0.42, 20, 20)] };
  const lines = depth.depthLines(book);
  assert.equal(lines.length, 2);
  assert.deepEqual(lines.map((line) => line.bidShare), [25, 100]);
  assert.deepEqual(lines.map((line) => line.askShare), [50, 0]);
  assert.equal(lines[1].ask, null);
  const words = depth.depthWords(book, format.cents);
  assert.equal(words, "40 bid over 2 levels to 39.0 ¢; 20 offered over 1 level to 42.0 ¢.");
});

test("an empty side is said, an empty book has no line", () => {
  const words = depth.depthWords({ bids: [], asks: [] }, format.cents);
  assert.equal(words, "nobody bid; nobody offered.");
  assert.deepEqual(depth.depthLines({ bids: [], asks: [] }), []);
});

test("prints of all outcomes are one stream, the newest first, bounded", () => {
  const prints = (name, times) => ({ outcome: name, prints: times.map((ts_ns) => ({ ts_ns })) });
  const found = depth.printRows([prints("YES", [9, 3]), prints("NO", [7, 1])], 3);
  assert.deepEqual(found.map((row) => [row.of, row.ts_ns]), [["YES", 9], ["NO", 7], ["YES", 3]]);
});
