// The markets page: every book live, in groups, and all that is known of the one that is open.

import { ask } from "./api.js";
import { without } from "./csv.js";
import { Drawer, sectionNode } from "./drawer.js";
import { el, setText } from "./dom.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { drawDepth } from "./market_depth.js";
import { isMarketFiltered, listed, marketsAddress, readMarketFilter } from "./market_list.js";
import { bookSection, marketSections, marketTitle } from "./market_story.js";
import { drawBooks } from "./market_table.js";
import { EMPTY } from "./words.js";

const MS_PER_NS = 1e-6;
const ABOUT_MS = 500; // markets that are listed together are asked for together
const DETAIL_MS = 1000; // the open market's trades and signals, at most this often
const DEPTH_MS = 700; // the bot writes levels and prints twice a second
const TYPING_MS = 150;

const frame = new Frame();
const form = document.getElementById("filter");
const table = document.getElementById("books");
const abouts = new Map(); // what /api/markets says, by id
const groups = {};
let filter = readMarketFilter(location.search);
let entries = [];
let current = null; // the market that the keyboard is at
let asked = false;
let drawing = 0;
let typingTimer = 0;
let aboutTimer = 0;
let detailTimer = 0;
let depthTimer = 0;

const drawer = new Drawer(document.getElementById("drawer"), { onClose: () => open(null) });

// --- the list -----------------------------------------------------------------------------------

// The time it is in the markets: now, or in a replay the time of the newest price.
function engineMs() {
  const { status, market } = frame.store.state;
  if (status?.mode !== "REPLAY") return Date.now() + frame.skewMs;
  return Math.max(0, ...market.map((row) => (row.ts_ns ?? 0) * MS_PER_NS));
}

function mark() {
  drawing ||= requestAnimationFrame(draw);
}

function draw() {
  drawing = 0;
  const rows = frame.store.state.market;
  entries = listed(rows, filter, { abouts, groups });
  const clock = { nowMs: Date.now(), engineMs: engineMs() };
  const addressOf = (id) => marketsAddress("/markets", filter, id);
  drawBooks(table, entries, rows, clock, { addressOf, openId: drawer.id, currentId: current });
  const count = entries.reduce((sum, entry) => sum + entry.markets.length, 0);
  if (count > 0) frame.panels.show("books", "live");
  else if (!frame.store.state.status) frame.panels.show("books", "loading");
  else {
    const none = "No market fits this filter. Take a word away, or clear it.";
    frame.panels.show("books", "empty", { words: isMarketFiltered(filter) ? none : EMPTY.markets });
  }
  const words = count > 0 ? format.plural(count, "market", "markets") : "";
  setText(document.getElementById("list-foot"), words);
  drawBook(clock.nowMs);
}

function scheduleAbouts(ms = ABOUT_MS) {
  aboutTimer ||= setTimeout(readAbouts, ms); // never put off: prices come all the time
}

async function readAbouts() {
  aboutTimer = 0;
  try {
    const { data, groups: found } = await ask("/api/markets?state=open&limit=1000");
    for (const row of data) abouts.set(row.id, row);
    Object.assign(groups, found);
    asked = true;
    mark();
  } catch {
    scheduleAbouts(5000);
  }
}

// --- the filter ---------------------------------------------------------------------------------

function fillForm() {
  const venues = [...new Set(frame.store.state.market.map((row) => row.venue))];
  if (filter.venue) venues.push(filter.venue);
  const select = form.elements.venue;
  const names = [...new Set(venues)].sort();
  if (names.join() !== [...select.options].slice(1).map((option) => option.value).join()) {
    select.replaceChildren(select.options[0], ...names.map((name) => el("option", "", name)));
  }
  for (const name of ["q", "venue", "state"]) {
    const field = form.elements[name];
    if (document.activeElement !== field) field.value = filter[name] ?? "";
  }
  document.getElementById("filter-clear").hidden = !isMarketFiltered(filter);
}

function apply() {
  clearTimeout(typingTimer);
  filter = readMarketFilter(`?${new URLSearchParams(new FormData(form))}`);
  history.replaceState(null, "", marketsAddress("/markets", filter, drawer.id));
  fillForm();
  mark();
}

function listenToForm() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
  });
  form.addEventListener("input", () => {
    clearTimeout(typingTimer);
    typingTimer = setTimeout(apply, TYPING_MS);
  });
  document.getElementById("filter-clear").addEventListener("click", () => {
    for (const name of ["q", "venue", "state"]) form.elements[name].value = "";
    apply();
    form.elements.q.focus();
  });
}

// --- the open market ----------------------------------------------------------------------------

function open(id) {
  const address = marketsAddress("/markets", filter, id);
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  show(id);
}

