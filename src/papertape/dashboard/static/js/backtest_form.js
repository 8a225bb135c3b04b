// The form that starts a backtest: strategies and recordings that there are, parameters in bounds.

import { send } from "./api.js";
import { day, recordingName } from "./backtest_words.js";
import { el, setText } from "./dom.js";
import { showSuccess } from "./notifications.js";

const AGAIN_MS = 20_000; // a new recording appears without a reload
const NO_RECORDING =
  "No recording yet. The bot records what it sees while it runs; others are taken in with " +
  "“papertape data import FILE”. Then a backtest can be started here.";

export class BacktestForm {
  #frame;
  #node = document.getElementById("start-form");
  #onStarted;
  #choices = null;
  #shown = ""; // which strategy's parameters stand in the form

  constructor(frame, { onStarted }) {
    this.#frame = frame;
    this.#onStarted = onStarted;
    this.#node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#start();
    });
    this.#field("strategy").addEventListener("change", () => this.#drawParams());
    this.#field("data").addEventListener("change", () => this.#drawSpan());
  }

  #field(name) {
    return this.#node.elements[name];
  }

  async load(ask) {
    try {
      const { data } = await ask("/api/backtests/choices");
      this.#choices = data;
      this.#draw();
    } catch (error) {
      const said = `What can be run is not known: ${error.message}. Trying again.`;
      if (!this.#choices) this.#frame.panels.show("start", "error", { words: said });
    }
    setTimeout(() => this.load(ask), AGAIN_MS);
  }

  #draw() {
    const { strategies, recordings } = this.#choices;
    const any = recordings.length > 0 && strategies.length > 0;
    const how = { words: NO_RECORDING, asOf: Date.now(), lasting: true };
    this.#frame.panels.show("start", any ? "live" : "empty", how);
    offer(this.#field("strategy"), strategies.map((row) => [row.strategy, row.strategy]));
    offer(this.#field("data"), recordings.map((row) => [row.id, recordingName(row)]));
    this.#drawParams();
    this.#drawSpan();
  }

  #strategy() {
    const name = this.#field("strategy").value;
    return this.#choices?.strategies.find((row) => row.strategy === name);
  }

  // A half-written form stays: parameters change only with the strategy.
  #drawParams() {
    const strategy = this.#strategy();
    if (!strategy || this.#shown === strategy.strategy) return;
    this.#shown = strategy.strategy;
    setText(document.getElementById("start-about"), strategy.summary);
    const fields = strategy.params.map((param) => {
      const label = el("label", "field");
      const text = [param.name, param.unit].filter(Boolean).join(", ");
      const name = el("span", "label-text", text);
      const input = el("input", "input");
      Object.assign(input, {
        type: "number",
        name: `param.${param.name}`,
        min: String(param.low),
        max: String(param.high),
        step: "any",
        value: String(param.value),
        required: true,
        title: `${param.doc}; ${param.low} to ${param.high}`,
      });
      label.append(name, input);
      return label;
    });
    const box = document.getElementById("start-params");
    box.hidden = fields.length === 0;
    box.querySelector(".param-grid").replaceChildren(...fields);
  }

  #drawSpan() {
    const id = this.#field("data").value;
    const row = this.#choices?.recordings.find((each) => each.id === id);
    for (const name of ["from", "to"]) {
      this.#field(name).min = day(row?.from);
      this.#field(name).max = day(row?.to);
    }
  }

  #body() {
    const strategy = this.#strategy();
    const params = {};
    for (const param of strategy?.params ?? []) {
      const value = Number(this.#field(`param.${param.name}`).value);
      if (value !== param.value) params[param.name] = value; // what is not said is as configured
    }
    const text = (name) => this.#field(name).value || null;
    const cash = text("initial_cash");
    return {
      strategy: text("strategy"),
      data: text("data"),
      params,
      from: text("from"),
      to: text("to"),
      initial_cash: cash === null ? null : Number(cash),
      fees: text("fees"),
      check_lookahead: this.#field("check_lookahead").checked,
    };
  }

  async #start() {
    const button = this.#node.querySelector('[type="submit"]');
    const problem = document.getElementById("start-error");
    button.disabled = true;
    setText(problem, "");
    try {
      const { data } = await send("POST", "/api/backtests", this.#body());
      showSuccess(`Backtest of ${data.strategy} is on its way`);
      this.#onStarted();
    } catch (error) {
      setText(problem, `Not started: ${error.message}`);
    } finally {
      button.disabled = false;
    }
  }
}

function offer(select, pairs) {
  const now = JSON.stringify(pairs);
  if (select.dataset.offered === now) return;
  select.dataset.offered = now;
  const chosen = select.value;
  select.replaceChildren(
    ...pairs.map(([value, text]) => {
      const option = el("option", "", text);
      option.value = value;
      return option;
    }),
  );
  if (pairs.some(([value]) => value === chosen)) select.value = chosen;
}
