// A dialog to read: title, what it says, one way to close it. It is gone when it is closed.

import { el } from "./dom.js";

let count = 0;

// buttons: nodes that stand before "Close". Returns the dialog.
export function sheet({ title, nodes, buttons = [], closeWords = "Close" }) {
  const dialog = el("dialog", "sheet");
  const head = el("h2", "", title);
  head.id = `sheet-${(count += 1)}`;
  head.tabIndex = -1; // reading begins at the top, wherever the first link is
  head.autofocus = true;
  dialog.setAttribute("aria-labelledby", head.id);
  const close = el("button", "button", closeWords);
  close.type = "button";
  close.addEventListener("click", () => dialog.close());
  const actions = el("div", "dialog-actions");
  actions.append(...buttons, close);
  dialog.append(head, ...nodes, actions);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
