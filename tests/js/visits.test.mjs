// The tour's card stays on the screen; what was kept is only shown while it means something.

import assert from "node:assert/strict";
import test from "node:test";

globalThis.window = globalThis;
const JS = "../../src/papertape/dashboard/static/js";
const { cardPlace, stepsFor, STEPS } = await import(`${JS}/tour_words.js`);
const { kept, usable } = await import(`${JS}/installed.js`);
const { Store } = await import(`${JS}/store.js`);

test("steps without a place on the page are left out, and the rest is numbered", () => {
  const all = stepsFor(() => true);
  assert.equal(all.at(-1).place, `${STEPS.length} of ${STEPS.length}`);
  const some = stepsFor((target) => target === ".rail");
  assert.deepEqual(some.map(({ place }) => place), ["1 of 1"]);
});

test("a card stands below, above, or at the foot, and always within the window", () => {
  const card = { width: 420, height: 160 };
  const view = { width: 1440, height: 900 };
  const box = (left, top, bottom) => ({ left, top, bottom });
  assert.deepEqual(cardPlace(box(200, 0, 48), card, view), { left: 200, top: 60 });
  assert.deepEqual(cardPlace(box(200, 600, 880), card, view), { left: 200, top: 428 });
  assert.deepEqual(cardPlace(box(-5, 0, 900), card, view), { left: 12, top: 728 });
  assert.equal(cardPlace(box(1400, 0, 48), card, view).left, 1440 - 420 - 12);
});

test("what is kept comes back as it was", () => {
  const store = new Store();
  const message = {
    seq: 7,
    ledger_id: "L",
    status: { mode: "SIMULATED" },
    portfolio: {},
    trades: [{ id: "F1" }],
    strategies: [],
    alerts: [],
    markets: [{ id: "a" }],
    charts: {},
    activity: null,
  };
  store.snapshot(message);
  const found = usable(JSON.parse(JSON.stringify(kept(store, 1000))), 2000);
  const again = new Store();
  again.snapshot(found.message);
  assert.deepEqual(again.state, store.state);
  assert.equal(again.ledgerId, "L");
  assert.equal(found.atMs, 1000);
});

test("nothing is shown that is too old, of tomorrow, or not ours", () => {
  const message = { status: {}, trades: [], alerts: [], strategies: [], markets: [] };
  const day = 86_400_000;
  assert.ok(usable({ atMs: 0, message }, 6 * day));
  assert.equal(usable({ atMs: 0, message }, 8 * day), null);
  assert.equal(usable({ atMs: 10, message }, 5), null);
  assert.equal(usable({ atMs: 0, message: { ...message, trades: null } }, 5), null);
  assert.equal(usable(undefined, 5), null);
  assert.equal(usable({}, 5), null);
});
