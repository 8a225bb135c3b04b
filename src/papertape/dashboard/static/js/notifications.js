// Toasts and the one confirm dialog. Toasts leave by themselves; errors stay until they are read.

import { el, icon } from "./dom.js";

export const TOAST_MS = 3000;
export const ACTION_MS = 8000; // time to read what was done and to take it back
export const TOASTS_MAX = 4; // more than this covers the page; the oldest that may leave goes first
export const BURST_MS = 10_000; // news of the same kind within this time becomes one toast

const TYPES = ["info", "success", "warning", "error"];

// Collect what comes in bursts: the first is told at once, the rest as one when the burst is over.
// Pure apart from the timer it is given, so that node can test it.
export class Burst {
  #waiting = [];
  #open = false;
  #tell;
  #later;

  constructor(tell, later = (fn) => setTimeout(fn, BURST_MS)) {
    this.#tell = tell;
    this.#later = later;
  }

  add(items) {
    if (items.length === 0) return;
    if (this.#open) {
      this.#waiting.push(...items);
      return;
    }
    this.#open = true;
    this.#tell(items);
    this.#later(() => this.#close());
  }

  #close() {
    this.#open = false;
    const items = this.#waiting;
    this.#waiting = [];
    this.add(items);
  }
}

function place() {
  let list = document.getElementById("toasts");
  if (!list) {
    list = el("div", "toasts");
    list.id = "toasts";
    document.body.append(list);
  }
  return list;
}

function makeRoom(list) {
  const leaving = [...list.children].filter((toast) => toast.dataset.type !== "error");
  while (list.children.length >= TOASTS_MAX && leaving.length > 0) leaving.shift().remove();
}

// action: {label, run}, a button in the toast; such a toast stays a little longer.
export function showNotification(message, type = "info", action = null) {
  const kind = TYPES.includes(type) ? type : "info";
  const list = place();
  makeRoom(list);
  const toast = el("div", "toast");
  toast.dataset.type = kind;
  toast.setAttribute("role", kind === "error" ? "alert" : "status");
  const close = el("button", "icon-button");
  close.type = "button";
  close.setAttribute("aria-label", "Dismiss");
  close.append(icon("close"));
  close.addEventListener("click", () => toast.remove());
  toast.append(icon(kind), el("p", "", String(message)));
  if (action) toast.append(actionButton(toast, action));
  toast.append(close);
  list.append(toast);
  if (kind !== "error") leaveLater(toast, action ? ACTION_MS : TOAST_MS);
  return toast;
}

function actionButton(toast, { label, run }) {
  const button = el("button", "button toast-action", label);
  button.type = "button";
  button.addEventListener("click", () => {
    toast.remove();
    run();
  });
  return button;
}

// A toast under the pointer or with focus is being read: it waits.
function leaveLater(toast, ms) {
  setTimeout(() => {
    if (toast.matches(":hover, :focus-within")) leaveLater(toast, ms);
    else toast.remove();
  }, ms);
}

export const showSuccess = (message, action) => showNotification(message, "success", action);
export const showError = (message) => showNotification(message, "error");
export const showWarning = (message) => showNotification(message, "warning");
export const showInfo = (message) => showNotification(message, "info");

export function confirmAction(message, onConfirm, onCancel) {
  const dialog = el("dialog", "confirm");
  const text = el("p", "", String(message));
  text.id = "confirm-text";
  dialog.setAttribute("aria-labelledby", text.id);
  const no = el("button", "button", "Cancel");
  const yes = el("button", "button", "Confirm");
  no.type = "button";
  yes.type = "button";
  yes.dataset.primary = "yes";
  const buttons = el("div");
  buttons.append(no, yes);
  dialog.append(text, buttons);
  let confirmed = false;
  no.addEventListener("click", () => dialog.close());
  yes.addEventListener("click", () => {
    confirmed = true;
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (confirmed) onConfirm?.();
    else onCancel?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return dialog;
}

if (typeof window !== "undefined") {
  Object.assign(window, {
    showNotification,
    showSuccess,
    showError,
    showWarning,
    showInfo,
    confirmAction,
  });
}
