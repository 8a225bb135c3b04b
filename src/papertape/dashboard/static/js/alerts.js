// The alerts page: history with what became of each alert, rules, and delivery.

import { ask, send } from "./api.js";
import { el, icon, reconcile, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { confirmAction, showError, showSuccess } from "./notifications.js";
import { PushPanel } from "./push.js";
import { RuleForm } from "./rule_form.js";
import * as words from "./rule_words.js";

const REFRESH_S = 15;
const SOON_MS = 150; // several alerts at once are one question
const PAGE = 50;
const ICONS = { info: "info", warning: "warning", error: "error" };
const NAMES = { info: "Information", warning: "Warning", error: "Alarm" };

const frame = new Frame();
const at = (id) => document.getElementById(id);
const push = new PushPanel(frame, { onChange: () => refresh() });
const dialog = new RuleForm(at("rule-dialog"), { save: saveRule });
let rules = [];
let channels = [];
let rows = [];
let cursor = null;
let asked = 0; // the newest question; older answers are dropped
let soon = null;
let seconds = 0;

function button(text, onClick, name = "") {
  const node = el("button", "button", text);
  node.type = "button";
  if (name) node.setAttribute("aria-label", name);
  node.addEventListener("click", onClick);
  return node;
}

// Do what was asked, say what went wrong, and show what is true now.
async function act(work, done = "") {
  try {
    await work();
    if (done) showSuccess(done);
  } catch (error) {
    showError(error.message);
  }
  refresh();
}

// --- history ------------------------------------------------------------------------------------

function wanted() {
  const filters = new FormData(at("history-controls"));
  return [...filters].filter(([, value]) => value);
}

function historyPath(before = null) {
  const params = new URLSearchParams([...wanted(), ["limit", String(PAGE)]]);
  if (before !== null) params.set("cursor", String(before));
  return `/api/alerts?${params}`;
}

async function loadHistory() {
  const mine = (asked += 1);
  const kept = Math.max(1, Math.ceil(rows.length / PAGE)); // pages that a person has opened
  let found = [];
  let behind = null;
  for (let page = 0; page < kept; page += 1) {
    const answer = await ask(historyPath(behind));
    found = found.concat(answer.data);
    behind = answer.next_cursor;
    if (behind === null) break;
  }
  if (mine !== asked) return;
  rows = found;
  cursor = behind;
  drawHistory();
}

async function loadOlder() {
  try {
    const answer = await ask(historyPath(cursor));
    rows = [...rows, ...answer.data];
    cursor = answer.next_cursor;
    drawHistory();
  } catch (error) {
    showError(error.message);
  }
}

function alertNode(alert) {
  const row = el("li", "alert");
  const sign = el("span", "alert-sign");
  sign.append(icon(ICONS[alert.severity]), el("span", "visually-hidden", NAMES[alert.severity]));
  const text = el("div", "alert-text");
  text.append(el("p", "alert-title"), el("p", "alert-message"), el("p", "alert-note"));
  const actions = el("div", "alert-actions");
  const mark = (path, body, done) => () =>
    act(() => send("POST", `/api/alerts/${alert.id}/${path}`, body), done);
  const tomorrow = () => {
    const until = words.tomorrow(new Date()).toISOString();
    mark("snooze", { until }, "Snoozed until tomorrow, 07:00")();
  };
  actions.append(
    button("Acknowledge", mark("acknowledge", {}), `Acknowledge: ${alert.title}`),
    button(
      "Snooze 1 h",
      mark("snooze", { minutes: 60 }, "Snoozed for an hour"),
      `Snooze 1 h: ${alert.title}`,
    ),
    button("Until tomorrow", tomorrow, `Until tomorrow: ${alert.title}, snooze`),
  );
  row.append(sign, text, actions);
  return row;
}

function drawAlert(row, alert) {
  const [title, message, note] = row.querySelectorAll(".alert-text p");
  const source = alert.source === "tape" ? "the bot" : `rule ${alert.rule_id}`;
  row.dataset.severity = alert.severity;
  setText(title, alert.title);
  setText(message, alert.message);
  const state = words.alertState(alert, Date.now() + frame.skewMs);
  const parts = [format.clock(alert.time), source, state, words.deliveryWords(alert.delivered)];
  setText(note, parts.filter(Boolean).join(" · "));
  setTitle(note, format.utc(alert.time));
  row.dataset.open = state ? "no" : "yes";
  row.querySelector(".alert-actions").hidden = Boolean(alert.acknowledged_at);
}

function drawHistory() {
  reconcile(at("rows-history"), rows, (alert) => alert.id, alertNode, drawAlert);
  at("history-older").hidden = cursor === null;
  at("acknowledge-all").disabled = (frame.store.state.status?.open_alerts ?? 0) === 0;
  const none = at("history-none");
  none.hidden = rows.length > 0;
  setText(none, wanted().length > 0
    ? "No alert matches the filter."
    : "No alert yet. What your rules notice, and what the bot itself warns of, is listed here.");
  frame.panels.show("history", "live", { asOf: Date.now() });
}

// --- rules --------------------------------------------------------------------------------------

const market = () => frame.store.state.market;

async function saveRule(body, id) {
  if (id === null) await send("POST", "/api/alerts/rules", body);
  else await send("PATCH", `/api/alerts/rules/${id}`, body);
  showSuccess("Rule saved");
  await refresh();
}

function openForm(rule, id = null) {
  const strategies = frame.store.state.strategies.map((row) => row.strategy);
  dialog.open(rule, id, { channels, strategies, market: market() });
}

function ruleNode(rule) {
  const row = el("li", "rule");
  const toggle = el("button", "switch");
  toggle.type = "button";
  toggle.setAttribute("role", "switch");
  toggle.append(el("span", "switch-knob"));
  const now = () => rules.find((one) => one.id === rule.id) ?? rule;
  const path = `/api/alerts/rules/${rule.id}`;
  toggle.addEventListener("click", () =>
    act(() => send("PATCH", path, { enabled: !now().enabled })));
  const text = el("div", "rule-text");
  text.append(el("p", "rule-words"), el("p", "rule-note"));
  const actions = el("div", "rule-actions");
  actions.append(
    button("Test", () => act(() => send("POST", `${path}/test`, {}))),
    button("Edit", () => openForm(now(), rule.id)),
    button("Delete", () => confirmAction(
      `Delete this rule? “${words.ruleSentence(now(), market())}” Its alerts stay in the history.`,
      () => act(() => send("DELETE", path), "Rule deleted"),
    )),
  );
  row.append(toggle, text, actions);
  return row;
}

function drawRule(row, rule) {
  const sentence = words.ruleSentence(rule, market());
  const toggle = row.querySelector(".switch");
  toggle.setAttribute("aria-checked", String(rule.enabled));
  toggle.setAttribute("aria-label", `On: ${sentence}`);
  setText(row.querySelector(".rule-words"), sentence);
  const fired = rule.fired_at ? `last ${format.clock(rule.fired_at)}` : "not yet raised";
  const snoozed = rule.snoozed_until ? `silent until ${format.clock(rule.snoozed_until)}` : "";
  const state = rule.enabled ? (rule.holds.length > 0 ? "holds now" : "") : "off";
  const parts = [rule.id, rule.channels.join(", "), fired, state, snoozed];
  setText(row.querySelector(".rule-note"), parts.filter(Boolean).join(" · "));
  row.querySelectorAll(".rule-actions button").forEach((node) =>
    node.setAttribute("aria-label", `${node.textContent}: ${sentence}`));
}

function readyNode(rule) {
  const row = el("li");
  const add = button("Add", () =>
    act(() => send("POST", "/api/alerts/rules", words.ruleBody(rule)), "Rule added"));
  add.setAttribute("aria-label", `Add: ${words.ruleSentence(rule)}`);
  row.append(el("p", "", words.ruleSentence(rule)), add);
  return row;
}

function drawRules() {
  reconcile(at("rows-rules"), rules, (rule) => rule.id, ruleNode, drawRule);
  at("rules-none").hidden = rules.length > 0;
  if (!at("rows-ready").firstChild) at("rows-ready").append(...words.READY.map(readyNode));
  frame.panels.show("rules", "live", { asOf: Date.now() });
}

// --- delivery -----------------------------------------------------------------------------------

const moreChannels = (apprise) =>
  [
    apprise ? "Name" : 'Install Apprise with pip install "papertape[notify]", then name',
    "more channels under notifications.urls in config.yaml: Telegram, Discord, Slack, e-mail,",
    "webhooks and 100 others. Addresses stay in the environment or in a file that only you can",
    "read; none is shown here.",
  ].join(" ");

function drawChannels(apprise) {
  reconcile(
    at("rows-channels"),
    channels,
    (channel) => channel.name,
    () => {
      const row = el("li");
      const dot = el("span", "dot");
      dot.setAttribute("aria-hidden", "true");
      row.append(dot, el("span", "channel-name"), el("span", "channel-note"));
      return row;
    },
    (row, channel) => {
      const [dot, name, note] = row.children;
      const unused = channel.name === "push"; // nobody switched it on: that is no fault
      dot.dataset.state = channel.ready ? "live" : unused ? "" : "error";
      setText(name, channel.scheme ? `${channel.name} (${channel.scheme})` : channel.name);
      setText(note, channel.ready ? channel.detail || "ready" : channel.detail);
    },
  );
  setText(at("channels-more"), moreChannels(apprise));
  frame.panels.show("channels", "live", { asOf: Date.now() });
}

function drawDead(dead) {
  at("dead-title").hidden = dead.length === 0;
  reconcile(
    at("rows-dead"),
    dead,
    (letter) => letter.id,
    (letter) => {
      const row = el("li");
      const text = el("div");
      text.append(el("p"), el("p", "rule-note"));
      const resend = `/api/alerts/deliveries/${letter.id}/resend`;
      const again = button("Send again", () => act(() => send("POST", resend, {}), "On its way"));
      again.setAttribute("aria-label", `Send again to ${letter.channel}: ${letter.title}`);
      row.append(text, again);
      return row;
    },
    (row, letter) => {
      const [what, note] = row.querySelectorAll("p");
      setText(what, `${letter.title}: ${letter.message}`);
      const tries = format.plural(letter.attempts, "try", "tries");
      const parts = [letter.channel, tries, letter.detail, format.clock(letter.time)];
      setText(note, parts.join(" · "));
    },
  );
}

// --- the page -----------------------------------------------------------------------------------

async function refresh() {
  try {
    const [ruled, sent, dead] = await Promise.all([
      ask("/api/alerts/rules"),
      ask("/api/alerts/channels"),
      ask("/api/alerts/deliveries"),
      loadHistory(),
      push.refresh(),
    ]);
    rules = ruled.data;
    channels = sent.data.channels;
    drawRules();
    drawChannels(sent.data.apprise);
    drawDead(dead.data);
  } catch (error) {
    for (const name of ["history", "rules", "channels"]) {
      if (frame.panels.stateOf(name) === "loading") {
        frame.panels.show(name, "error", { words: `${error.message}. Trying again.` });
      }
    }
  }
}

function refreshSoon() {
  clearTimeout(soon);
  soon = setTimeout(refresh, SOON_MS);
}

function restoreFilters() {
  const params = new URLSearchParams(location.search);
  for (const select of at("history-controls").querySelectorAll("select")) {
    const value = params.get(select.name) ?? "";
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  }
}

function start() {
  restoreFilters();
  at("history-controls").addEventListener("change", () => {
    const params = new URLSearchParams(wanted());
    history.replaceState(null, "", params.size ? `?${params}` : location.pathname);
    rows = [];
    refresh();
  });
  at("history-controls").addEventListener("submit", (event) => event.preventDefault());
  at("history-older").addEventListener("click", loadOlder);
  at("acknowledge-all").addEventListener("click", () =>
    act(() => send("POST", "/api/alerts/acknowledge", {}), "All acknowledged"));
  at("new-rule").addEventListener("click", () => openForm(null));
  frame.menus.offer("history", { rows: () => rows });
  frame.menus.offer("rules", { rows: () => rules });
  frame.menus.offer("channels", { rows: () => channels });
  frame.store.on("alerts", refreshSoon);
  frame.start({
    onSecond: () => {
      seconds += 1;
      if (seconds % REFRESH_S === 0 && !document.hidden) refresh();
    },
  });
  refresh();
}

start();
