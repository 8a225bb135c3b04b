// What the parts of the page say, apart from how they draw it.

import assert from "node:assert/strict";
import test from "node:test";

const JS = "../../src/papertape/dashboard/static/js";
const { tradeCells, tradeSentence, tradesSentence } = await import(`${JS}/table.js`);
const { strategyWords, switchState } = await import(`${JS}/strategies.js`);
const { tiles, quoteCells } = await import(`${JS}/markets.js`);
const { refusalRows } = await import(`${JS}/refusals.js`);
const { drawdownPct, figureTexts, History, todayPnl } = await import(`${JS}/figures.js`);
const { closeQuestion, positionCells } = await import(`${JS}/positions.js`);
const { Burst } = await import(`${JS}/notifications.js`);
const { sparkPoints } = await import(`${JS}/sparkline.js`);
const { equityPoints, fillMarks } = await import(`${JS}/equity_chart.js`);
const { binSign, periodText, slices } = await import(`${JS}/charts.js`);
const { hasData } = await import(`${JS}/chart_panels.js`);
const { learnMarkets, marketName, reasonName } = await import(`${JS}/names.js`);
const { botSign, noTrades, notice, pageTitle } = await import(`${JS}/words.js`);

const FILL = {
  id: "F1",
  kind: "fill",
  time: "2026-11-23T02:00:00Z",
  strategy: "momentum",
  symbol: "simulated:rain-in-oslo:YES",
  market: "simulated:rain-in-oslo",
  outcome: "YES",
  side: "BUY",
  quantity: 12.5,
  price: 0.465,
  fee: 0.02,
  realized_pnl: null,
};

test("a trade reads in cents for an outcome, in money for a pair", () => {
  const cells = tradeCells(FILL);
  assert.equal(cells.price, "46.5 ¢");
  assert.equal(cells.market, "rain in oslo");
  assert.equal(cells.pnl, "");
  const pair = { ...FILL, symbol: "simulated:BTC/USDT", market: "", outcome: "", price: 64250.1 };
  assert.equal(tradeCells(pair).price, "64,250.10");
  assert.equal(tradeCells(pair).market, "BTC/USDT");
});

test("a price of 0 is a price and a result of 0 is a result", () => {
  const cells = tradeCells({ ...FILL, side: "SETTLE", price: 0, realized_pnl: 0, fee: 0 });
  assert.equal(cells.price, "0.0 ¢");
  assert.equal(cells.pnl, "0.00");
  assert.equal(cells.tone, "flat");
});

test("one trade is a sentence, many are counted and added up", () => {
  assert.equal(tradeSentence(FILL), "Buy 12.5 rain in oslo YES at 46.5 ¢");
  const sold = { ...FILL, side: "SELL", realized_pnl: 2 };
  assert.equal(tradesSentence([sold]), "Sell 12.5 rain in oslo YES at 46.5 ¢, +2.00");
  assert.equal(tradesSentence([FILL, sold, sold]), "3 new trades, together +4.00");
});

test("markets are called by their question once it is known", () => {
  learnMarkets([{ market: "simulated:known", symbol: "simulated:known:YES", question: "Rain?" }]);
  assert.equal(marketName({ market: "simulated:known" }), "Rain?");
  assert.equal(marketName({ market: "polymarket:btc-updown-5m", symbol: "" }), "btc updown 5m");
});

test("a reason without a name of its own still reads as words", () => {
  assert.equal(reasonName("stale_book"), "Book stale");
  assert.equal(reasonName("some_new_reason"), "Some new reason");
});

test("a win rate stands beside the number it is of", () => {
  const row = { strategy: "a", status: "running", signals: 3, refused: 1, trades: 4 };
  const few = strategyWords({ ...row, win_rate: 50, round_trips: 2, net_pnl: 1 }, () => "now");
  assert.equal(few.rate, "50.0 % of 2 · 4 trades");
  const none = strategyWords({ ...row, win_rate: null, round_trips: 0 }, () => "now");
  assert.equal(none.rate, "no closed trade yet · 4 trades");
  assert.equal(none.signal, "none yet");
  const off = { ...row, win_rate: null, status: "disabled", status_reason: "it raised" };
  assert.equal(strategyWords(off, () => "").state, "disabled: it raised");
});

