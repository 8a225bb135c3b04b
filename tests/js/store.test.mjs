// The joining rule of docs/socket.md: by hand, then against a model with drops and duplicates.

import assert from "node:assert/strict";
import test from "node:test";

import {
  prepend,
  replaceById,
  Store,
  TOPICS,
  TRADES_KEPT,
} from "../../src/papertape/dashboard/static/js/store.js";

function snapshot(seq, changes = {}) {
  return {
    seq,
    ledger_id: "L1",
    status: { lines: Object.fromEntries(TOPICS.map((topic) => [topic, seq])) },
    portfolio: { summary: { total_value: seq }, positions: [] },
    trades: [],
    alerts: [],
    strategies: [],
    activity: null,
    charts: {},
    markets: [],
    ...changes,
  };
}

function started(seq = 10, changes = {}) {
  const store = new Store();
  store.snapshot(snapshot(seq, changes));
  return store;
}

const trade = (n) => ({ id: `F${n}`, seq: n });

test("before the first snapshot nothing joins", () => {
  const store = new Store();
  const message = { seq_from: 1, seq_to: 1, data: [trade(1)] };
  assert.equal(store.update("trades", message), "waiting");
  assert.deepEqual(store.state.trades, []);
});

test("what ends at or before mine is ignored", () => {
  const store = started(10);
  for (const [from, to] of [[1, 10], [10, 10], [3, 4]]) {
    const message = { seq_from: from, seq_to: to, data: [trade(to)] };
    assert.equal(store.update("trades", message), "old");
  }
  assert.deepEqual(store.state.trades, []);
});

test("what starts right after mine is applied, each topic on its own line", () => {
  const store = started(10);
  assert.equal(store.update("portfolio", { seq_from: 11, seq_to: 15, data: { a: 1 } }), "applied");
  assert.equal(store.update("trades", { seq_from: 11, seq_to: 15, data: [trade(12)] }), "applied");
  assert.equal(store.lines.portfolio, 15);
  assert.equal(store.lines.trades, 15);
  assert.equal(store.lines.strategies, 10);
  assert.deepEqual(store.state.trades, [trade(12)]);
});

test("a gap, and a range that begins before and ends after mine, ask for a snapshot", () => {
  for (const from of [12, 9]) {
    const store = started(10);
    assert.equal(store.update("trades", { seq_from: from, seq_to: 14, data: [trade(14)] }), "gap");
    assert.deepEqual(store.state.trades, []);
    const next = { seq_from: 11, seq_to: 11, data: [trade(11)] };
    assert.equal(store.update("trades", next), "waiting");
    store.snapshot(snapshot(14, { trades: [trade(14), trade(11)] }));
    const after = { seq_from: 15, seq_to: 15, data: [trade(15)] };
    assert.equal(store.update("trades", after), "applied");
  }
});

test("news without records is applied and moves no number", () => {
  const store = started(10, { markets: [{ id: "a", bid: 1 }, { id: "b", bid: 2 }] });
  const message = { seq_from: 11, seq_to: 10, data: [{ id: "b", bid: 3 }] };
  assert.equal(store.update("market", message), "applied");
  assert.equal(store.lines.market, 10);
  assert.deepEqual(store.state.market, [{ id: "a", bid: 1 }, { id: "b", bid: 3 }]);
});

test("the heartbeat tells that a message was lost", () => {
  const store = started(10);
  const lines = { ...store.lines };
  const same = { seq_from: 11, seq_to: 10, data: { lines } };
  assert.equal(store.update("status", same), "applied");
  const ahead = { seq_from: 11, seq_to: 10, data: { lines: { ...lines, trades: 12 } } };
  assert.equal(store.update("status", ahead), "gap");
  assert.equal(store.waiting, true);
});

