// The trades page: filter, long table, and the story of the trade that is open.

import { ask } from "./api.js";
import { Drawer, sectionNode } from "./drawer.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { bookNode } from "./market_depth.js";
import { learnMarkets } from "./names.js";
import { FIELDS, isFiltered, pageAddress, query, readFilter } from "./trade_filter.js";
import { TradeList } from "./trade_list.js";
import { storySections, storyTitle } from "./trade_story.js";
import { TradeTable } from "./trade_table.js";
import { noTrades } from "./words.js";

const TYPING_MS = 250; // after the last key before the list is asked for
const NEWS_MS = 100; // trades that come together are asked for together

const frame = new Frame();
const list = new TradeList(askTrades);
const form = document.getElementById("filter");
const pill = document.getElementById("new-trades");
const foot = document.getElementById("list-foot");
let filter = readFilter(location.search);
let newsTimer = 0;
let typingTimer = 0;
let bookId = null; // which ledger and account the list is of
let failedMs = 0; // when the last page did not come

const drawer = new Drawer(document.getElementById("drawer"), { onClose: () => openTrade(null) });
const table = new TradeTable(document.getElementById("trades-scroll"), {
  addressOf: (id) => pageAddress("/trades", filter, id),
  onEnd: () => more(),
  onScroll: () => list.fresh.length > 0 && table.atTop && takeNews(),
});

// A page of trades brings the questions of its markets, also of those that ended long ago.
async function askTrades(path) {
  const answer = await ask(path);
  const questions = Object.entries(answer.questions ?? {});
  learnMarkets(questions.map(([market, question]) => ({ market, question })));
  return answer;
}

// --- the list -----------------------------------------------------------------------------------

async function reload() {
  clearTimeout(newsTimer);
  newsTimer = 0;
  table.current = -1;
  table.toTop();
  const opening = list.open(filter);
  draw();
  await opening;
  if (list.state === "ready" && list.rows.length === 0) lookOn();
  else draw();
}

async function more() {
  if (list.done || list.state === "loading" || Date.now() - failedMs < 2000) return;
  const before = list.rows.length;
  const came = await list.more();
  if (list.state === "error") failedMs = Date.now();
  if (came && list.rows.length !== before) draw();
  else drawFoot();
  if (came && list.rows.length === 0) lookOn();
}

// The server looked at many trades and none fitted: there may still be one further on.
function lookOn() {
  draw();
  if (!list.done) setTimeout(more, 0);
}

function scheduleNews() {
  newsTimer ||= setTimeout(readNews, NEWS_MS); // never put off, however many come
}

async function readNews() {
  newsTimer = 0;
  if (list.state === "error") {
    await reload();
    return;
  }
  try {
    await list.news();
  } catch {
    return; // the line above the page says that nobody answers; the next news brings these too
  }
  if (list.fresh.length > 0 && table.atTop && document.activeElement?.className !== "row-link") {
    takeNews();
  } else draw();
}

function takeNews() {
  const taken = list.take();
  table.shift(taken.length);
  draw();
  table.flash(taken);
}

function draw() {
  const { rows, state } = list;
  table.set(rows, list.done ? rows.length + 1 : null, drawer.id);
  const held = list.fresh.length;
  pill.hidden = held === 0;
  setText(pill, `${format.plural(held, "new trade", "new trades")} ↑`);
  if (state === "error" && rows.length === 0) {
    frame.panels.show("list", "error", { words: `The trades did not come: ${list.problem}` });
  } else if (rows.length > 0) {
    frame.panels.show("list", "live", { asOf: frame.live.lastHeardMs });
  } else if (state === "loading" || !list.done || !frame.store.state.status) {
    frame.panels.show("list", "loading");
  } else {
    const words = isFiltered(filter)
      ? "No trade fits this filter. Take a word away, or clear it."
      : noTrades(frame.store.state, (iso) => `at ${format.clock(iso)}`);
    frame.panels.show("list", "empty", { words, asOf: frame.live.lastHeardMs });
  }
  drawFoot();
}

function drawFoot() {
  const count = format.plural(list.rows.length, "trade", "trades");
  let words = `${count} read, more below`;
  if (list.state === "error") words = `${count} read; the rest did not come: ${list.problem}`;
  else if (list.state === "loading") words = "Looking …";
  else if (list.rows.length === 0 && !list.done) words = "Looking further …";
  else if (list.done) words = isFiltered(filter) ? `${count} fit the filter` : `${count}, all`;
  setText(foot, words);
}

// --- the filter ---------------------------------------------------------------------------------

function fillForm() {
  for (const name of FIELDS) {
    const field = form.elements[name];
    if (name === "strategy") offer(field, filter.strategy);
    if (document.activeElement !== field) field.value = filter[name] ?? "";
  }
  for (const link of form.querySelectorAll("[data-format]")) {
    link.href = `/api/export/trades?${query(filter, { format: link.dataset.format })}`;
  }
  document.getElementById("filter-clear").hidden = !isFiltered(filter);
  form.elements.sort.value = filter.sort;
  const oldest = filter.sort === "time";
  const head = document.getElementById("sort-time");
  head.closest("th").setAttribute("aria-sort", oldest ? "ascending" : "descending");
  setText(head.querySelector(".arrow"), oldest ? "▲" : "▼");
}

