// Everything that the palette can do: pages, strategies, markets, actions. Pure.

import { marketName, outcomeName } from "./names.js";

export const SHOWN_MAX = 40; // more than one reads; a letter more finds the rest

// An entry: {kind, name, hint?, keys?, href} or with `act` a name that the palette carries out.
export function commands({ pages, state, theme, has }) {
  return [
    ...pages.map(({ name, href, letter }) => ({
      kind: "Page",
      name,
      href,
      keys: letter ? `g ${letter}` : "",
    })),
    ...actions(state.status, theme, has),
    ...state.strategies.flatMap((row) => strategyEntries(row, state.status)),
    ...markets(state.market),
  ];
}

function actions(status, theme, has) {
  const running = status?.bot.state === "running";
  const engine = status?.engine?.state;
  const rows = [];
  const add = (name, more) => rows.push({ kind: "Action", name, ...more });
  if (running && engine === "trading") add("Pause trading", { act: "pause" });
  if (running && engine !== "trading") add("Resume trading", { act: "resume" });
  if (running && engine !== "halted") add("Halt all trading", { act: "halt" });
  add(theme === "dark" ? "Light theme" : "Dark theme", { act: "theme" });
  add("Copy link to this view", { act: "copy" });
  if (has.filter) add("Filter this page", { act: "filter", keys: "/" });
  add("Keys of this page", { act: "help", keys: "?" });
  add("Tour of two minutes", { act: "tour" });
  add("Export trades as CSV", { href: "/api/export/trades", download: true });
  add("Export portfolio as CSV", { href: "/api/export/portfolio", download: true });
  add("Export journal as CSV", { href: "/api/export/journal", download: true });
  add("Export analytics as CSV", { href: "/api/export/analytics", download: true });
  add("Verify the tape now", { act: "verify" });
  return rows;
}

function strategyEntries({ strategy, status: state }, status) {
  const asked = new URLSearchParams({ strategy });
  const rows = [
    { kind: "Strategy", name: strategy, hint: state, href: `/analytics?${asked}` },
    { kind: "Strategy", name: `Trades of ${strategy}`, href: `/trades?${asked}` },
  ];
  const able = status?.bot.state === "running";
  if (able && state === "running") {
    rows.push({ kind: "Strategy", name: `Pause ${strategy}`, act: "pause", target: strategy });
  }
  if (able && state === "paused") {
    rows.push({ kind: "Strategy", name: `Resume ${strategy}`, act: "resume", target: strategy });
  }
  return rows;
}

// One entry per market, whatever number of outcomes it has; what is settled is history.
function markets(rows) {
  const seen = new Map();
  for (const row of rows) {
    const id = row.market || row.symbol;
    if (row.state === "settled" || seen.has(id)) continue;
    const href = `/markets?${new URLSearchParams({ market: id })}`;
    const name = marketName(row) || outcomeName(row) || id;
    seen.set(id, { kind: "Market", name, hint: row.venue, href });
  }
  return [...seen.values()];
}
