// The machine room: facts from the API, state from the live line, the log's tail, and commands.

import { ask, send } from "./api.js";
import { command } from "./control.js";
import { el, reconcile, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { showError } from "./notifications.js";
import * as words from "./system_words.js";

const FACTS_EVERY_S = 5;
const VERIFYING_EVERY_MS = 500;
const TYPING_MS = 250;
const PANELS = ["feeds", "continuity", "tape", "verification", "storage", "versions"];
const NO_LOG = "No line matches. Bot and dashboard write here what they do and what goes wrong.";

const frame = new Frame();
const at = (id) => document.getElementById(id);
let seconds = 0;
let statusMs = Date.now();
let facts = null;
let lines = [];
let cursor = null;
let asked = 0; // the newest question to the log; older answers are dropped

function drawFacts(list, pairs) {
  reconcile(
    list,
    pairs.flatMap(([name, value, title]) => [
      { key: `${name}:`, tag: "dt", text: name },
      { key: name, tag: "dd", text: value, title: title ?? "" },
    ]),
    (item) => item.key,
    (item) => el(item.tag),
    (node, item) => {
      setText(node, item.text);
      if (item.title !== undefined) setTitle(node, item.title);
    },
  );
}

function drawEngine(status) {
  if (!status) return;
  drawFacts(at("facts-engine"), words.engineFacts(status, Date.now() - statusMs));
  for (const [action, able] of Object.entries(words.actionsFor(status))) {
    at("engine-actions").querySelector(`[data-action="${action}"]`).disabled = !able;
  }
  frame.panels.show("engine", "live", { asOf: frame.live.lastHeardMs });
}

function drawFeeds(feeds) {
  reconcile(
    at("rows-feeds"),
    feeds,
    (feed) => feed.id,
    () => {
      const row = el("li");
      const dot = el("span", "dot");
      dot.setAttribute("aria-hidden", "true");
      row.append(dot, el("span"), el("span"), el("span", "reason"));
      return row;
    },
    (row, feed) => {
      const [dot, name, state, reason] = row.children;
      dot.dataset.state = { live: "live", stale: "stale" }[feed.state] ?? "off";
      setText(name, feed.name);
      setText(state, feed.state);
      setText(reason, words.feedText(feed));
    },
  );
}

function drawContinuity(found) {
  drawFacts(at("facts-continuity"), words.continuityFacts(found));
  reconcile(
    at("rows-doubts"),
    words.doubtRows(found),
    (doubt) => doubt.id,
    () => {
      const row = el("li");
      const dot = el("span", "dot");
      dot.setAttribute("aria-hidden", "true");
      row.append(dot, el("span"), el("span"), el("span", "reason"));
      return row;
    },
    (row, doubt) => {
      const [dot, symbol, state, reason] = row.children;
      dot.dataset.state = doubt.dot;
      setText(symbol, doubt.symbol);
      setText(state, doubt.state);
      setText(reason, doubt.reason);
      setTitle(row, format.utc(doubt.since));
    },
  );
}

function drawStorage(sizes) {
  const list = at("facts-storage");
  list.querySelector(".bar")?.remove();
  drawFacts(list, words.storageFacts(sizes));
  const quota = words.quotaShare(sizes);
  if (!quota) return;
  const bar = el("div", "bar");
  bar.dataset.level = quota.level;
  bar.setAttribute("aria-hidden", "true");
  const fill = el("span");
  fill.style.width = `${(100 * quota.share).toFixed(1)}%`;
  bar.append(fill);
  const market = [...list.children].findIndex((node) => node.textContent === "Market data");
  list.children[market + 1].after(bar);
}

function drawVerdict(found) {
  const said = words.verdict(found);
  const node = at("verdict");
  node.dataset.state = found.state;
  node.querySelector(".dot").dataset.state = said.dot;
  const field = (name) => node.querySelector(`[data-field="${name}"]`);
  setText(field("title"), said.title);
  setText(field("text"), said.text);
  reconcile(
    field("differences"),
    said.differences,
    (text) => text,
    () => el("li"),
    (row, text) => setText(row, text),
  );
  at("verify-now").disabled = found.state === "running";
}

function drawAll(data) {
  drawFeeds(data.feeds);
  drawContinuity(data.continuity);
  drawFacts(at("facts-tape"), words.tapeFacts(data));
  drawStorage(data.sizes);
  drawFacts(at("facts-versions"), words.versionFacts(data));
  drawVerdict(data.verification);
  const asOf = Date.now();
  for (const name of PANELS) frame.panels.show(name, "live", { asOf });
  const quiet = "No feed has spoken yet. Sources appear here when the bot listens to them.";
  if (data.feeds.length === 0) frame.panels.show("feeds", "empty", { words: quiet, asOf });
}

async function refresh() {
  try {
    const { data } = await ask("/api/system");
    const wasRunning = facts?.verification.state === "running";
    facts = data;
    drawAll(data);
    if (data.verification.state === "running" && !wasRunning) followVerification();
  } catch (error) {
    for (const name of PANELS) {
      if (!facts) frame.panels.show(name, "error", { words: `${error.message}. Trying again.` });
    }
  }
}

async function followVerification() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, VERIFYING_EVERY_MS));
    try {
      const { data } = await ask("/api/system/verify");
      if (facts) facts.verification = data;
      drawVerdict(data);
      if (data.state !== "running") return;
    } catch {
      return; // the next refresh takes it up again
    }
  }
}