test("a tile holds the outcomes of one market, settled ones stand apart", () => {
  const rows = [
    { symbol: "a:YES", market: "a", outcome: "YES", state: "settled", bid: null, ask: null },
    { symbol: "b:YES", market: "b", outcome: "YES", state: "live", bid: 0.46, ask: 0.47 },
    { symbol: "b:NO", market: "b", outcome: "NO", state: "stale", bid: 0.53, ask: null },
    { symbol: "x:BTC/USDT", market: "", outcome: "", state: "live", bid: 1, ask: 2 },
  ];
  const { open, settled } = tiles(rows);
  assert.deepEqual(open.map((tile) => tile.key), ["b", "x:BTC/USDT"]);
  assert.deepEqual(open.map((tile) => tile.state), ["stale", "live"]);
  assert.deepEqual(settled.map((tile) => tile.key), ["a"]);
  assert.equal(quoteCells(rows[1]).spread, "1.0 ¢");
  assert.equal(quoteCells(rows[2]).spread, "–");
});

test("refusals are counted by reason with the newest example of each", () => {
  const recent = [
    { code: "depth", reason: "new", time: "2026-11-23T02:00:00Z" },
    { code: "depth", reason: "old", time: "2026-11-23T01:00:00Z" },
  ];
  const counts = { depth: 2, stale_book: 4 };
  const rows = refusalRows({ refusals_by_reason: counts, recent_signals: recent });
  assert.deepEqual(rows.map((row) => [row.code, row.times, row.share]), [
    ["stale_book", 4, 1],
    ["depth", 2, 0.5],
  ]);
  assert.equal(rows[1].example.reason, "new");
  assert.deepEqual(refusalRows(null), []);
});

test("drawdown is measured from the highest point that was seen", () => {
  assert.equal(drawdownPct(95, [90, 100, 98]), 5);
  assert.equal(drawdownPct(120, [90, 100]), 0);
  assert.equal(drawdownPct(null, []), null);
});

test("today's P&L moves with equity between two words of the server", () => {
  const status = { equity: 100, today_pnl: 5 };
  assert.equal(todayPnl({ total_value: 100.2 }, status), 5.2);
  assert.equal(todayPnl(null, status), 5);
  assert.equal(todayPnl({ total_value: 1 }, { equity: null, today_pnl: null }), null);
});

test("figures say what they mean and unknown ones stay unknown", () => {
  const summary = {
    total_value: 10012.4,
    initial_balance: 10000,
    total_return: 12.4,
    total_return_pct: 0.124,
    cash: 5006.2,
    exposure: 5006.2,
    positions_count: 1,
    trades_count: 2,
    fees: 0.5,
    unpriced_count: 0,
    max_drawdown_pct: 1.5,
  };
  const texts = figureTexts(summary, { today_pnl: null, today_fills: 3 }, null, new History());
  assert.equal(texts.equity.text, "10,012.40");
  assert.equal(texts.today.signed, null);
  assert.equal(texts.cash.note, "50.0 % of equity");
  assert.equal(texts.exposure.note, "50.0 % of equity");
  assert.equal(texts.held.text, "1");
  assert.equal(texts.fills.text, "3");
  assert.equal(texts.drawdown.note, "deepest 1.5 %");
});

test("a strategy can be switched while it runs or is paused, and a bot is there to hear it", () => {
  const row = (status) => ({ strategy: "momentum", status });
  assert.deepEqual(switchState(row("running"), true), {
    on: true,
    able: true,
    title: "Pause momentum",
  });
  assert.equal(switchState(row("paused"), true).title, "Resume momentum");
  assert.match(switchState(row("disabled"), true).title, /cannot be switched: it is disabled/);
  assert.match(switchState(row("running"), false).title, /no bot is running/);
});

test("closing a position says what will be sold, and that it cannot be taken back", () => {
  const held = { ...FILL, quantity: 12.5, avg_price: 0.4, value: 5.8, strategies: ["a", "b"] };
  const priced = closeQuestion({ ...held, current_price: 0.465 });
  assert.match(priced, /^Close 12.5 YES of “Rain in oslo”|^Close 12.5 YES of “rain in oslo”/);
  assert.match(priced, /about 46.5 ¢/);
  assert.match(priced, /cannot be taken back/);
  assert.equal(positionCells({ ...held, current_price: null, value: null }).now, "no price");
});

test("a burst is one toast for the first and one for the rest", () => {
  const told = [];
  const timers = [];
  const burst = new Burst((items) => told.push(items.length), (fn) => timers.push(fn));
  burst.add([1]);
  burst.add([2, 3]);
  burst.add([4]);
  assert.deepEqual(told, [1]);
  timers.shift()();
  assert.deepEqual(told, [1, 3]);
  timers.shift()();
  assert.equal(timers.length, 0);
  burst.add([5]);
  assert.deepEqual(told, [1, 3, 1]);
});

test("a sparkline needs two values and stays in its box", () => {
  assert.equal(sparkPoints([1]), "");
  assert.equal(sparkPoints([null, 3]), "");
  assert.equal(sparkPoints([5, 5]), "0.0,14.0 100.0,14.0");
  assert.equal(sparkPoints([0, 1]), "0.0,26.0 100.0,2.0");
});

