// The journal page: the list of trades, the entry of the chosen one, and going through them by key.

import { ask } from "./api.js";
import { el, reconcile, setText, setTitle } from "./dom.js";
import { Frame } from "./frame.js";
import { JournalForm } from "./journal_form.js";
import * as words from "./journal_words.js";
import { drawSpark } from "./sparkline.js";
import { readQuery, writeQuery } from "./url_query.js";

const PAGE_ROWS = 50;
const REFRESH_MS = 30_000;
const NEWS_MS = 1000; // after a trade, so that a burst is one question
const TYPING_MS = 250;
const AGAIN_MS = 300; // while the dashboard still reads the ledger
const LOOKS_MAX = 25; // further back by itself, 2,000 trades each; then by the button
const KEPT_ROWS_MAX = 1000; // of one long list; filters find the rest

const frame = new Frame();
const at = (id) => document.getElementById(id);
const form = new JournalForm(at("entry-form"), saved);
let query = readQuery(location.search, words.KNOWN);
let rows = [];
let cursor = null;
let asked = 0; // the newest question for the list; older answers are dropped
let linked = false; // whether the trade that the address names was looked for
let looks = 0; // pages asked for by itself since the list was begun
let newsTimer = 0;
let lastMs = 0; // of the newest answer
let triedMs = 0; // of the newest question: a slow answer is not asked for again and again

const chosen = () => rows.find((row) => row.id === query.trade) ?? null;

// --- the list -------------------------------------------------------------------------------

function createRow() {
  const row = el("li");
  const button = el("button", "trade-line");
  button.type = "button";
  const [market, pnl] = [el("span", "line-market"), el("span", "line-pnl number")];
  const [when, mark] = [el("span", "line-when"), el("span", "line-mark")];
  button.append(market, pnl, when, mark);
  row.append(button);
  return row;
}

