// What each strategy, venue or market brought: a line with name, count, result and a bar from zero.

import { el, reconcile, setSigned, setText, setTitle } from "./dom.js";
import { arrow, change, count, tone } from "./format.js";

// Where a bar begins and ends, in percent of the width, with zero between the extremes. Pure.
export function barSpans(values) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const width = high - low || 1;
  const zero = (100 * (0 - low)) / width;
  return values.map((value) => {
    const size = (100 * Math.abs(value)) / width;
    return { left: value < 0 ? zero - size : zero, size };
  });
}

function create() {
  const item = el("li");
  const bar = el("span", "bar");
  bar.append(el("span"));
  const parts = ["swatch", "name", "count", "net"].map((name) => el("span", name));
  item.append(...parts, bar);
  return item;
}

// rows: {key, label, net_pnl, round_trips}; nameOf and colorOf say how a row is called and marked.
export function drawShares(list, rows, { nameOf, colorOf = () => "" }) {
  const spans = barSpans(rows.map((row) => row.net_pnl));
  const items = rows.map((row, i) => ({ row, span: spans[i] }));
  reconcile(list, items, ({ row }) => row.key || "others", create, (item, { row, span }) => {
    const [swatch, name, trips, net, bar] = item.children;
    const mark = colorOf(row);
    swatch.hidden = !mark;
    if (mark) swatch.style.backgroundColor = mark;
    setText(name, nameOf(row));
    setTitle(name, nameOf(row));
    setText(trips, `n ${count(row.round_trips)}`);
    setTitle(trips, "Round trips that ended");
    setSigned(net, change(row.net_pnl), arrow(row.net_pnl), tone(row.net_pnl));
    const filled = bar.firstElementChild;
    filled.className = tone(row.net_pnl);
    filled.style.marginLeft = `${span.left}%`;
    filled.style.width = `${span.size}%`;
  });
}