// The strategies that are known, and the one asked for even if nobody knows it.
function offer(select, asked) {
  const known = frame.store.state.strategies.map((row) => row.strategy);
  const names = [...new Set([...known, ...(asked ? [asked] : [])])].sort();
  const shown = [...select.options].slice(1).map((option) => option.value);
  if (names.join("\n") === shown.join("\n")) return;
  const kept = select.value;
  select.replaceChildren(select.options[0], ...names.map((name) => el("option", "", name)));
  select.value = names.includes(kept) ? kept : (asked ?? "");
}

function readForm() {
  const params = new URLSearchParams();
  for (const name of FIELDS) params.set(name, form.elements[name].value);
  params.set("sort", form.elements.sort.value);
  return readFilter(`?${params}`);
}

function apply(wanted) {
  if (pageAddress("", wanted) === pageAddress("", filter)) return;
  filter = wanted;
  history.replaceState(null, "", pageAddress("/trades", filter, drawer.id));
  fillForm();
  reload();
}

function listenToForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(typingTimer);
    apply(readForm());
  });
  form.addEventListener("input", () => {
    clearTimeout(typingTimer);
    typingTimer = setTimeout(() => apply(readForm()), TYPING_MS);
  });
  document.getElementById("filter-clear").addEventListener("click", () => {
    clearTimeout(typingTimer);
    form.reset();
    for (const name of FIELDS) form.elements[name].value = "";
    apply({ sort: filter.sort });
    form.elements.q.focus();
  });
  document.getElementById("filter-more").addEventListener("click", ({ currentTarget }) => {
    const shown = form.dataset.more !== "yes";
    form.dataset.more = shown ? "yes" : "no";
    currentTarget.setAttribute("aria-expanded", String(shown));
    setText(currentTarget, shown ? "Less" : "More");
  });
  document.getElementById("sort-time").addEventListener("click", () => {
    apply({ ...filter, sort: filter.sort === "time" ? "-time" : "time" });
  });
}

// --- the open trade -----------------------------------------------------------------------------

function openTrade(id) {
  const address = pageAddress("/trades", filter, id);
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  showTrade(id);
}

async function showTrade(id) {
  if (!id) {
    const last = drawer.id;
    drawer.close();
    draw();
    if (last) table.focusRow(last);
    return;
  }
  const known = list.rows.find((row) => row.id === id);
  drawer.open(id, known ? storyTitle(known) : "Trade");
  draw();
  try {
    const { data } = await ask(`/api/trades/${encodeURIComponent(id)}`);
    if (drawer.id !== id) return;
    const [first, ...rest] = storySections(data).map(sectionNode);
    const met = el("div", "drawer-depth");
    drawer.show(storyTitle(data.trade), [first, met, ...rest]);
    if (data.trade.kind === "fill") showBook(id, met);
  } catch (error) {
    if (drawer.id !== id) return;
    const gone = `There is no trade ${id} on this ledger.`;
    drawer.fail(error.status === 404 ? gone : `It did not come: ${error.message}`);
  }
}

// The whole book that the order met, from the recorded market data, where it is still kept.
async function showBook(id, place) {
  try {
    const { data } = await ask(`/api/trades/${encodeURIComponent(id)}/book`);
    if (drawer.id !== id) return;
    const title = "The whole book that it met";
    const words = `Not known: ${data.why}.`;
    const node = data.available ? bookNode(data, title) : sectionNode({ title, words, facts: [] });
    place.append(node);
  } catch (error) {
    if (drawer.id === id) place.append(el("p", "story-words", `The book: ${error.message}`));
  }
}

function listenToRows() {
  document.getElementById("rows-trades").addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-key]");
    if (!row || row.classList.contains("spacer")) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    if (String(getSelection()) !== "" && !event.target.closest("a")) return;
    event.preventDefault();
    table.current = Number(row.getAttribute("aria-rowindex")) - 2;
    openTrade(row.dataset.key);
  });
  pill.addEventListener("click", () => {
    table.toTop();
    takeNews();
  });
}

// --- the line ----------------------------------------------------------------------------------

function listenToLine() {
  frame.store.on("trades", scheduleNews);
  frame.store.on("status", (status) => {
    const book = `${frame.store.ledgerId} ${status?.account}`; // another one has other trades
    if (bookId !== null && bookId !== book) reload();
    bookId = book;
  });
  frame.store.on("strategies", () => offer(form.elements.strategy, filter.strategy));
  frame.store.on("market", (_, delta) => delta === null && draw());
  addEventListener("popstate", () => {
    const wanted = readFilter(location.search);
    const changed = pageAddress("", wanted) !== pageAddress("", filter);
    filter = wanted;
    fillForm();
    if (changed) reload();
    showTrade(new URLSearchParams(location.search).get("trade"));
  });
}

function start() {
  fillForm();
  listenToForm();
  listenToRows();
  listenToLine();
  frame.menus.offer("list", { rows: () => list.rows });
  frame.start({
    filter: form.elements.q,
    move: (step) => table.move(step),
    onSecond: () => {
      frame.panels.confirm(["list"], frame.live.lastHeardMs);
      if (list.state === "error" && Date.now() - failedMs > 5000) scheduleNews();
    },
  });
  reload();
  const asked = new URLSearchParams(location.search).get("trade");
  if (asked) showTrade(asked);
}

start();
