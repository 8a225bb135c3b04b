// The backtests page: the list, one run, two side by side, and new ones from a form.

import { ask } from "./api.js";
import { BacktestCompare } from "./backtest_compare.js";
import { BacktestForm } from "./backtest_form.js";
import { BacktestJobs } from "./backtest_jobs.js";
import { BacktestRun } from "./backtest_run.js";
import * as words from "./backtest_words.js";
import { el, reconcile, setSigned, setText, setTitle } from "./dom.js";
import * as format from "./format.js";
import { Frame } from "./frame.js";
import { Refresher } from "./refresher.js";
import { readQuery, writeQuery } from "./url_query.js";

const EVERY_MS = 15_000;
const TYPING_MS = 200;
const PICKED_MAX = 2;
const SHOWN = 500; // rows of the list; a filter finds the others
const SORTS = ["-created_at", "created_at", ...words.COLUMNS.slice(1).flatMap((c) => [c, `-${c}`])];
const KNOWN = { sort: SORTS, strategy: null, q: null, run: null, a: null, b: null };
const NONE =
  "No backtest yet. Start one below, or with “papertape backtest --strategy momentum --data " +
  "RECORDING”; each run is listed here.";
const NO_MATCH = "No backtest fits this filter.";

const get = (id) => document.getElementById(id);
const frame = new Frame();
const picked = [];
let query = readQuery(location.search, KNOWN);
let rows = [];
let typing = 0;

const refresher = new Refresher({
  path: () => `${words.listPath(query)}&limit=${SHOWN}`,
  everyMs: EVERY_MS,
  onData(data, answer) {
    rows = data;
    drawList(answer);
    compare.offer(rows);
  },
  onError(error) {
    if (rows.length > 0) return; // what is on the page grows old, and says so
    const said = `The list did not come: ${error.message}. Trying again.`;
    frame.panels.show("runs", "error", { words: said });
  },
});
const run = new BacktestRun(frame);
const compare = new BacktestCompare(frame, (change) => go({ ...query, ...change }));
const jobs = new BacktestJobs(frame, {
  onOver: () => refresher.soon(),
  onOpen: (id) => go({ ...query, run: id }),
});
const form = new BacktestForm(frame, { onStarted: () => jobs.now() });

// --- where we are -------------------------------------------------------------------------------

function go(next, { replace = false } = {}) {
  query = next;
  const address = location.pathname + writeQuery(query, KNOWN);
  if (replace) history.replaceState(null, "", address);
  else if (address !== location.pathname + location.search) history.pushState(null, "", address);
  show();
}

function view() {
  if (query.run) return "run";
  return query.a && query.b ? "compare" : "list";
}

function show() {
  const now = view();
  for (const name of ["list", "run", "compare"]) get(`view-${name}`).hidden = name !== now;
  if (now === "run") run.open(query.run);
  if (now === "compare") compare.open(query.a, query.b);
  drawChoices();
}

// --- the list -----------------------------------------------------------------------------------

function drawChoices() {
  const descending = query.sort.startsWith("-");
  for (const button of document.querySelectorAll("[data-sort]")) {
    const mine = button.dataset.sort === query.sort.replace("-", "");
    const order = descending ? "descending" : "ascending";
    button.closest("th").setAttribute("aria-sort", mine ? order : "none");
    setText(button.lastElementChild, mine ? (descending ? " ▼" : " ▲") : "");
  }
  get("sort").value = query.sort;
  if (document.activeElement !== get("filter-q")) get("filter-q").value = query.q ?? "";
  get("filter-strategy").value = query.strategy ?? "";
  for (const link of document.querySelectorAll("[data-export]")) {
    const path = words.listPath(query, "/api/export/backtests");
    link.href = `${path}&format=${link.dataset.export}`;
  }
  get("compare").disabled = picked.length !== PICKED_MAX;
  setText(get("compare"), picked.length === 1 ? "Compare: choose one more" : "Compare two");
}

function drawList({ total, unreadable, strategies }) {
  const select = get("filter-strategy");
  const names = query.strategy ? [...new Set([...strategies, query.strategy])] : strategies;
  if ([...select.options].slice(1).map((o) => o.value).join("\n") !== names.join("\n")) {
    select.replaceChildren(select.options[0], ...names.map((name) => el("option", "", name)));
  }
  const filtered = query.q || query.strategy;
  const state = rows.length > 0 ? "live" : "empty";
  frame.panels.show("runs", state, {
    words: filtered ? NO_MATCH : NONE,
    asOf: Date.now(),
    lasting: true,
  });
  reconcile(get("rows-runs"), rows, (row) => row.id, createRow, updateRow);
  const more = total > rows.length ? `The first ${format.count(rows.length)} of ` : "";
  const bad = unreadable ? ` ${format.plural(unreadable, "result", "results")} unreadable.` : "";
  setText(get("runs-note"), `${more}${format.plural(total, "backtest", "backtests")}.${bad}`);
  drawChoices();
}