test("the equity curve has one value per second, in order", () => {
  const data = {
    labels: ["2026-11-23T02:00:01Z", "2026-11-23T02:00:00Z", "2026-11-23T02:00:01.900Z"],
    equity: [2, 1, 3],
    drawdown_pct: [0, 0, 0.5],
  };
  const points = equityPoints(data);
  assert.deepEqual(points.map((point) => point.value), [1, 3]);
  assert.equal(points[1].below, -0.5);
});

test("marks stand on drawn points, never before the curve, and never too many", () => {
  const points = Array.from({ length: 100 }, (_, i) => ({ time: 1000 + 10 * i, value: i }));
  const trades = Array.from({ length: 300 }, (_, i) => ({
    time: new Date((900 + 4 * i) * 1000).toISOString(),
    realized_pnl: 1,
  }));
  const marks = fillMarks(points, trades, 20);
  const times = new Set(points.map((point) => point.time));
  assert.ok(marks.length <= 20);
  assert.ok(marks.every((mark) => times.has(mark.time)));
  const before = trades.filter((trade) => Date.parse(trade.time) < 1_000_000).length;
  assert.equal(marks.reduce((sum, mark) => sum + mark.fills, 0), 300 - before);
  assert.deepEqual(fillMarks([], trades), []);
});

test("a ring has at most eight slices, the rest is other", () => {
  const labels = ["Cash", ...Array.from({ length: 12 }, (_, i) => `p${i}`)];
  const values = labels.map((_, i) => i + 1);
  const shown = slices({ labels, values, percents: values });
  assert.equal(shown.length, 8);
  assert.equal(shown[0].label, "Cash");
  assert.equal(shown.at(-1).label, "other (6)");
  const sum = (list) => list.reduce((total, value) => total + value, 0);
  assert.equal(sum(shown.map((slice) => slice.value)), sum(values));
});

test("a bin lies on the side of zero that its edges say", () => {
  assert.equal(binSign("", [[-1, 0]], 0), -1);
  assert.equal(binSign("", [[0, 1]], 0), 1);
  assert.equal(binSign("−2.00 to −1.00", undefined, 0), -1);
  assert.equal(periodText("2026-11-03"), "3 Nov");
});

test("a chart without anything in it is empty, not a flat line", () => {
  assert.equal(hasData("pnl", { labels: [], values: [] }), false);
  assert.equal(hasData("distribution", { labels: ["a"], values: [0] }), false);
  assert.equal(hasData("pnl", { labels: ["a"], values: [0] }), true);
  assert.equal(hasData("pnl", undefined), false);
});

test("the page says what is not alive, since when, and what its numbers are", () => {
  const alive = { engine: { state: "trading" }, feed: { state: "live" } };
  const running = { ...alive, bot: { state: "running" } };
  const since = new Date(2026, 10, 23, 12, 3, 11).toISOString();
  const stopped = { ...running, bot: { state: "stopped", since } };
  assert.equal(notice("live", running, 0, 0), null);
  assert.match(notice("live", stopped, 0, 0).text, /^The bot is not running since .*12:03:11\. /);
  assert.match(notice("lost", running, 1000, 15000).text, /^Connection lost\. .*14 s ago/);
  assert.match(notice("lost", null, null, 0).text, /does not answer/);
  assert.match(notice("polling", running, 0, 0).text, /every 5 s/);
  const halted = { ...running, engine: { state: "halted", reason: "daily loss" } };
  assert.deepEqual(notice("live", halted, 0, 0), {
    level: "alarm",
    text: "Trading is halted: daily loss.",
  });
  assert.equal(botSign(stopped).text, "Bot off");
  assert.equal(botSign(halted).text, "Bot halted");
});

test("an empty table of trades says what will appear and what was refused last", () => {
  const state = {
    status: { bot: { state: "running" } },
    market: [{ market: "a" }, { market: "a" }, { market: "b" }],
    strategies: [{ status: "running" }, { status: "running" }, { status: "paused" }],
    activity: { recent_signals: [{ state: "refused", reason: "book stale for 14 s", time: "t" }] },
  };
  const words = noTrades(state, () => "4 s ago");
  const last = "the last signal was refused 4 s ago: book stale for 14 s";
  assert.equal(words, `No trade yet. 2 strategies are watching 2 markets; ${last}.`);
});

test("the title of the page carries P&L and mode", () => {
  assert.equal(pageTitle(12.4, "SIMULATED"), "▲ 12.40 · SIMULATED · papertape");
  assert.equal(pageTitle(-3, "REPLAY"), "▼ 3.00 · REPLAY · papertape");
  assert.equal(pageTitle(null, ""), "papertape");
});
