// What people call things: markets by their question, reasons in plain words.

const questions = new Map();

const REASONS = {
  stale_book: "Book stale",
  feed_stale: "Feed not live",
  depth: "Not enough depth",
  market_closed: "Market closed",
  no_price: "No price seen",
  not_held: "More than is held",
  venue_minimum: "Below the venue's minimum",
  max_order: "Order too large",
  max_position: "Position too large",
  max_exposure: "Exposure too large",
  max_daily_loss: "Daily loss reached",
  duplicate: "Same signal again",
  invalid: "Invalid signal",
  paused: "Paused",
  halted: "Halted",
  cash: "Not enough cash",
};

const MODES = { SIMULATED: "SIMULATED", REPLAY: "REPLAY", PAPER: "PAPER · LIVE DATA" };

export function modeName(mode) {
  return MODES[mode] ?? mode ?? "";
}

export function reasonName(code) {
  if (code in REASONS) return REASONS[code];
  const words = String(code).replaceAll("_", " ").replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// Questions come with the market rows; trades and positions only name the market.
export function learnMarkets(rows) {
  for (const row of rows) {
    const question = row.question || row.title;
    if (!question) continue;
    if (row.market) questions.set(row.market, question);
    if (row.symbol) questions.set(row.symbol, question);
  }
}

// "polymarket:btc-updown-5m:YES" without a question reads "btc updown 5m"; a pair stays a pair.
export function marketName(row) {
  const known = row.question || questions.get(row.market) || questions.get(row.symbol);
  if (known) return plain(known);
  if (row.market && !row.market.includes(":")) return row.market;
  const parts = String(row.market || row.symbol || "").split(":");
  const slug = parts.length > 1 ? parts[1] : parts[0];
  return slug.includes("/") ? slug : slug.replaceAll("-", " ");
}

// The frame says SIMULATED already; in a narrow cell the word would be all that one can read.
export function plain(question) {
  const rest = question.replace(/^simulated:?\s+/i, "");
  const words = rest.includes(" ") ? rest : rest.replaceAll("-", " "); // a slug, where no one asked
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// "NO + NO + NO + NO" of a set reads "4 × NO".
export function outcomeName(row) {
  const parts = String(row.outcome ?? "").split(" + ");
  if (parts.length < 2) return parts[0];
  const same = parts.every((part) => part === parts[0]);
  if (same) return `${parts.length} × ${parts[0]}`;
  return parts.length === 2 ? parts.join(" + ") : `set of ${parts.length}`;
}

export function isOutcome(row) {
  return Boolean(row.outcome);
}
