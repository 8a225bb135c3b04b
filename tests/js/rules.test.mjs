// Alert rules in the browser: their sentences, what is wrong with a form, what speaks, what joins.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  alertState,
  bellWords,
  checkRule,
  deliveryWords,
  FIELDS,
  KINDS,
  READY,
  ruleBody,
  ruleSentence,
  span,
  speaks,
  tomorrow,
} from "../../src/papertape/dashboard/static/js/rule_words.js";
import { joinAlerts } from "../../src/papertape/dashboard/static/js/store.js";

const rule = (more) => ({
  severity: "warning",
  enabled: true,
  cooldown_s: 600,
  quiet: null,
  channels: ["browser"],
  ...more,
});

test("a rule is a sentence", () => {
  const quiet = { from: "22:00", to: "07:00", time_zone: "UTC" };
  const cases = [
    [
      rule({ kind: "drawdown", percent: 5, quiet }),
      "When equity falls 5 % from its peak, warn me, at most every 10 min, not 22:00–07:00.",
    ],
    [
      rule({ kind: "pnl", scope: "today", direction: "below", amount: -100, cooldown_s: 0 }),
      "When P&L today is below −100.00, warn me.",
    ],
    [
      rule({ kind: "fill", strategy: "", symbol: "", severity: "info", cooldown_s: 3600 }),
      "When an order of any strategy is filled, tell me, at most every 1 h.",
    ],
    [
      rule({ kind: "bot_dead", severity: "error", cooldown_s: 86400 }),
      "When the bot gives no sign of life, alarm me, at most every 1 day.",
    ],
    [
      rule({ kind: "refusals", percent: 50, minutes: 5, cooldown_s: 45 }),
      "When 50 % of the signals of 5 min are refused, warn me, at most every 45 s.",
    ],
  ];
  for (const [given, sentence] of cases) assert.equal(ruleSentence(given), sentence);
  assert.deepEqual(Object.keys(KINDS), Object.keys(FIELDS));
  assert.deepEqual([0, 60, 7200, 172800].map(span), ["0 s", "1 min", "2 h", "2 days"]);
});

test("what is ready is right, and a body holds the kind's own fields only", () => {
  for (const ready of READY) {
    assert.deepEqual(checkRule(ready), {});
    const own = [...FIELDS[ready.kind]].sort();
    const body = ruleBody({ ...ready, price: "1", minutes: "3" });
    const common = ["kind", "severity", "enabled", "cooldown_s", "quiet", "channels"];
    assert.deepEqual(Object.keys(body).filter((name) => !common.includes(name)).sort(), own);
  }
  assert.equal(ruleBody(rule({ kind: "drawdown", percent: "7.5" })).percent, 7.5);
});

test("what is wrong is named by its field", () => {
  const wrong = (more) => Object.keys(checkRule(rule({ kind: "drawdown", percent: "5", ...more })));
  assert.deepEqual(wrong({}), []);
  for (const percent of ["", "0", "101", "5x", "1e1", "-5", " "]) {
    assert.deepEqual(wrong({ percent }), ["percent"], percent);
  }
  assert.deepEqual(wrong({ cooldown_s: -1 }), ["cooldown_s"]);
  assert.deepEqual(wrong({ channels: [] }), ["channels"]);
  const quiet = { from: "22:00", to: "22:00", time_zone: "" };
  assert.deepEqual(wrong({ quiet }), ["quiet.to", "quiet.time_zone"]);
  assert.deepEqual(wrong({ quiet: { ...quiet, from: "25:00", time_zone: "UTC" } }), ["quiet.from"]);
  const price = (more) => Object.keys(checkRule(rule({ kind: "price", symbol: "a",
    direction: "above", price: "0.5", ...more })));
  assert.deepEqual(price({}), []);
  assert.deepEqual(price({ symbol: "", price: "0" }), ["symbol", "price"]);
  assert.deepEqual(checkRule(rule({ kind: "fill", strategy: "", symbol: "" })), {});
  const stale = checkRule(rule({ kind: "feed_stale", seconds: "4.5" }));
  assert.deepEqual(Object.keys(stale), ["seconds"]);
});

test("what speaks: rules with the browser among their channels, warnings of the bot", () => {
  const tape = { source: "tape", severity: "warning", delivered: {} };
  assert.equal(speaks(tape), true);
  assert.equal(speaks({ ...tape, severity: "info" }), false);
  assert.equal(speaks({ ...tape, acknowledged_at: "2026-01-01T00:00:00Z" }), false);
  const ruled = { source: "rule", severity: "info", delivered: { browser: { state: "sent" } } };
  assert.equal(speaks(ruled), true);
  assert.equal(speaks({ ...ruled, delivered: { hook: { state: "waiting" } } }), false);
  assert.equal(speaks({ ...ruled, snoozed_until: "2026-01-01T00:00:00Z" }), false);
});

test("a marked alert changes where it stands, a new one comes first", () => {
  const old = [{ id: "A2" }, { id: "A1" }];
  const joined = joinAlerts(old, [{ id: "A3" }, { id: "A1", acknowledged_at: "x" }]);
  assert.deepEqual(joined, [{ id: "A3" }, { id: "A2" }, { id: "A1", acknowledged_at: "x" }]);
});

test("words for bell, delivery and state; tomorrow is seven in the morning", () => {
  assert.equal(bellWords(0), "Alerts: none waits");
  assert.equal(bellWords(1), "Alerts: 1 waits to be acknowledged");
  assert.equal(bellWords(12), "Alerts: 12 wait to be acknowledged");
  const delivered = {
    browser: { state: "sent", detail: "" },
    hook: { state: "waiting", detail: "busy" },
    log: { state: "sent", detail: "" },
  };
  assert.equal(deliveryWords(delivered), "hook on its way: busy · log sent");
  assert.match(alertState({ acknowledged_at: "2026-01-01T00:00:00Z" }, 0), /^acknowledged/);
  assert.equal(alertState({ snoozed_until: "2026-01-01T00:00:00Z" }, Date.now()), "");
  const next = tomorrow(new Date(2026, 11, 31, 23, 59));
  assert.deepEqual([next.getFullYear(), next.getMonth(), next.getDate(), next.getHours()],
    [2027, 0, 1, 7]);
});
