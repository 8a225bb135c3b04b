// The form of one entry: what a person says of a trade. It keeps every keystroke as a draft until
// it is saved, says so, and lets a person choose where somebody else has written meanwhile.

import { send } from "./api.js";
import { el, reconcile, setText } from "./dom.js";
import { localDrafts } from "./drafts.js";
import * as format from "./format.js";
import * as words from "./journal_words.js";
import { drawMarkdown } from "./markdown.js";
import { showError } from "./notifications.js";

const TYPING_MS = 150;

export class JournalForm {
  #form;
  #drafts;
  #onSaved;
  #trade = null;
  #base = null; // the entry's fields when this edit began
  #version = words.NO_VERSION; // … and its version
  #timer = 0;
  #saving = false;

  // onSaved is called with (trade id, entry)
  constructor(form, onSaved) {
    this.#form = form;
    this.#onSaved = onSaved;
    this.#drafts = localDrafts("journal");
    form.addEventListener("input", () => this.#typed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.save();
      if (event.key === "Escape") document.activeElement?.blur();
    });
    this.#at("discard").addEventListener("click", () => this.discard());
    this.#at("keep-mine").addEventListener("click", () => this.#keepMine());
    this.#at("take-theirs").addEventListener("click", () => this.discard());
    addEventListener("pagehide", () => this.#keep());
  }

  get tradeId() {
    return this.#trade?.id ?? null;
  }

  // Show a trade's entry, or the draft of it that was left; the same trade again keeps the fields.
  show(trade) {
    const same = this.#trade?.id === trade.id;
    if (same && (this.dirty || this.#saving)) {
      this.#trade = trade;
      return;
    }
    if (!same) this.#keep();
    this.#trade = trade;
    const draft = this.#drafts.read(trade.id);
    this.#begin(trade.entry, draft);
    this.#fill(draft?.fields ?? this.#base);
    this.#showConflict([]);
    this.#say();
  }

  get dirty() {
    if (!this.#base) return false;
    return Object.keys(words.changes(this.#base, this.#read())).length > 0;
  }

  focus() {
    this.#form.elements.lessons_learned.focus();
  }

  discard() {
    this.#drafts.remove(this.#trade.id);
    this.#begin(this.#trade.entry, null);
    this.#fill(this.#base);
    this.#showConflict([]);
    this.#say();
  }

  // Rate at once, by a key; what is half-written stays a draft.
  async rate(rating) {
    this.#form.elements.rating.value = String(rating);
    const fields = { ...this.#base, rating: String(rating) };
    await this.#send(words.changes(this.#base, fields), fields);
  }

  async save() {
    const fields = this.#read();
    const changed = words.changes(this.#base, fields);
    if (Object.keys(changed).length === 0) return;
    await this.#send(changed, fields);
  }

  // --- within ---------------------------------------------------------------------------------

  #at(name) {
    return this.#form.querySelector(`[data-field="${name}"]`);
  }

  #begin(entry, draft) {
    this.#base = draft?.base ?? words.formOf(entry);
    this.#version = draft?.version ?? entry?.version ?? words.NO_VERSION;
  }

  #read() {
    const data = new FormData(this.#form);
    return Object.fromEntries(words.FIELDS.map((name) => [name, String(data.get(name) ?? "")]));
  }

  #fill(fields) {
    for (const name of words.FIELDS) {
      const field = this.#form.elements[name];
      if (field.value !== fields[name]) field.value = fields[name];
    }
    this.#preview();
  }

  #typed() {
    this.#preview();
    this.#say();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), TYPING_MS);
  }

  #keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#trade) return;
    if (!this.dirty) {
      this.#drafts.remove(this.#trade.id);
      return;
    }
    const draft = { fields: this.#read(), base: this.#base, version: this.#version };
    const kept = this.#drafts.write(this.#trade.id, { ...draft, atMs: Date.now() });
    this.#say(kept);
  }

  #preview() {
    const notes = this.#form.elements.notes.value;
    const node = this.#at("preview");
    node.hidden = notes.trim() === "";
    drawMarkdown(node, notes);
  }

  #say(kept = true) {
    const { dirty } = this;
    const draft = dirty ? this.#drafts.read(this.#trade.id) : null;
    const at = draft ? ` of ${format.clock(new Date(draft.atMs))}` : "";
    const entry = this.#trade.entry;
    const saved = entry ? `Saved ${format.clock(entry.updated_at)}` : "Nothing written yet";
    const unkept = "Not saved, and this browser keeps no drafts";
    setText(this.#at("status"), dirty ? (kept ? `Draft${at}, not saved yet` : unkept) : saved);
    this.#form.dataset.dirty = dirty ? "yes" : "no";
    this.#at("save").disabled = !dirty;
    this.#at("discard").hidden = !dirty;
  }

  async #send(changed, fields) {
    if (this.#saving || Object.keys(changed).length === 0) return;
    this.#saving = true;
    const { id } = this.#trade;
    try {
      const body = { ...changed, version: this.#version };
      const { data } = await send("PATCH", `/api/journal/trades/${encodeURIComponent(id)}`, body);
      this.#saved(id, data, pick(fields, Object.keys(changed)));
    } catch (error) {
      if (error.code === "edited") await this.#meet(error.entry, fields, changed);
      else showError(`Not saved: ${error.message}`);
    } finally {
      this.#saving = false;
    }
  }

  // What was sent is saved; what else was typed, before or meanwhile, is a draft upon it.
  #saved(id, entry, sent) {
    this.#drafts.remove(id);
    this.#onSaved(id, entry);
    if (this.#trade.id !== id) return;
    this.#trade = { ...this.#trade, entry };
    const now = this.#read();
    const typed = Object.keys(words.changes(this.#base, now)).filter(
      (name) => !(name in sent) || sent[name] !== now[name],
    );
    this.#begin(entry, null);
    this.#fill({ ...this.#base, ...pick(now, typed) });
    this.#showConflict([]);
    this.#keep();
    this.#say();
  }

  // Somebody else was faster. Fields that only one side touched go together by themselves.
  async #meet(entry, fields, changed) {
    const theirs = words.formOf(entry);
    const both = words.conflicts(this.#base, fields, theirs);
    this.#trade = { ...this.#trade, entry };
    if (both.length === 0) {
      this.#version = entry?.version ?? words.NO_VERSION;
      this.#saving = false;
      await this.#send(changed, fields);
      return;
    }
    this.#showConflict(both);
  }

  #showConflict(both) {
    const box = this.#at("conflict");
    box.hidden = both.length === 0;
    reconcile(
      this.#at("both"),
      both,
      (each) => each.name,
      () => {
        const row = el("div", "both");
        row.append(el("h4"), el("p", "both-name", "Yours"), el("p", "both-name", "Saved now"));
        row.append(el("p", "both-text"), el("p", "both-text"));
        return row;
      },
      (row, each) => {
        setText(row.children[0], each.label);
        setText(row.children[3], each.mine || "empty");
        setText(row.children[4], each.theirs || "empty");
      },
    );
    if (both.length) box.scrollIntoView({ block: "nearest" });
  }

  #keepMine() {
    const { entry } = this.#trade;
    const mine = words.changes(this.#base, this.#read());
    const fields = { ...words.formOf(entry), ...pick(this.#read(), Object.keys(mine)) };
    this.#begin(entry, null);
    this.#fill(fields);
    this.save();
  }
}

function pick(fields, names) {
  return Object.fromEntries(names.map((name) => [name, fields[name]]));
}
