// The trades that a filter finds: pages as they are needed, news from the top. No document here.

import { query } from "./trade_filter.js";

export const PAGE_ROWS = 200;
// A page may be short because the server looks at a bounded number of rows; then the next is asked
// for at once, this often, before the person is told how far it got.
export const TRIES = 40;

export class TradeList {
  rows = [];
  fresh = []; // newer than the rows, held back while someone reads further down
  state = "loading"; // loading | ready | error
  done = false; // whether the last row is known
  problem = "";
  filter = null;
  #ask;
  #cursor = null;
  #seenSeq = 0; // up to here the ledger was looked at, whether anything fitted or not
  #turn = 0; // answers to an older question are dropped
  #busy = false;
  #newsBusy = false;

  constructor(ask) {
    this.#ask = ask;
  }

  // Begin anew with a filter; resolves when the first page is there.
  async open(filter) {
    this.filter = filter;
    this.rows = [];
    this.fresh = [];
    this.done = false;
    this.state = "loading";
    this.#cursor = null;
    this.#seenSeq = 0;
    this.#turn += 1;
    this.#busy = false;
    await this.more();
  }

  get newestSeq() {
    return Math.max(this.fresh[0]?.seq ?? this.rows[0]?.seq ?? 0, this.#seenSeq);
  }

  get newestFirst() {
    return this.filter?.sort !== "time";
  }

  // The next page; a call while one is under way does nothing.
  async more() {
    if (this.#busy || this.done) return false;
    this.#busy = true;
    const turn = this.#turn;
    try {
      for (let i = 0; i < TRIES; i += 1) {
        const { sort } = this.filter;
        const asked = query(this.filter, { sort, limit: PAGE_ROWS, cursor: this.#cursor });
        const answer = await this.#ask(`/api/trades?${asked}`);
        if (turn !== this.#turn) return false;
        if (this.#cursor === null) this.#seenSeq = answer.seen_seq ?? 0;
        this.#cursor = answer.next_cursor;
        this.done = answer.next_cursor === null;
        this.rows.push(...answer.data);
        if (answer.data.length > 0 || this.done) break;
      }
      this.state = "ready";
      this.problem = "";
      return true;
    } catch (error) {
      if (turn !== this.#turn) return false;
      this.state = "error";
      this.problem = error.message;
      return false;
    } finally {
      if (turn === this.#turn) this.#busy = false;
    }
  }

  // What has come since, behind the filter; returns how many rows. Oldest first has its news last.
  async news() {
    if (this.state !== "ready" || this.#newsBusy) return 0;
    if (!this.newestFirst) {
      this.done = false;
      this.#cursor ??= this.rows.at(-1)?.seq ?? null;
      return 0;
    }
    const turn = this.#turn;
    this.#newsBusy = true;
    try {
      const asked = query(this.filter, { after: this.newestSeq, limit: 1000 });
      const answer = await this.#ask(`/api/trades?${asked}`);
      if (turn !== this.#turn) return 0;
      if (answer.next_cursor !== null) {
        await this.open(this.filter); // too much at once to join without a hole
        return this.rows.length;
      }
      this.#seenSeq = Math.max(this.#seenSeq, answer.seen_seq ?? 0);
      this.fresh.unshift(...answer.data);
      return answer.data.length;
    } finally {
      this.#newsBusy = false;
    }
  }

  // Put what was held back on top; returns those rows.
  take() {
    const taken = this.fresh;
    this.fresh = [];
    this.rows.unshift(...taken);
    return taken;
  }
}

// Which rows to draw for a place in the scroll: a window with some more on both sides.
export function windowOf(scrollTop, height, rowHeight, count, spare = 12) {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + spare);
  return { first: Math.min(first, count), last: Math.max(last, 0) };
}