function drawRow(row, trade) {
  const said = words.rowWords(trade);
  const button = row.firstElementChild;
  const [market, pnl, when, mark] = button.children;
  setText(market, [said.market, said.outcomes].filter(Boolean).join(" · "));
  setTitle(market, market.textContent);
  pnl.className = `line-pnl number ${said.tone}`;
  setText(pnl, said.arrow ? `${said.arrow} ${said.pnl}` : said.pnl);
  setText(when, `${said.when} · ${said.strategy}`);
  setText(mark, said.mark);
  mark.dataset.rated = said.rated ? "yes" : "no";
  const current = trade.id === query.trade;
  if (current) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

function drawList() {
  reconcile(at("rows-journal"), rows, (row) => row.id, createRow, drawRow);
  at("journal-more").hidden = cursor === null || rows.length >= KEPT_ROWS_MAX;
  const empty = rows.length === 0;
  at("journal-empty").hidden = !empty;
  setText(at("journal-empty"), words.emptyWords(query, frame.store.state.status?.bot.state));
  frame.panels.show("journal", "live", { asOf: lastMs });
  for (const link of document.querySelectorAll("[data-export]")) {
    const filter = words.filterQuery(query);
    link.href = `/api/export/journal?format=${link.dataset.export}${filter ? `&${filter}` : ""}`;
  }
}

// mode: "new" replaces the list, "fresh" keeps what is there in its place, "more" goes on below
async function load(mode) {
  const mine = ++asked;
  triedMs = Date.now();
  const filter = words.filterQuery(query);
  const from = mode === "more" ? `&cursor=${cursor}` : "";
  try {
    const found = await ask(`/api/journal/trades?limit=${PAGE_ROWS}&${filter}${from}`);
    if (mine !== asked) return;
    lastMs = Date.now();
    const begun = mode === "new" || rows.length === 0 || words.isGap(rows, found);
    if (begun) rows = words.withChosen(found.data, mode === "new" ? null : chosen());
    else if (mode === "more") rows = words.withMore(rows, found.data);
    else rows = words.mergeRows(rows, found.data);
    if (begun || mode === "more") cursor = found.next_cursor;
    drawList();
    drawEntry();
    looks = mode === "more" ? looks + 1 : 0;
    const short = rows.length < PAGE_ROWS && cursor !== null && looks < LOOKS_MAX;
    if (found.catching_up) setTimeout(() => load("new"), AGAIN_MS);
    else if (short && mode !== "fresh") load("more"); // a filter that fits little
    else if (!linked) bringLinked();
  } catch (error) {
    if (mine !== asked) return;
    if (rows.length === 0) {
      frame.panels.show("journal", "error", { words: `${error.message}. Trying again.` });
      frame.panels.show("entry", "empty", { words: "Waits for the list of trades." });
    }
    setTimeout(() => mine === asked && load("fresh"), REFRESH_MS / 6);
  }
}

// The trade that a link names may be far down the list: then it is asked for by itself.
async function bringLinked() {
  linked = true;
  if (!query.trade || chosen()) return;
  try {
    const { data } = await ask(`/api/journal/trades/${encodeURIComponent(query.trade)}`);
    rows = words.withMore(rows, [data]);
    drawList();
    drawEntry();
  } catch {
    drawEntry(); // no such trade here: the page says to choose one
  }
}

// --- the entry ------------------------------------------------------------------------------

let drawnKey = "";

function drawFacts(list, facts) {
  reconcile(
    list,
    facts.flatMap(([name, value, title, tone]) => [
      { key: `${name}:`, tag: "dt", text: name, title: "", tone: "" },
      { key: name, tag: "dd", text: value, title: title ?? "", tone: tone ?? "" },
    ]),
    (item) => item.key,
    (item) => el(item.tag),
    (node, item) => {
      setText(node, item.text);
      setTitle(node, item.title);
      node.className = item.tone;
    },
  );
}

function drawEntry() {
  const trade = chosen();
  at("entry").hidden = !trade;
  at("entry-none").hidden = Boolean(trade);
  frame.panels.show("entry", "live", { asOf: lastMs });
  if (!trade) return;
  drawFacts(at("entry-facts"), words.factsOf(trade));
  form.show(trade);
  const key = `${trade.id} ${trade.state}`;
  if (drawnKey === key) return;
  drawnKey = key;
  drawBook(trade);
  drawMarks(trade);
}

async function drawMarks(trade) {
  const list = at("entry-marks");
  const chart = at("entry-chart");
  chart.toggleAttribute("hidden", true);
  drawFacts(list, words.excursionFacts(null, trade));
  try {
    const path = `/api/journal/trades/${encodeURIComponent(trade.id)}/marks`;
    const { data } = await ask(path);
    if (trade.id !== query.trade) return;
    drawFacts(list, words.excursionFacts(data, trade));
    chart.toggleAttribute("hidden", data.points.length < 2);
    drawSpark(chart, data.points.map((point) => point.price));
  } catch {
    drawnKey = ""; // the next look asks again
  }
}

async function drawBook(trade) {
  const body = at("entry-book");
  body.replaceChildren();
  at("entry-book-box").hidden = true;
  try {
    const { data } = await ask(`/api/trades/${encodeURIComponent(trade.id)}`);
    if (trade.id !== query.trade) return;
    const lines = words.bookRows(data.story, trade);
    at("entry-book-box").hidden = lines.length === 0;
    for (const line of lines) {
      const row = el("tr");
      for (const name of ["outcome", "price", "quantity", "seen", "age"]) {
        row.append(el("td", name === "outcome" ? "" : "number", line[name]));
      }
      body.append(row);
    }
  } catch {
    drawnKey = ""; // the next look asks again
  }
}

function choose(id, { focusRow = false } = {}) {
  if (id === null || id === query.trade) return;
  query = { ...query, trade: id };
  keepAddress();
  drawList();
  drawEntry();
  const row = at("rows-journal").querySelector(`[data-key="${CSS.escape(id)}"] button`);
  row?.scrollIntoView({ block: "nearest" });
  if (focusRow) row?.focus({ preventScroll: true });
}

function saved(id, entry) {
  rows = rows.map((row) => (row.id === id ? { ...row, entry } : row));
  drawList();
}

// --- filter, keys, news ---------------------------------------------------------------------

function keepAddress() {
  history.replaceState(null, "", location.pathname + writeQuery(query, words.KNOWN));
}

function fillControls() {
  const { elements } = at("journal-controls");
  for (const name of ["q", "show", "strategy", "rating", "tag"]) {
    elements[name].value = query[name] ?? "";
  }
}

function refilter() {
  const data = Object.fromEntries(new FormData(at("journal-controls")));
  query = { ...query, ...data };
  keepAddress();
  at("rows-journal").scrollTop = 0;
  load("new");
}

function startReview() {
  at("journal-controls").elements.show.value = "review";
  refilter();
  at("rows-journal").focus();
}

function learnStrategies(list) {
  const select = at("journal-controls").elements.strategy;
  const known = new Set([...select.options].map((option) => option.value));
  for (const { strategy } of list) {
    if (!known.has(strategy)) select.append(new Option(strategy, strategy));
  }
  if (select.value !== (query.strategy ?? "")) select.value = query.strategy ?? "";
}

function move(step) {
  choose(words.step(rows, query.trade, step), { focusRow: true });
}

function rate({ key }) {
  if (!chosen()) return false;
  form.rate(Number(key));
  return true;
}

function write({ target }) {
  if (!chosen() || target.tagName === "A") return false;
  const line = target.closest?.(".trade-line");
  if (target.closest?.("button") && !line?.hasAttribute("aria-current")) return false;
  form.focus();
  return true;
}

function listen() {
  frame.store.on("strategies", learnStrategies);
  frame.store.on("trades", (_, delta) => {
    if (!delta?.length || newsTimer) return;
    newsTimer = setTimeout(() => {
      newsTimer = 0;
      load("fresh");
    }, NEWS_MS);
  });
  at("rows-journal").addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (!row) return;
    choose(row.dataset.key);
    if (matchMedia("(max-width: 1099px)").matches) at("panel-entry").scrollIntoView();
  });
  let typing = 0;
  at("journal-controls").addEventListener("submit", (event) => event.preventDefault());
  at("journal-controls").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(refilter, TYPING_MS);
  });
  at("journal-review").addEventListener("click", startReview);
  at("journal-more").addEventListener("click", () => {
    looks = 0;
    load("more");
  });
}

function start() {
  if (query.strategy) learnStrategies([{ strategy: query.strategy }]);
  fillControls();
  listen();
  frame.menus.offer("journal", { rows: () => rows });
  frame.menus.offer("entry", { rows: () => (chosen() ? [chosen()] : []) });
  frame.start({
    filter: at("journal-controls").elements.q,
    move,
    more: [
      ...["1", "2", "3", "4", "5"].map((key) => [key, `rate ${key}`, rate]),
      ["Enter", "write the entry", write],
    ],
    onSecond() {
      if (!document.hidden && Date.now() - triedMs > REFRESH_MS) load("fresh");
      frame.panels.confirm(["journal", "entry"], frame.live.lastHeardMs);
    },
  });
  load("new");
}

start();
