// Markets as this page lists them: filtered, in groups, with what a set of them costs. Pure.

import { tiles } from "./markets.js";
import { marketName } from "./names.js";

export const STATES = ["live", "stale", "gap", "settled"];
const FIELDS = ["q", "venue", "state"];

export function readMarketFilter(search) {
  const params = new URLSearchParams(search);
  const filter = {};
  for (const name of FIELDS) {
    const value = (params.get(name) ?? "").trim();
    if (value && (name !== "state" || STATES.includes(value))) filter[name] = value;
  }
  return filter;
}

export function marketsAddress(path, filter, market = null) {
  const params = new URLSearchParams();
  for (const name of FIELDS) if (filter[name]) params.set(name, filter[name]);
  if (market) params.set("market", market);
  const text = params.toString();
  return text ? `${path}?${text}` : path;
}

export function isMarketFiltered(filter) {
  return FIELDS.some((name) => filter[name]);
}

function fits(tile, filter, about) {
  const [first] = tile.rows;
  if (filter.venue && first.venue !== filter.venue) return false;
  // What is settled is asked for by name; otherwise it would bury what can still be traded.
  if (filter.state ? tile.state !== filter.state : tile.state === "settled") return false;
  const outcomes = tile.rows.map((row) => row.outcome);
  const said = [tile.key, marketName(first), about?.event ?? "", ...outcomes];
  const text = said.join(" ").toLowerCase();
  const words = (filter.q ?? "").toLowerCase().split(/\s+/);
  return words.every((word) => text.includes(word));
}

// [{group, markets}]: the members of an event together, where its first member stands; the others
// alone. abouts: markets by id as /api/markets tells them, groups by event.
export function listed(rows, filter, { abouts = new Map(), groups = {} } = {}) {
  const { open, settled } = tiles(rows);
  const shown = [];
  const byEvent = new Map();
  for (const tile of [...open, ...settled]) {
    const about = abouts.get(tile.key);
    if (!fits(tile, filter, about)) continue;
    const group = groups[about?.event_id];
    if (!group) {
      shown.push({ group: null, markets: [tile] });
    } else if (byEvent.has(group.id)) {
      byEvent.get(group.id).markets.push(tile);
    } else {
      const entry = { group, markets: [tile] };
      byEvent.set(group.id, entry);
      shown.push(entry);
    }
  }
  return shown;
}

// What one YES of every member would cost at the asks, and bring at the bids. Nothing is said of a
// group of which a member is missing or has no price: its sum would mean something else.
export function groupSums({ group, markets }, rows) {
  const first = new Map();
  for (const row of rows) if (!first.has(row.market)) first.set(row.market, row);
  const members = group.markets.map((id) => first.get(id));
  const sum = (field) => {
    const prices = members.map((row) => row?.[field]);
    if (prices.some((price) => typeof price !== "number")) return null;
    return Number(prices.reduce((total, price) => total + price, 0).toFixed(9));
  };
  return {
    asks: sum("ask"),
    bids: sum("bid"),
    members: group.markets.length,
    shown: markets.length,
  };
}

export function groupWords(group, sums) {
  if (group.exhaustive) return "exactly one of them pays 1.00";
  return group.neg_risk
    ? "at most one of the named ones pays 1.00; others may be added"
    : "they belong together, more than one may pay";
}

// Where a quote stands on the axis from 0 to 100 cents, in percent of its width; null for a pair.
// Without a bid it reaches down to 0, without an ask up to 100: that is all that is known.
export function axisPlace(row) {
  if (!row.outcome || (row.bid === null && row.ask === null)) return null;
  const [bid, ask] = [row.bid ?? 0, row.ask ?? 1];
  const left = Math.min(100, Math.max(0, 100 * bid));
  const width = Math.max(0.8, Math.min(100 - left, 100 * (ask - bid)));
  return { left: Number(Math.min(left, 99.2).toFixed(3)), width: Number(width.toFixed(3)) };
}
