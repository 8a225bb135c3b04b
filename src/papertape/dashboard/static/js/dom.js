// The few ways in which this page touches the document. Text is only ever set as text.

import { color, reducedMotion } from "./theme.js";

const SVG = "http://www.w3.org/2000/svg";
const FLASH_HOLD_MS = 300;
const FLASH_FADE_MS = 120;
const FLASHES_MAX = 16; // in one second: what flashes all the time says nothing, and costs frames

export function el(tag, className = "", text = null) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== null) node.textContent = text;
  return node;
}

export function svgEl(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  return node;
}

export function icon(name) {
  const node = svgEl("svg", { class: "icon", "aria-hidden": "true" });
  node.append(svgEl("use", { href: `/static/icons/sprite.svg#${name}` }));
  return node;
}

// Write only what differs, so that nothing repaints (or is read aloud) without a reason.
export function setText(node, text) {
  if (node.textContent === text) return false;
  node.textContent = text;
  return true;
}

export function setTitle(node, title) {
  if (node.title !== title) node.title = title;
}

let second = 0;
let flashes = 0;

function mayFlash() {
  const now = Math.floor(performance.now() / 1000);
  if (now !== second) flashes = 0;
  second = now;
  flashes += 1;
  return flashes <= FLASHES_MAX;
}

export function flash(node) {
  if (reducedMotion() || document.hidden || !node.animate || !mayFlash()) return;
  const lit = color("flash");
  const total = FLASH_HOLD_MS + FLASH_FADE_MS;
  node.animate(
    [
      { backgroundColor: lit },
      { backgroundColor: lit, offset: FLASH_HOLD_MS / total },
      { backgroundColor: "transparent" },
    ],
    total,
  );
}

// The quieter sign of change, for what changes all the time.
export function glow(node) {
  if (reducedMotion() || document.hidden || !node.animate) return;
  node.animate([{ color: color("accent") }, { color: color("accent"), offset: 0.7 }, {}], 420);
}

// A figure that shows that it changed; its first value is not a change.
export function setFigure(node, text, sign = flash) {
  const known = node.dataset.known === "yes";
  const changed = setText(node, text);
  node.dataset.known = "yes";
  if (changed && known) sign(node);
}

// A signed figure with its arrow, so that colour is never the only sign.
export function setSigned(node, text, arrow, tone) {
  const whole = arrow ? `${arrow} ${text}` : text;
  if (node.dataset.whole === whole) return;
  const known = node.dataset.whole !== undefined;
  node.dataset.whole = whole;
  node.classList.toggle("gain", tone === "gain");
  node.classList.toggle("loss", tone === "loss");
  const parts = arrow ? [el("span", "arrow", arrow)] : [];
  node.replaceChildren(...parts, text);
  if (known) flash(node);
}

// Make the children of a list be `items` in order, re-using the node of a key.
export function reconcile(list, items, keyOf, create, update) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  let place = list.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let node = old.get(key);
    if (node) {
      old.delete(key);
    } else {
      node = create(item);
      node.dataset.key = key;
    }
    if (node === place) place = place.nextElementSibling;
    else list.insertBefore(node, place);
    update(node, item);
  }
  for (const node of old.values()) node.remove();
}
