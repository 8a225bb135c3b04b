// The figures of the first row, each with its note and the shape of its recent past.

import { setFigure, setSigned, setText } from "./dom.js";
import * as format from "./format.js";
import { drawSpark } from "./sparkline.js";

export const HISTORY_KEPT = 120; // samples of cash and exposure since the page was opened
const HISTORY_EVERY_MS = 2000;

// Cash and exposure have no curve on the tape; the page remembers what it saw itself.
export class History {
  #rows = [];
  #lastMs = -Infinity;

  add(row, nowMs) {
    const newest = this.#rows.at(-1);
    if (nowMs - this.#lastMs < HISTORY_EVERY_MS && newest) {
      this.#rows[this.#rows.length - 1] = row;
      return;
    }
    this.#lastMs = nowMs;
    this.#rows.push(row);
    if (this.#rows.length > HISTORY_KEPT) this.#rows.shift();
  }

  of(key) {
    return this.#rows.map((row) => row[key]);
  }
}

// How far equity stands below its highest point, in percent; never negative.
export function drawdownPct(equity, curve) {
  if (!Number.isFinite(equity)) return null;
  const peak = Math.max(equity, ...curve.filter(Number.isFinite));
  return peak > 0 ? (100 * (peak - equity)) / peak : 0;
}

// Today's P&L at this moment. The status says what equity was when the day began; equity itself
// moves with every price, and two figures of one page must not disagree.
export function todayPnl(summary, status) {
  if (typeof status?.today_pnl !== "number") return null;
  if (typeof summary?.total_value !== "number") return status.today_pnl;
  const moved = summary.total_value - status.equity;
  return Number((status.today_pnl + moved).toFixed(6)); // money has at most 6 decimals
}

// The part of the equity curve that belongs to today (UTC, as the tape counts days).
function today(labels, values) {
  const day = String(labels.at(-1) ?? "").slice(0, 10);
  return values.filter((_, i) => String(labels[i]).slice(0, 10) === day);
}

// Figures as text. Pure, so that node can test it.
export function figureTexts(summary, status, curve, history) {
  const labels = curve?.labels ?? [];
  const equity = curve?.equity ?? curve?.values ?? [];
  const share = (value) => (summary.total_value > 0 ? (100 * value) / summary.total_value : 0);
  const below = drawdownPct(summary.total_value, equity);
  const gained = format.percentChange(summary.total_return_pct);
  const deepest = `deepest ${format.percent(Math.max(summary.max_drawdown_pct ?? 0, below ?? 0))}`;
  return {
    equity: {
      text: format.money(summary.total_value),
      note: `began with ${format.money(summary.initial_balance)}`,
      spark: equity,
    },
    today: {
      signed: todayPnl(summary, status),
      note: "since midnight UTC",
      spark: today(labels, equity),
    },
    total: {
      signed: summary.total_return,
      note: `${gained} · fees ${format.money(summary.fees)}`,
      spark: equity,
    },
    cash: {
      text: format.money(summary.cash),
      note: `${format.percent(share(summary.cash))} of equity`,
      spark: history.of("cash"),
    },
    exposure: {
      text: format.money(summary.exposure),
      note: `${format.percent(share(summary.exposure))} of equity`,
      spark: history.of("exposure"),
    },
    held: {
      text: format.count(summary.positions_count),
      note: `${summary.unpriced_count || "none"} without a price`,
      spark: history.of("held"),
    },
    fills: {
      text: format.count(status.today_fills),
      note: `${format.plural(summary.trades_count, "trade", "trades")} in all`,
      spark: history.of("fills"),
    },
    drawdown: {
      text: format.percent(below),
      note: deepest,
      spark: (curve?.drawdown_pct ?? []).map((value) => -Math.abs(value)),
    },
  };
}

export function drawFigures(root, texts) {
  for (const [name, figure] of Object.entries(texts)) {
    const node = root.getElementById(`figure-${name}`);
    const value = node.querySelector('[data-field="value"]');
    const { signed } = figure;
    if (signed === undefined) setFigure(value, figure.text);
    else setSigned(value, format.change(signed), format.arrow(signed), format.tone(signed));
    setText(node.querySelector('[data-field="note"]'), figure.note);
    drawSpark(node.querySelector('[data-field="spark"]'), figure.spark);
  }
}
