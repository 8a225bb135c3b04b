// What a person half types, found in names. Pure.

const WORD_START = 30; // points for a piece that begins a word
const WHOLE = 60; // for a piece that stands in the name as it is typed
const GAP = 2; // taken off per letter skipped
const PIECES_MAX = 8; // more words than that are no search

function places(text) {
  return [...text].map((letter, i) => i === 0 || !/[a-z0-9]/.test(text[i - 1]));
}

// One piece without spaces: the best place where it stands whole, else its letters in order.
function piece(wanted, text, starts) {
  let best = null;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const score = WHOLE + (starts[at] ? WORD_START : 0) - at / 100;
    if (!best || score > best.score) best = { score, at: [...wanted].map((_, i) => at + i) };
  }
  return best ?? scattered(wanted, text, starts);
}

function scattered(wanted, text, starts) {
  const at = [];
  let score = 0;
  for (const letter of wanted) {
    const from = (at.at(-1) ?? -1) + 1;
    let next = text.indexOf(letter, from);
    if (next < 0) return null;
    const begins = [...text].findIndex((c, i) => i >= from && c === letter && starts[i]);
    if (begins >= 0 && next !== from) next = begins; // “sm” is “Switch Mode” before “Sim…”
    score += (starts[next] ? WORD_START / 3 : 0) - GAP * (next - from);
    at.push(next);
  }
  return { score, at };
}

// How well a query fits a name: {score, at: places of the letters}, null if it does not.
export function fit(query, name) {
  const text = name.toLowerCase();
  const starts = places(text);
  const wanted = query.toLowerCase().split(/\s+/).filter(Boolean).slice(0, PIECES_MAX);
  const at = new Set();
  let score = 0;
  for (const word of wanted) {
    const found = piece(word, text, starts);
    if (!found) return null;
    score += found.score;
    for (const place of found.at) at.add(place);
  }
  return { score: score - text.length / 50, at: [...at].sort((a, b) => a - b) };
}

// The best of `items` for a query, best first; without one all of them in their own order.
export function rank(query, items, nameOf, most) {
  if (query.trim() === "") return items.slice(0, most).map((item) => ({ item, at: [] }));
  const found = [];
  items.forEach((item, order) => {
    const how = fit(query, nameOf(item));
    if (how && how.score > 0) found.push({ item, at: how.at, score: how.score, order });
  });
  found.sort((a, b) => b.score - a.score || a.order - b.order);
  return found.slice(0, most);
}
