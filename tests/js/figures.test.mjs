// What a figure is made of: its inputs give the figure, and its link the rows behind it.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { analyticsStory, headlineStory, HEADLINES, tradesAddress } = await import(
  `${JS}/figure_story.js`
);
const { thinned } = await import(`${JS}/sparkline.js`);

const position = (i, value) => ({
  market: `v:m${i}`,
  symbol: `v:m${i}:YES`,
  outcome: "YES",
  cost: 10,
  value,
  quantity: i,
});
const STATE = {
  status: { equity: 1005, today_pnl: 2.5, today_fills: 4 },
  charts: { cumulative: { equity: [1000, 1010, 1004] } },
  portfolio: {
    summary: {
      cash: 855.1,
      total_value: 1005.1,
      exposure: 150,
      initial_balance: 1000,
      total_return: 5.1,
      realized_pnl: 6,
      unrealized_pnl: 10,
      fees: 10.9,
      positions_count: 14,
      trades_count: 30,
      unpriced_count: 1,
      max_drawdown_pct: 2,
    },
    positions: [...Array(13)].map((_, i) => position(i, 11)).concat([position(13, null)]),
  },
};
const inputs = (story) => new Map(story.inputs);
const number = (text) => Number(text.replaceAll(",", "").replace("−", "-"));

test("every headline has a formula, exact inputs and a way to its rows", () => {
  for (const name of HEADLINES) {
    const story = headlineStory(name, STATE);
    assert.ok(story.title && story.formula && story.value, name);
    assert.ok(story.inputs.length > 0, name);
    assert.match(story.link[1], /^\/(trades|analytics)/);
  }
});

test("the inputs give the figure", () => {
  const cash = inputs(headlineStory("cash", STATE));
  const [initial, realized, fees, cost] = [...cash.values()].map(number);
  assert.equal((initial + realized - fees - cost).toFixed(6), "855.100000");
  const today = headlineStory("today", STATE);
  assert.equal(today.value, "+2.6");
  const [now, begun] = [...inputs(today).values()].map(number);
  assert.equal((now - begun).toFixed(6), "2.600000");
});

test("many positions are summed, and one without a price says so", () => {
  const story = headlineStory("exposure", STATE);
  assert.equal(story.inputs.length, 13);
  assert.deepEqual(story.inputs.at(-1), ["2 smaller ones", "11"]);
  assert.match(story.note, /1 position has no price/);
});

test("a figure of the analytics brings its inputs, interval and filtered rows", () => {
  const figure = {
    label: "Win rate",
    formula: "won / all",
    unit: "%",
    value: 62.5,
    low: 30.1,
    high: 86.3,
    inputs: [{ label: "round trips", value: 8, unit: "count" }],
  };
  const story = analyticsStory(figure, { filters: { strategy: "momentum" } });
  assert.equal(story.value, "62.5 %");
  assert.deepEqual(story.inputs, [
    ["round trips", "8"],
    ["95 % interval", "30.1 % to 86.3 %"],
  ]);
  assert.equal(story.link[1], "/trades?strategy=momentum");
  const unknown = analyticsStory({ ...figure, value: null, low: null, inputs: [] });
  assert.equal(unknown.value, "not known here");
});

test("the rows behind a figure have its filters", () => {
  assert.equal(tradesAddress({}, null), "/trades");
  const noon = new Date(2026, 10, 3, 12).toISOString();
  assert.equal(
    tradesAddress({ venue: "simulated", strategy: "a b" }, noon),
    "/trades?q=simulated%3A&strategy=a+b&from=2026-11-03",
  );
});

test("a sparkline of many values keeps its ends", () => {
  const many = [...Array(500).keys()];
  const few = thinned(many, 60);
  assert.equal(few.length, 60);
  assert.deepEqual([few[0], few.at(-1)], [0, 499]);
  assert.deepEqual(thinned([1, 2]), [1, 2]);
});
