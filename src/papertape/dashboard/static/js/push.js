// The panel "This browser": push on or off here, and every browser that gets it.

import { ask, send } from "./api.js";
import { el, reconcile, setText } from "./dom.js";
import * as format from "./format.js";
import { confirmAction, showError, showSuccess } from "./notifications.js";
import * as words from "./push_words.js";

const at = (id) => document.getElementById(id);

async function digestOf(address) {
  return words.hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(address)));
}

async function present() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return null;
  const registration = await navigator.serviceWorker.getRegistration("/");
  return (await registration?.pushManager.getSubscription()) ?? null;
}

export class PushPanel {
  #frame;
  #onChange;
  #offer = null; // what the dashboard said last
  #here = null; // the row of this browser among the subscribed
  #busy = false;

  constructor(frame, { onChange }) {
    this.#frame = frame;
    this.#onChange = onChange;
    at("push-switch").addEventListener("click", () =>
      this.#act(() => (this.#here ? this.#off() : this.#on())));
    frame.menus.offer("push", { rows: () => this.#offer?.subscriptions ?? [] });
  }

  // Trouble here is this panel's alone.
  async refresh() {
    try {
      await this.#load();
    } catch (error) {
      if (this.#frame.panels.stateOf("push") !== "loading") return; // what it shows still holds
      this.#frame.panels.show("push", "error", { words: `${error.message}. Trying again.` });
    }
  }

  async #load() {
    const { data } = await ask("/api/push");
    const subscribed = window.isSecureContext ? await present() : null;
    const digest = subscribed ? await digestOf(subscribed.endpoint) : "";
    this.#offer = data;
    this.#here = data.subscriptions.find((row) => row.digest === digest) ?? null;
    this.#draw();
  }

  #hindrance() {
    return words.hindrance({
      installed: this.#offer.installed,
      install: this.#offer.install,
      secure: window.isSecureContext,
      worker: "serviceWorker" in navigator,
      push: "PushManager" in window && "Notification" in window,
      permission: window.Notification?.permission,
    });
  }

  #draw() {
    const why = this.#hindrance();
    const on = this.#here !== null;
    const toggle = at("push-switch");
    toggle.setAttribute("aria-checked", String(on));
    toggle.disabled = this.#busy || (why !== "" && !on);
    setText(at("push-note"), why || words.onWords(on));
    const rows = this.#offer.subscriptions;
    at("push-title").hidden = rows.length === 0;
    reconcile(at("rows-push"), rows, (row) => row.id, (row) => this.#node(row), (node, row) => {
      const [name, note] = node.querySelectorAll("p");
      setText(name, row.id === this.#here?.id ? `${row.label} (this browser)` : row.label);
      setText(note, `since ${format.clock(row.created_at)}`);
    });
    this.#frame.panels.show("push", "live", { asOf: Date.now() });
  }

  #node(row) {
    const node = el("li");
    const text = el("div");
    text.append(el("p"), el("p", "rule-note"));
    const remove = el("button", "button", "Remove");
    remove.type = "button";
    remove.setAttribute("aria-label", `Remove: ${row.label}`);
    remove.addEventListener("click", () =>
      confirmAction(`Send nothing more to ${row.label}?`, () =>
        this.#act(() => (row.id === this.#here?.id ? this.#off() : this.#forget(row.id)))));
    node.append(text, remove);
    return node;
  }

  async #act(work) {
    if (this.#busy) return;
    this.#busy = true;
    at("push-switch").disabled = true;
    try {
      await work();
    } catch (error) {
      showError(error.message);
    } finally {
      this.#busy = false;
    }
    this.#onChange();
  }

  // Permission is asked here, after a click, and nowhere else.
  async #on() {
    if ((await Notification.requestPermission()) !== "granted") return;
    await (await present())?.unsubscribe(); // of another folder, or one that the dashboard lost
    const { pushManager } = await navigator.serviceWorker.ready;
    const subscribed = await pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: words.keyBytes(this.#offer.public_key),
    });
    try {
      const body = words.subscriptionBody(subscribed.toJSON(), navigator.userAgent);
      await send("POST", "/api/push", body);
    } catch (error) {
      await subscribed.unsubscribe();
      throw error;
    }
    showSuccess("This browser gets pushes now");
  }

  async #off() {
    await (await present())?.unsubscribe();
    await this.#forget(this.#here.id);
  }

  #forget(id) {
    return send("DELETE", `/api/push/${id}`);
  }
}