function show(id) {
  if (id) {
    current = id;
    drawer.open(id, abouts.has(id) ? marketTitle(abouts.get(id)) : "Market");
    readDetail();
  } else if (drawer.id !== null) {
    drawer.close();
    draw();
    table.querySelector("tbody.current .row-link")?.focus();
  }
  mark();
}

async function readDetail() {
  clearTimeout(detailTimer);
  detailTimer = 0;
  const { id } = drawer;
  if (id === null) return;
  try {
    const { data } = await ask(`/api/markets/detail?id=${encodeURIComponent(id)}`);
    if (drawer.id !== id) return;
    const place = drawer.body.scrollTop;
    const book = el("div", "drawer-book");
    const link = el("a", "story-link", "All our trades here");
    link.href = `/trades?${new URLSearchParams({ q: data.market.id })}`;
    const depth = el("div", "drawer-depth");
    const sections = marketSections(data).map(sectionNode);
    drawer.show(marketTitle(data.market), [book, depth, ...sections, link]);
    drawDepth(depth, data.depth);
    scheduleDepth();
    drawBook(Date.now(), data.books);
    drawer.body.scrollTop = place;
  } catch (error) {
    if (drawer.id !== id || error.status !== 404) {
      if (drawer.id === id) scheduleDetail();
      return;
    }
    drawer.fail("There is no such market in this run.");
  }
}

function scheduleDepth() {
  clearTimeout(depthTimer);
  if (drawer.id !== null) depthTimer = setTimeout(readDepth, DEPTH_MS);
}

async function readDepth() {
  const { id } = drawer;
  if (id === null) return;
  const running = frame.store.state.status?.bot.state === "running";
  try {
    if (running && !document.hidden) {
      const { data } = await ask(`/api/markets/depth?id=${encodeURIComponent(id)}`);
      const place = drawer.body.querySelector(".drawer-depth");
      if (drawer.id === id && place) drawDepth(place, data);
    }
  } catch {
    // what is shown stays, the books above say how old they are
  }
  scheduleDepth();
}

// The live part of the drawer: the books as the line brings them.
function drawBook(nowMs, known = []) {
  const place = drawer.id === null ? null : drawer.body.querySelector(".drawer-book");
  if (!place) return;
  const about = abouts.get(drawer.id);
  const live = frame.store.state.market.filter((row) => (row.market || row.symbol) === drawer.id);
  const rows = live.length > 0 ? live : known;
  if (rows.length === 0) return;
  if (about) rows.sort((a, b) => about.symbols.indexOf(a.symbol) - about.symbols.indexOf(b.symbol));
  const section = bookSection(rows, nowMs);
  const text = JSON.stringify(section);
  if (place.dataset.text === text) return;
  place.dataset.text = text;
  place.replaceChildren(sectionNode(section));
}

function scheduleDetail() {
  if (drawer.id !== null) detailTimer ||= setTimeout(readDetail, DETAIL_MS);
}

// --- rows, clicks and the line ------------------------------------------------------------------

function move(step) {
  const ids = entries.flatMap((entry) => entry.markets.map((tile) => tile.key));
  if (ids.length === 0) return;
  const place = ids.indexOf(current);
  const next = place < 0 ? 0 : Math.min(ids.length - 1, Math.max(0, place + step));
  current = ids[next];
  draw();
  table.querySelector("tbody.current .row-link")?.focus();
}

function listen() {
  table.addEventListener("click", (event) => {
    const body = event.target.closest("tbody.book");
    if (!body || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (String(getSelection()) !== "" && !event.target.closest("a")) return;
    event.preventDefault();
    open(body.dataset.key);
  });
  addEventListener("popstate", () => {
    filter = readMarketFilter(location.search);
    fillForm();
    show(new URLSearchParams(location.search).get("market"));
  });
  frame.store.on("market", (rows, delta) => {
    const now = Date.now();
    for (const row of delta ?? rows) row.seenMs = now - (row.age_ms ?? 0);
    const open = rows.filter((row) => row.market && row.state !== "settled");
    const unknown = open.some((row) => !abouts.has(row.market));
    if (!asked || unknown || delta === null) scheduleAbouts();
    fillForm();
    mark();
  });
  for (const topic of ["trades", "activity"]) frame.store.on(topic, scheduleDetail);
  frame.store.on("status", mark);
}

fillForm();
listenToForm();
listen();
const listedTiles = () => entries.flatMap(({ markets }) => markets);
frame.menus.offer("books", {
  rows: () => without(listedTiles().flatMap(({ rows }) => rows), "seenMs"),
});
frame.start({
  filter: form.elements.q,
  move,
  onSecond: () => {
    frame.panels.confirm(["books"], frame.live.lastHeardMs);
    mark();
  },
});
show(new URLSearchParams(location.search).get("market"));
