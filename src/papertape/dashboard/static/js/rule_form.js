// The dialog in which a rule is written: fields by kind, the sentence they make, what is wrong.

import { el, setText } from "./dom.js";
import { marketName, outcomeName } from "./names.js";
import { checkRule, FIELDS, KINDS, READY, ruleBody, ruleSentence } from "./rule_words.js";

const START = {
  ...READY[1],
  direction: "below",
  scope: "today",
  price: "0.5",
  amount: "-100",
  seconds: "30",
  minutes: "10",
  symbol: "",
  strategy: "",
};
const OWN = [...new Set(Object.values(FIELDS).flat())];

const option = (value, text) => new Option(text, value);

export class RuleForm {
  #dialog;
  #form;
  #save;
  #id = null;
  #enabled = true;
  #market = [];
  #touched = new Set(); // fields that were written in: only they are marked before saving

  constructor(dialog, { save }) {
    this.#dialog = dialog;
    this.#form = dialog.querySelector("form");
    this.#save = save;
    const kinds = Object.entries(KINDS).map(([kind, text]) => option(kind, text));
    this.#field("kind").append(...kinds);
    dialog.querySelector("#rule-cancel").addEventListener("click", () => dialog.close());
    this.#form.addEventListener("input", (event) => {
      const field = event.target.closest("[data-field]")?.dataset.field;
      if (field) this.#touched.add(field);
      this.#draw();
    });
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  // rule null: a new one. known: {channels, strategies, market}
  open(rule, id, { channels, strategies, market }) {
    const form = { ...START, ...rule };
    this.#id = id;
    this.#market = market;
    this.#enabled = form.enabled;
    this.#touched.clear();
    this.#fillNames(form, strategies, market);
    for (const name of ["kind", "severity", ...OWN]) this.#field(name).value = form[name] ?? "";
    this.#field("cooldown_min").value = String(form.cooldown_s / 60);
    this.#fillQuiet(form.quiet);
    this.#fillChannels(form.channels, channels);
    setText(this.#dialog.querySelector("#rule-title"), id === null ? "New rule" : `Rule ${id}`);
    this.#say("form", "");
    this.#draw();
    this.#dialog.showModal();
  }

  #field(name) {
    return this.#form.elements.namedItem(name);
  }

  #fillNames(form, strategies, market) {
    const named = market.filter((row) => row.state !== "settled").map((row) => {
      const words = [marketName(row), outcomeName(row)].filter(Boolean).join(" ");
      return option(row.symbol, words);
    });
    const known = new Set(named.map((node) => node.value));
    const gone = form.symbol && !known.has(form.symbol);
    const missing = gone ? [option(form.symbol, form.symbol)] : [];
    this.#field("symbol").replaceChildren(option("", "–"), ...missing, ...named);
    const names = [...new Set([...strategies, form.strategy].filter(Boolean))];
    const rows = names.map((name) => option(name, name));
    this.#field("strategy").replaceChildren(option("", "any strategy"), ...rows);
  }

  #fillQuiet(quiet) {
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.#field("quiet").checked = Boolean(quiet);
    this.#field("quiet_from").value = quiet?.from ?? "22:00";
    this.#field("quiet_to").value = quiet?.to ?? "07:00";
    this.#field("quiet_zone").value = quiet?.time_zone ?? zone ?? "UTC";
  }

  #fillChannels(chosen, channels) {
    const rows = channels.map((channel) => {
      const label = el("label", "check");
      const box = el("input");
      box.type = "checkbox";
      box.name = "channel";
      box.value = channel.name;
      box.checked = chosen.includes(channel.name);
      const note = channel.ready ? channel.name : `${channel.name} (not ready)`;
      label.append(box, ` ${note}`);
      return label;
    });
    this.#dialog.querySelector("#rule-channels").replaceChildren(...rows);
  }

  #read() {
    const form = { kind: this.#field("kind").value, severity: this.#field("severity").value };
    for (const name of OWN) form[name] = this.#field(name).value.trim();
    const minutes = this.#field("cooldown_min").value.trim();
    form.cooldown_s = /^\d{1,5}$/.test(minutes) ? Number(minutes) * 60 : -1;
    form.enabled = this.#enabled;
    form.quiet = this.#field("quiet").checked
      ? {
          from: this.#field("quiet_from").value,
          to: this.#field("quiet_to").value,
          time_zone: this.#field("quiet_zone").value.trim(),
        }
      : null;
    const boxes = [...this.#form.querySelectorAll('input[name="channel"]:checked')];
    form.channels = boxes.map((box) => box.value);
    return form;
  }

  #draw() {
    const form = this.#read();
    const own = FIELDS[form.kind];
    for (const name of OWN) this.#box(name).hidden = !own.includes(name);
    this.#dialog.querySelector("#quiet-fields").hidden = form.quiet === null;
    const anySymbol = form.kind === "fill" ? "any market" : "Choose a market";
    setText(this.#field("symbol").options[0], anySymbol);
    const wrong = checkRule(form);
    const sentence = Object.keys(wrong).length === 0 ? ruleSentence(form, this.#market) : "";
    setText(this.#dialog.querySelector("#rule-sentence"), sentence || "Something is missing yet.");
    for (const box of this.#form.querySelectorAll("[data-field]")) {
      const name = box.dataset.field;
      this.#mark(name, this.#touched.has(name) ? (wrong[name] ?? "") : "");
    }
    return wrong;
  }

  #box(name) {
    return this.#form.querySelector(`[data-field="${name}"]`);
  }

  #mark(name, words) {
    this.#say(name, words);
    const input = this.#box(name)?.querySelector(".input");
    if (!input) return;
    input.setAttribute("aria-invalid", String(Boolean(words)));
    if (words) input.setAttribute("aria-describedby", `error-${name}`);
    else input.removeAttribute("aria-describedby");
  }

  #say(name, words) {
    const node = document.getElementById(`error-${name}`);
    if (node) setText(node, words);
  }

  async #submit() {
    for (const box of this.#form.querySelectorAll("[data-field]")) {
      this.#touched.add(box.dataset.field);
    }
    const wrong = Object.keys(this.#draw());
    if (wrong.length > 0) {
      this.#box(wrong[0])?.querySelector("input, select")?.focus();
      return;
    }
    const button = this.#dialog.querySelector("#rule-save");
    button.disabled = true;
    try {
      await this.#save(ruleBody(this.#read()), this.#id);
      this.#dialog.close();
    } catch (error) {
      if (error.field && this.#box(error.field)) this.#mark(error.field, error.message);
      else this.#say("form", error.message);
    } finally {
      button.disabled = false;
    }
  }
}
