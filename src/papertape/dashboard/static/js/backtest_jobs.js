// Backtests that were started here: how each one stands, asked for while one is under way.

import { ask, send } from "./api.js";
import { isOver, jobWords } from "./backtest_words.js";
import { el, reconcile, setText } from "./dom.js";
import * as format from "./format.js";
import { confirmAction, showError, showSuccess } from "./notifications.js";

const BUSY_MS = 700;
const IDLE_MS = 15_000;
const SHOWN = 8;
const NONE = "Nothing is under way. A backtest that is started below shows its progress here.";

export class BacktestJobs {
  #frame;
  #onOver;
  #onOpen;
  #timer = 0;
  #known = new Map(); // id to state, to tell what has ended since

  constructor(frame, { onOver, onOpen }) {
    this.#frame = frame;
    this.#onOver = onOver;
    this.#onOpen = onOpen;
    document.addEventListener("visibilitychange", () => !document.hidden && this.now());
  }

  async now() {
    clearTimeout(this.#timer);
    let busy = false;
    try {
      const { data } = await ask("/api/backtests/jobs");
      busy = data.some((job) => !isOver(job));
      this.#tell(data);
      this.#draw(data.slice(0, SHOWN));
    } catch (error) {
      const said = `How they stand is not known: ${error.message}. Trying again.`;
      if (this.#known.size === 0) this.#frame.panels.show("jobs", "error", { words: said });
    }
    clearTimeout(this.#timer);
    if (!document.hidden) this.#timer = setTimeout(() => this.now(), busy ? BUSY_MS : IDLE_MS);
  }

  #tell(jobs) {
    for (const job of jobs) {
      const before = this.#known.get(job.id);
      this.#known.set(job.id, job.state);
      if (before === undefined || before === job.state || !isOver(job)) continue;
      this.#onOver(job);
      const text = `Backtest of ${job.strategy} ${jobWords(job)}`;
      if (job.state === "done") showSuccess(text);
      else if (job.state === "failed") showError(text);
    }
  }

  #draw(jobs) {
    const asOf = Date.now();
    this.#frame.panels.show("jobs", jobs.length ? "live" : "empty", {
      words: NONE,
      asOf,
      lasting: true,
    });
    const list = document.getElementById("rows-jobs");
    reconcile(list, jobs, (job) => job.id, (job) => this.#create(job), update);
  }

  #create(job) {
    const item = el("li", "job");
    const bar = el("div", "progress-bar");
    bar.setAttribute("role", "progressbar");
    bar.setAttribute("aria-label", `Backtest of ${job.strategy}`);
    bar.append(el("span"));
    const stop = el("button", "button", "Stop");
    stop.type = "button";
    stop.addEventListener("click", () => this.#cancel(job));
    const open = el("button", "button", "Open");
    open.type = "button";
    open.addEventListener("click", () => this.#onOpen(item.dataset.run));
    const name = el("p", "job-name", `${job.strategy} on ${job.data}`);
    item.append(name, el("p", "job-words"), bar, open, stop);
    return item;
  }

  #cancel(job) {
    const question = `Stop the backtest of ${job.strategy}? What it has until then is kept.`;
    confirmAction(question, async () => {
      try {
        await send("POST", `/api/backtests/jobs/${job.id}/cancel`, {});
        this.now();
      } catch (error) {
        showError(`Not stopped: ${error.message}`);
      }
    });
  }
}

function update(item, job) {
  const [name, said, bar, open, stop] = item.children;
  const given = Object.entries(job.params ?? {}).map(([key, value]) => `${key} ${value}`);
  name.title = given.join(", ");
  item.dataset.state = job.state;
  item.dataset.run = job.run_id ?? "";
  const when = job.ended_at ? ` · ${format.clock(job.ended_at)}` : "";
  setText(said, `${jobWords(job)}${when}`);
  bar.hidden = isOver(job);
  const known = job.percent !== null && job.state === "running";
  bar.firstElementChild.style.width = `${known ? job.percent : 0}%`;
  if (known) bar.setAttribute("aria-valuenow", String(job.percent));
  else bar.removeAttribute("aria-valuenow");
  open.hidden = !isOver(job) || !job.run_id;
  stop.hidden = isOver(job);
}
