// The tour of the overview: offered once, skipped for good if wished, found again in the palette.

import { el, setText } from "./dom.js";
import { reducedMotion } from "./theme.js";
import { cardPlace, stepsFor } from "./tour_words.js";

const KEY = "papertape.tour";
export const TOUR_HASH = "#tour";

function remembered() {
  try {
    return localStorage.getItem(KEY) !== null;
  } catch {
    return true; // who cannot be remembered is not asked on every visit
  }
}

function remember() {
  try {
    localStorage.setItem(KEY, "done");
  } catch {
    // The offer comes again; nothing else is lost.
  }
  document.getElementById("welcome").hidden = true;
}

class Tour {
  #steps = stepsFor((target) => document.querySelector(target) !== null);
  #at = 0;
  #card = el("dialog", "tour");
  #title = el("h2");
  #words = el("p");
  #place = el("span", "tour-place");
  #back = button("Back", () => this.#show(this.#at - 1));
  #next = button("Next", () => this.#forward());
  #from = document.activeElement;
  #moved = () => this.#stand();

  start() {
    const skip = button("Skip for good", () => {
      remember();
      this.#card.close();
    });
    this.#title.id = "tour-title";
    this.#title.tabIndex = -1;
    this.#words.id = "tour-words";
    this.#card.setAttribute("aria-labelledby", this.#title.id);
    this.#card.setAttribute("aria-describedby", this.#words.id);
    this.#next.dataset.primary = "yes";
    const actions = el("div", "dialog-actions");
    actions.append(this.#place, skip, this.#back, this.#next);
    this.#card.append(this.#title, this.#words, actions);
    this.#card.addEventListener("close", () => this.#end());
    this.#card.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#card.close(); // not modal: the browser does not do it
    });
    for (const name of ["scroll", "resize"]) addEventListener(name, this.#moved);
    document.body.append(this.#card);
    this.#card.show();
    this.#show(0);
  }

  #forward() {
    if (this.#at < this.#steps.length - 1) {
      this.#show(this.#at + 1);
      return;
    }
    remember();
    this.#card.close();
  }

  #show(at) {
    this.#mark(false);
    this.#at = at;
    const { title, words, place } = this.#steps[at];
    setText(this.#title, title);
    setText(this.#words, words);
    setText(this.#place, place);
    setText(this.#next, at === this.#steps.length - 1 ? "Done" : "Next");
    this.#back.disabled = at === 0;
    this.#mark(true);
    const behavior = reducedMotion() ? "auto" : "smooth";
    this.#target().scrollIntoView({ block: "nearest", behavior });
    this.#stand();
    this.#title.focus({ preventScroll: true });
  }

  #target() {
    return document.querySelector(this.#steps[this.#at].target);
  }

  #mark(on) {
    this.#target().classList.toggle("toured", on);
  }

  #stand() {
    const view = { width: innerWidth, height: document.documentElement.clientHeight };
    const box = this.#target().getBoundingClientRect();
    const { left, top } = cardPlace(box, this.#card.getBoundingClientRect(), view);
    this.#card.style.left = `${left}px`;
    this.#card.style.top = `${top}px`;
  }

  #end() {
    this.#mark(false);
    for (const name of ["scroll", "resize"]) removeEventListener(name, this.#moved);
    this.#card.remove();
    if (this.#from?.isConnected) this.#from.focus();
  }
}

function button(words, act) {
  const node = el("button", "button", words);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

export function startTour() {
  if (!document.querySelector("dialog[open]")) new Tour().start();
}

// On the overview: the offer to who is new, and the tour to who came for it.
export function initTour() {
  const offer = document.getElementById("welcome");
  offer.hidden = remembered();
  offer.querySelector("[data-tour=start]").addEventListener("click", startTour);
  offer.querySelector("[data-tour=never]").addEventListener("click", remember);
  if (location.hash !== TOUR_HASH) return;
  history.replaceState(null, "", location.pathname + location.search);
  startTour();
}