async function verifyNow() {
  at("verify-now").disabled = true;
  try {
    const { data } = await send("POST", "/api/system/verify", {});
    if (facts) facts.verification = data;
    drawVerdict(data);
    await followVerification();
  } catch (error) {
    showError(`Not verified: ${error.message}`);
    at("verify-now").disabled = false;
  }
}

// --- the log --------------------------------------------------------------------------------

function chosen() {
  return Object.fromEntries(new FormData(at("log-controls")));
}

function drawLog() {
  reconcile(
    at("rows-log"),
    lines,
    (line) => line.id,
    (line) => {
      const row = el("li", "log-line");
      const level = el("span", "log-level", line.level);
      level.dataset.level = line.level;
      const event = el("span", "log-event", line.event);
      const more = words.moreText(line.more);
      if (more) event.append(" ", el("span", "log-more", more));
      row.append(el("span", "log-time"), level, el("span", "log-source", line.source), event);
      return row;
    },
    (row, line) => {
      setText(row.firstElementChild, format.clock(line.time));
      setTitle(row.firstElementChild, format.utc(line.time));
    },
  );
  at("log-older").hidden = cursor === null;
  // the controls stand in this panel, so an empty log is said in the list and hides nothing
  if (lines.length === 0) at("rows-log").replaceChildren(el("li", "log-line", NO_LOG));
  frame.panels.show("log", "live", { asOf: Date.now() });
}

async function readLog({ older = false } = {}) {
  const mine = ++asked;
  try {
    const found = await ask(words.logQuery(chosen(), older ? cursor : null));
    if (mine !== asked) return;
    const known = new Set(lines.map((line) => line.id));
    if (older) {
      lines = [...lines, ...found.data.filter((line) => !known.has(line.id))];
      cursor = found.next_cursor;
    } else {
      lines = found.data;
      cursor = found.next_cursor;
    }
    drawLog();
  } catch (error) {
    if (mine !== asked) return;
    const text = `The log could not be read: ${error.message}`;
    if (lines.length === 0) frame.panels.show("log", "error", { words: text });
  }
}

// New lines are fetched only while nobody has scrolled down or asked for older ones.
function atTheTop() {
  return at("rows-log").scrollTop < 8 && lines.length <= 100 && !document.hidden;
}

function start() {
  frame.store.on("status", (status) => {
    statusMs = Date.now();
    drawEngine(status);
  });
  at("verify-now").addEventListener("click", verifyNow);
  at("engine-actions").addEventListener("click", (event) => {
    const { action } = event.target.closest("button")?.dataset ?? {};
    if (action) command(action);
  });
  let typing = 0;
  at("log-controls").addEventListener("submit", (event) => event.preventDefault());
  at("log-controls").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(readLog, TYPING_MS);
  });
  at("log-older").addEventListener("click", () => readLog({ older: true }));
  frame.menus.offer("feeds", { rows: () => facts.feeds });
  frame.menus.offer("log", { rows: () => lines });
  frame.menus.offer("verification", { rows: () => [facts.verification] });
  frame.start({
    filter: at("log-controls").elements.q,
    onSecond() {
      seconds += 1;
      drawEngine(frame.store.state.status);
      if (seconds % FACTS_EVERY_S || document.hidden) return;
      refresh();
      if (atTheTop()) readLog();
    },
  });
  refresh();
  readLog();
}

start();