function createRow(row) {
  const line = el("tr");
  const pick = el("td", "c-pick");
  const box = el("input");
  box.type = "checkbox";
  box.setAttribute("aria-label", `Compare ${row.strategy}, ${format.clock(row.created_at)}`);
  pick.append(box);
  line.append(pick);
  for (const name of words.COLUMNS) {
    const text = ["created_at", "strategy", "data"].includes(name);
    const cell = el("td", text ? `c-${name}` : `c-${name} number`);
    if (name === "created_at") {
      const link = el("a", "run-link");
      link.href = `/backtests?run=${encodeURIComponent(row.id)}`;
      link.dataset.run = row.id;
      cell.append(link);
    } else if (name !== "fees") {
      cell.append(el("span"), el("span", "below"));
    }
    line.append(cell);
  }
  return line;
}

const UNITS = {
  total_return_pct: "%",
  max_drawdown_pct: "%",
  win_rate_pct: "%",
  trips: "count",
};

function updateRow(line, row) {
  const cell = (name) => line.children[words.COLUMNS.indexOf(name) + 1];
  line.firstElementChild.firstElementChild.checked = picked.includes(row.id);
  const link = cell("created_at").firstElementChild;
  setText(link, format.clock(row.created_at));
  setTitle(link, format.utc(row.created_at));
  setText(cell("strategy").children[0], row.strategy);
  setText(cell("strategy").children[1], row.whole ? "" : row.failure ? "failed" : "stopped early");
  setTitle(cell("strategy").children[1], row.failure);
  setText(cell("data").children[0], row.data);
  setTitle(cell("data"), row.data);
  setText(cell("data").children[1], words.span(row));
  for (const name of words.COLUMNS.slice(3, -1)) {
    const [value, below] = cell(name).children;
    const text = words.figureText(UNITS[name] ?? "", row[name], words.isSigned(name));
    if (name === "total_return_pct") {
      const sign = row[name] > 0 ? "▲" : row[name] < 0 ? "▼" : "";
      setSigned(value, text, sign, sign === "▲" ? "gain" : sign ? "loss" : "flat");
    } else setText(value, text);
    const ends = row.intervals[name];
    setText(below, words.intervalText(UNITS[name] ?? "", ends, words.isSigned(name)));
  }
  setText(cell("fees"), format.money(row.fees));
}

// --- what a person does -------------------------------------------------------------------------

function pick(id, on) {
  const place = picked.indexOf(id);
  if (place >= 0) picked.splice(place, 1);
  if (on) picked.push(id);
  while (picked.length > PICKED_MAX) picked.shift();
  for (const line of get("rows-runs").children) {
    line.firstElementChild.firstElementChild.checked = picked.includes(line.dataset.key);
  }
  drawChoices();
}

function filter(change) {
  go({ ...query, ...change }, { replace: true });
  refresher.now();
}

function listen() {
  for (const button of document.querySelectorAll("[data-sort]")) {
    button.addEventListener("click", () => {
      const { sort } = button.dataset;
      const up = ["strategy", "data", "max_drawdown_pct"].includes(sort);
      const first = up ? sort : `-${sort}`;
      filter({ sort: query.sort === first ? (up ? `-${sort}` : sort) : first });
    });
  }
  get("sort").addEventListener("change", ({ target }) => filter({ sort: target.value }));
  get("filter-strategy").addEventListener("change", ({ target }) => {
    filter({ strategy: target.value || null });
  });
  get("filter-q").addEventListener("input", ({ target }) => {
    clearTimeout(typing);
    typing = setTimeout(() => filter({ q: target.value.trim() || null }), TYPING_MS);
  });
  get("rows-runs").addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (!line || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (event.target.closest(".c-pick")) {
      const { key } = line.dataset;
      if (event.target.tagName !== "INPUT") pick(key, !picked.includes(key));
      return;
    }
    if (String(getSelection()) !== "" && !event.target.closest("a")) return;
    event.preventDefault();
    go({ ...query, run: line.dataset.key });
    scrollTo(0, 0);
  });
  get("rows-runs").addEventListener("change", ({ target }) => {
    pick(target.closest("tr").dataset.key, target.checked);
  });
  get("compare").addEventListener("click", () => {
    const [a, b] = picked;
    go({ ...query, a, b });
    scrollTo(0, 0);
  });
  for (const link of document.querySelectorAll('[data-view="list"]')) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      go({ ...query, run: null, a: null, b: null });
    });
  }
  addEventListener("popstate", () => {
    query = readQuery(location.search, KNOWN);
    show();
  });
}

// Panels of a view that is not open wait for nothing.
function rest() {
  for (const name of frame.panels.names()) {
    if (/^(run|compare)-/.test(name)) {
      frame.panels.show(name, "empty", { words: "Nothing is open here." });
    }
  }
}

function start() {
  rest();
  listen();
  show();
  frame.start({
    onTheme() {
      run.retheme();
      compare.retheme();
    },
  });
  refresher.now();
  jobs.now();
  form.load(ask);
}

start();