test("a snapshot replaces everything, also when its number is lower", () => {
  const store = started(10, { trades: [trade(10)] });
  store.snapshot(snapshot(2, { trades: [trade(2)], ledger_id: "L2" }));
  assert.deepEqual(store.state.trades, [trade(2)]);
  assert.equal(store.lines.trades, 2);
  assert.equal(store.ledgerId, "L2");
});

test("lists are bounded, each id stands once, rows are replaced where they stand", () => {
  const many = Array.from({ length: 150 }, (_, i) => trade(150 - i));
  assert.equal(prepend(many, [trade(151)], TRADES_KEPT).length, TRADES_KEPT);
  assert.deepEqual(prepend([trade(1)], [trade(2), trade(1)], 5), [trade(2), trade(1)]);
  const rows = replaceById([{ id: 1, v: 0 }, { id: 2, v: 0 }], [{ id: 2, v: 1 }, { id: 3, v: 1 }]);
  assert.deepEqual(rows, [{ id: 1, v: 0 }, { id: 2, v: 1 }, { id: 3, v: 1 }]);
});

test("charts are merged by name and listeners hear the delta", () => {
  const store = started(10, { charts: { pnl: 1, allocation: 2 } });
  const heard = [];
  store.on("charts", (state, delta) => heard.push(delta));
  store.update("charts", { seq_from: 11, seq_to: 11, data: { pnl: 3 } });
  assert.deepEqual(store.state.charts, { pnl: 3, allocation: 2 });
  assert.deepEqual(heard, [{ pnl: 3 }]);
});

// A server that holds the truth, and a line that drops and doubles what it sends.
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

class Model {
  seq = 0;
  lines = Object.fromEntries(TOPICS.map((topic) => [topic, 0]));
  trades = [];
  total = 0;

  step(random) {
    const count = 1 + Math.floor(random() * 3);
    const fresh = [];
    for (let i = 0; i < count; i += 1) {
      this.seq += 1;
      if (random() < 0.6) fresh.unshift(trade(this.seq));
    }
    const out = [];
    if (fresh.length > 0) {
      this.trades = prepend(this.trades, fresh, TRADES_KEPT);
      this.total += fresh.length;
      out.push(this.#close("trades", fresh), this.#close("portfolio", this.portfolio()));
    }
    out.push({ topic: "status", seq_from: 1, seq_to: 0, data: this.status() });
    return out;
  }

  portfolio() {
    return { summary: { trades_count: this.total }, positions: [] };
  }

  status() {
    return { lines: { ...this.lines } };
  }

  #close(topic, data) {
    const message = { topic, seq_from: this.lines[topic] + 1, seq_to: this.seq, data };
    this.lines[topic] = this.seq;
    return message;
  }

  snapshot() {
    for (const topic of TOPICS) this.lines[topic] = this.seq;
    const { trades, seq } = this;
    const status = this.status();
    return snapshot(seq, { trades: [...trades], portfolio: this.portfolio(), status });
  }
}

for (const seed of [1, 7, 42, 2026]) {
  test(`1,000 rounds with drops, doubles, reconnects end where the server is (${seed})`, () => {
    const random = randomFrom(seed);
    const server = new Model();
    const store = new Store();
    let resyncs = 0;
    const deliver = (message) => {
      if (store.update(message.topic, message) !== "gap") return;
      resyncs += 1;
      store.snapshot(server.snapshot());
    };
    store.snapshot(server.snapshot());
    for (let round = 0; round < 1000; round += 1) {
      for (const message of server.step(random)) {
        const luck = random();
        if (luck < 0.08) continue; // lost
        deliver(message);
        if (luck > 0.92) deliver(message); // doubled
      }
      if (random() < 0.02) store.snapshot(server.snapshot()); // reconnected
    }
    deliver({ topic: "status", seq_from: 1, seq_to: 0, data: server.status() });
    assert.deepEqual(store.state.trades, server.trades);
    assert.deepEqual(store.state.portfolio, server.portfolio());
    assert.ok(resyncs > 0);
  });
}
