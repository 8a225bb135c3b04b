// The tour's steps, in the order in which a newcomer asks. Pure.

export const STEPS = [
  {
    target: ".topline",
    title: "Is it alive?",
    words:
      "On every page this line says what kind of prices these are, whether the bot lives, how " +
      "old the newest price is, and what you have. Nothing here trades real money.",
  },
  {
    target: ".figures",
    title: "Am I up or down?",
    words:
      "Each figure says how old it is. Click one: it opens its formula, the exact numbers that " +
      "go into it, and the trades behind it.",
  },
  {
    target: "#panel-cumulative",
    title: "How did it go?",
    words:
      "Equity over time, with the fall from its highest point below. Dots are trades. Drag to " +
      "look closer; your zoom stays while new numbers come in.",
  },
  {
    target: "#panel-trades",
    title: "What happens now?",
    words:
      "Every trade the moment it is on the tape. Its time opens what led to it: the book, the " +
      "signal, what risk said, the fill and the cash.",
  },
  {
    target: "#panel-strategies",
    title: "Who trades?",
    words:
      "Each strategy with its result, its last signal and its last refusal, with the reason. The " +
      "switch pauses one of them; it can be taken back.",
  },
  {
    target: "#panel-positions",
    title: "What is held?",
    words:
      "Open positions at the price they could be sold for now. Close sells one at the bids that " +
      "the bot sees, after asking you.",
  },
  {
    target: ".rail",
    title: "Where is the rest?",
    words:
      "Trades and markets one by one, figures with intervals, a ranking that luck does not win, " +
      "your journal, alerts to your phone or chat, and the machine room.",
  },
  {
    target: "#palette-open",
    title: "How do I get there?",
    words:
      "Ctrl K finds every page, strategy, market and action by a few letters; ? lists the keys. " +
      "The tour is in there too.",
  },
];

// Steps whose place is on the page, numbered.
export function stepsFor(isThere) {
  const found = STEPS.filter(({ target }) => isThere(target));
  return found.map((step, i) => ({ ...step, place: `${i + 1} of ${found.length}` }));
}

// Where a card of this size stands beside a box: below it, above it, else at the window's foot.
export function cardPlace(box, card, view, gap = 12) {
  const left = Math.min(Math.max(gap, box.left), view.width - card.width - gap);
  if (box.bottom + gap + card.height < view.height) return { left, top: box.bottom + gap };
  if (box.top - gap - card.height > 0) return { left, top: box.top - gap - card.height };
  return { left, top: view.height - card.height - gap };
}
