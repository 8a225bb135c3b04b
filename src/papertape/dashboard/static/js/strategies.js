// One entry per strategy: state, shape of its P&L, result, switch, win rate with its sample, last
// words.

import { command } from "./control.js";
import { el, reconcile, setFigure, setSigned, setText, setTitle, svgEl } from "./dom.js";
import * as format from "./format.js";
import { strategyColor } from "./palette.js";
import { drawSpark } from "./sparkline.js";

const STATES = { running: "running", paused: "paused", disabled: "disabled", stopped: "stopped" };

// What an entry says. Pure, so that node can test it.
export function strategyWords(row, when) {
  const trips = row.round_trips ?? (row.wins ?? 0) + (row.losses ?? 0);
  const rate =
    row.win_rate === null || trips === 0
      ? "no closed trade yet"
      : `${format.percent(row.win_rate)} of ${format.count(trips)}`;
  const state = STATES[row.status] ?? row.status;
  const signals = format.plural(row.signals, "signal", "signals");
  return {
    state: row.status_reason && row.status !== "running" ? `${state}: ${row.status_reason}` : state,
    rate: `${rate} · ${format.plural(row.trades, "trade", "trades")}`,
    signal: row.last_signal_at ? said(row.last_signal, when(row.last_signal_at)) : "none yet",
    refusal: row.last_refusal ? said(row.last_refusal, when(row.last_refusal_at)) : "none",
    counts: `${signals}, ${format.count(row.refused)} refused`,
    pnl: row.net_pnl ?? row.realized_pnl,
  };
}

function said(text, when) {
  return text ? `${text} · ${when}` : when;
}

function line(name, key) {
  const term = el("dt", "", name);
  const text = el("dd");
  text.dataset.field = key;
  return [term, text];
}

function create() {
  const item = el("li", "strategy");
  const name = el("h3", "strategy-name");
  name.append(el("span", "swatch"), el("a", "name row-link"), el("span", "strategy-state"));
  const spark = svgEl("svg", {
    class: "spark",
    viewBox: "0 0 100 28",
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  const more = el("dl", "strategy-more");
  more.append(...line("Won", "rate"), ...line("Last signal", "signal"));
  more.append(...line("Last refusal", "refusal"));
  item.append(name, spark, el("p", "strategy-pnl"), pauseSwitch(item), more);
  return item;
}

function pauseSwitch(item) {
  const toggle = el("button", "switch");
  toggle.type = "button";
  toggle.setAttribute("role", "switch");
  toggle.append(el("span", "switch-knob"));
  toggle.addEventListener("click", () => {
    const on = toggle.getAttribute("aria-checked") === "true";
    command(on ? "pause" : "resume", item.dataset.key);
  });
  return toggle;
}

// What the switch of a strategy says and whether it can be used. Pure.
export function switchState(row, botRuns) {
  const able = botRuns && (row.status === "running" || row.status === "paused");
  const why = botRuns ? `it is ${row.status}` : "no bot is running";
  const act = row.status === "running" ? "Pause" : "Resume";
  return {
    on: row.status === "running",
    able,
    title: able ? `${act} ${row.strategy}` : `${row.strategy} cannot be switched: ${why}`,
  };
}

function update(item, row, when, botRuns) {
  const words = strategyWords(row, when);
  const [name, spark, pnl, toggle, more] = item.children;
  const said = switchState(row, botRuns);
  toggle.setAttribute("aria-checked", String(said.on));
  toggle.setAttribute("aria-label", `${row.strategy} gives signals`);
  toggle.disabled = !said.able;
  setTitle(toggle, said.title);
  const shade = strategyColor(row.strategy);
  name.children[0].style.backgroundColor = shade;
  spark.style.stroke = shade;
  setText(name.children[1], row.strategy);
  name.children[1].href = `/analytics?${new URLSearchParams({ strategy: row.strategy })}`;
  setText(name.children[2], words.state);
  setTitle(name.children[2], words.counts);
  name.children[2].dataset.state = row.status;
  drawSpark(spark, (row.curve ?? []).map(([, total]) => total));
  setSigned(pnl, format.change(words.pnl), format.arrow(words.pnl), format.tone(words.pnl));
  for (const key of ["rate", "signal", "refusal"]) {
    const field = more.querySelector(`[data-field="${key}"]`);
    if (key === "rate") setFigure(field, words[key]);
    else setText(field, words[key]);
    setTitle(field, words[key]);
  }
}

export function drawStrategies(list, rows, when, botRuns) {
  const draw = (item, row) => update(item, row, when, botRuns);
  reconcile(list, rows, (row) => row.strategy, create, draw);
}
