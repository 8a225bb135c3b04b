// The live line: socket first, asking the HTTP endpoints every 5 s while there is none.

import { TOPICS } from "./store.js";

export const POLL_MS = 5000;
// The server repeats its status every 5 s; two of them missing means the line is dead.
export const SILENCE_MS = 12_000;
export const RESYNC_AGAIN_MS = 5000;
const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_MAX = 4000;
const POLL_AFTER_MS = 3000; // a reconnect that takes less is not worth asking by HTTP
const REQUEST_MS_MAX = 10_000;

const PARTS = {
  status: "/api/status",
  portfolio: "/api/portfolio",
  trades: "/api/trades?limit=100",
  strategies: "/api/strategies/performance",
  alerts: "/api/alerts?limit=100",
  markets: "/api/market/live?limit=1000",
};
const CHARTS = ["allocation", "distribution", "cumulative", "pnl", "strategies"];

export async function getData(path) {
  const headers = { Accept: "application/json" };
  const answer = await fetch(path, { headers, signal: AbortSignal.timeout(REQUEST_MS_MAX) });
  const body = await answer.json();
  if (!answer.ok || !body.ok) throw new Error(body.error?.message ?? `HTTP ${answer.status}`);
  return body;
}

// The same shape as the socket's snapshot, asked for piece by piece. A part that this server does
// not have (404) stays as it was; the number is the lowest, so nothing newer is taken for known.
export async function pollSnapshot(old) {
  const first = await getData(PARTS.status); // nobody there: one request says so, not eleven
  const asked = [
    ...Object.entries(PARTS).filter(([name]) => name !== "status"),
    ...CHARTS.map((name) => [`chart:${name}`, `/api/chart/${name}`]),
  ];
  const answers = await Promise.allSettled(asked.map(([, path]) => getData(path)));
  const message = { ...old, markets: old.market, charts: { ...old.charts } };
  message.status = first.data;
  message.seq = first.as_of_seq;
  answers.forEach((answer, i) => {
    if (answer.status === "rejected") return;
    const [name] = asked[i];
    message.seq = Math.min(message.seq, answer.value.as_of_seq ?? 0);
    if (name.startsWith("chart:")) message.charts[name.slice(6)] = answer.value.data;
    else message[name] = answer.value.data;
  });
  return message;
}

export class Live {
  state = "connecting"; // connecting | live | polling | lost
  lastHeardMs = null;
  oldMs = null; // when what is shown was kept, while nothing newer has been heard
  #store;
  #socket = null;
  #onChange;
  #onNotice;
  #lostSinceMs = Date.now();
  #askedMs = 0;
  #polling = false;

  constructor(store, { onChange, onNotice }) {
    this.#store = store;
    this.#onChange = onChange;
    this.#onNotice = onNotice;
  }

  start() {
    if (window.io) this.#open();
    setInterval(() => this.#check(), 1000);
    document.addEventListener("visibilitychange", () => this.#check());
    addEventListener("online", () => this.#reopen());
    addEventListener("pageshow", (event) => event.persisted && this.#reopen());
  }

  #open() {
    const socket = window.io({
      transports: ["websocket"],
      reconnectionDelay: RECONNECT_MS_MIN,
      reconnectionDelayMax: RECONNECT_MS_MAX,
    });
    this.#socket = socket;
    socket.on("snapshot", (message) => {
      this.#heard();
      this.#store.snapshot(message);
      this.#become("live");
    });
    for (const topic of TOPICS) {
      socket.on(`${topic}_update`, (message) => {
        this.#heard();
        if (this.#store.update(topic, message) === "gap") this.#resync();
      });
    }
    socket.on("notification", (notice) => this.#onNotice(notice));
    socket.on("disconnect", () => this.#lose());
    socket.on("connect_error", () => this.#lose());
  }

  #heard() {
    this.lastHeardMs = Date.now();
    this.oldMs = null;
  }

  // Nobody answers yet, but this browser kept what it saw last: shown as old, never as live.
  showOld({ atMs, message }) {
    if (this.lastHeardMs !== null) return;
    this.lastHeardMs = this.oldMs = atMs;
    this.#store.snapshot(message);
    this.#store.waiting = true;
    this.#become("lost");
  }

  #resync() {
    this.#askedMs = Date.now();
    this.#socket.emit("resync");
  }

  #lose() {
    this.#store.waiting = true;
    if (this.state === "lost" || this.state === "polling") return;
    if (this.state === "live") this.#lostSinceMs = Date.now();
    this.#become(this.state === "connecting" ? "connecting" : "lost");
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.#onChange(state);
  }

  #reopen() {
    if (!this.#socket) return;
    this.#socket.disconnect().connect();
  }

  // Once a second: is the line alive, did the snapshot come, is it time to ask by HTTP?
  #check() {
    const now = Date.now();
    if (this.state === "live") {
      if (now - this.lastHeardMs > SILENCE_MS) {
        this.#lose();
        this.#reopen();
      } else if (this.#store.waiting && now - this.#askedMs > RESYNC_AGAIN_MS) {
        this.#resync();
      }
      return;
    }
    if (!document.hidden && now - this.#lostSinceMs > POLL_AFTER_MS) this.#poll(now);
  }

  async #poll(now) {
    if (this.#polling || now - this.#askedMs < POLL_MS) return;
    this.#polling = true;
    this.#askedMs = now;
    try {
      const message = await pollSnapshot(this.#store.state);
      if (this.state === "live") return; // the socket was faster
      this.#heard();
      this.#store.snapshot(message);
      this.#store.waiting = true; // deltas join only a snapshot of the socket
      this.#become("polling");
    } catch {
      this.#become("lost");
    } finally {
      this.#polling = false;
    }
  }
}
