// Asks again when something was traded, at most once a second, and anyway every so often.
// What is on the page stays until the answer is here; a late answer to an old question is dropped.

import { ask } from "./api.js";

const GAP_MS = 1000;

export class Refresher {
  #path;
  #onData;
  #onError;
  #timer = 0;
  #asked = 0; // number of the newest question
  #lastMs = 0;

  constructor({ path, everyMs, onData, onError }) {
    this.#path = path;
    this.#onData = onData;
    this.#onError = onError;
    setInterval(() => this.#due(everyMs) && this.now(), 1000);
    document.addEventListener("visibilitychange", () => !document.hidden && this.soon());
  }

  #due(everyMs) {
    return !document.hidden && Date.now() - this.#lastMs >= everyMs;
  }

  soon() {
    if (this.#timer || document.hidden) return;
    const wait = Math.max(0, this.#lastMs + GAP_MS - Date.now());
    this.#timer = setTimeout(() => this.now(), wait);
  }

  async now() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#lastMs = Date.now();
    this.#asked += 1;
    const mine = this.#asked;
    try {
      const answer = await ask(this.#path());
      if (mine === this.#asked) this.#onData(answer.data, answer);
    } catch (error) {
      if (mine === this.#asked) this.#onError(error);
    }
  }
}
