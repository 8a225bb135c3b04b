// What the page knows, and the one rule by which news joins it (docs/socket.md, "Joining").
// Pure: no document, no socket, no clock, so that node can test it against a model.

export const TOPICS = [
  "portfolio",
  "trades",
  "alerts",
  "strategies",
  "activity",
  "charts",
  "market",
  "status",
];

// The newest of each list; the ledger keeps them all and /api/trades pages through them.
export const TRADES_KEPT = 100;
export const ALERTS_KEPT = 100;

const EMPTY = {
  status: null,
  portfolio: null,
  trades: [],
  alerts: [],
  strategies: [],
  activity: null,
  charts: {},
  market: [],
};

// New rows before the known ones, each id once, at most `kept`.
export function prepend(rows, added, kept) {
  const ids = new Set(added.map((row) => row.id));
  return [...added, ...rows.filter((row) => !ids.has(row.id))].slice(0, kept);
}

// Rows replaced by id where they stand; unknown ones at the end.
export function replaceById(rows, changed) {
  const news = new Map(changed.map((row) => [row.id, row]));
  const kept = rows.map((row) => {
    const newer = news.get(row.id);
    news.delete(row.id);
    return newer ?? row;
  });
  return [...kept, ...news.values()];
}

// New alerts come first; known ones that somebody marked change where they stand.
export function joinAlerts(rows, data) {
  const ids = new Set(rows.map((row) => row.id));
  const changed = replaceById(rows, data.filter((row) => ids.has(row.id)));
  return prepend(changed, data.filter((row) => !ids.has(row.id)), ALERTS_KEPT);
}

const JOIN = {
  trades: (old, data) => prepend(old, data, TRADES_KEPT),
  alerts: joinAlerts,
  market: replaceById,
  charts: (old, data) => ({ ...old, ...data }),
};

export class Store {
  state = { ...EMPTY };
  lines = Object.fromEntries(TOPICS.map((topic) => [topic, 0]));
  waiting = true; // for a snapshot: until it comes, updates are ignored
  ledgerId = null;
  #listeners = new Map();

  on(topic, listener) {
    if (!this.#listeners.has(topic)) this.#listeners.set(topic, []);
    this.#listeners.get(topic).push(listener);
  }

  // The whole state, replacing all that was known, also when its number is lower (another ledger).
  snapshot(message) {
    const { seq } = message;
    this.ledgerId = message.ledger_id ?? null;
    for (const topic of TOPICS) this.lines[topic] = message.lines?.[topic] ?? seq;
    this.state = {
      status: message.status,
      portfolio: message.portfolio,
      trades: message.trades.slice(0, TRADES_KEPT),
      alerts: message.alerts.slice(0, ALERTS_KEPT),
      strategies: message.strategies,
      activity: message.activity ?? null,
      charts: message.charts ?? {},
      market: message.markets,
    };
    this.waiting = false;
    for (const topic of TOPICS) this.#tell(topic, null);
  }

  // Returns "applied", "old" (known already), "waiting" (a snapshot is on its way) or "gap".
  update(topic, message) {
    if (this.waiting) return "waiting";
    const { seq_from: from, seq_to: to, data } = message;
    const numbered = from <= to;
    if (numbered && to <= this.lines[topic]) return "old";
    if (numbered && from !== this.lines[topic] + 1) {
      this.waiting = true;
      return "gap";
    }
    if (numbered) this.lines[topic] = to;
    const join = JOIN[topic];
    this.state[topic] = join ? join(this.state[topic], data) : data;
    this.#tell(topic, data);
    if (topic === "status" && this.#missed(data)) {
      this.waiting = true;
      return "gap";
    }
    return "applied";
  }

  // The heartbeat says how far every topic is: being behind means that a message was lost.
  #missed(status) {
    const sent = status.lines ?? {};
    return TOPICS.some((topic) => topic !== "status" && (sent[topic] ?? 0) > this.lines[topic]);
  }

  #tell(topic, delta) {
    for (const listener of this.#listeners.get(topic) ?? []) {
      listener(this.state[topic], delta, this.state);
    }
  }
}
