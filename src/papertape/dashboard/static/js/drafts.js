// Half-written forms, kept in this browser until they are saved or thrown away.

export const DRAFTS_MAX = 50; // the oldest go first; a draft may hold 20,000 characters

export class Drafts {
  #storage;
  #prefix;

  // storage: localStorage, or what behaves like it; null where the browser forbids it
  constructor(storage, name) {
    this.#storage = storage;
    this.#prefix = `papertape.draft.${name}.`;
  }

  read(id) {
    try {
      const text = this.#storage?.getItem(this.#prefix + id);
      return text ? JSON.parse(text) : null;
    } catch {
      return null; // not ours, or not readable: there is no draft
    }
  }

  // Returns whether it was kept.
  write(id, draft) {
    try {
      this.#storage.setItem(this.#prefix + id, JSON.stringify(draft));
      this.#prune();
      return true;
    } catch {
      return false;
    }
  }

  remove(id) {
    this.#storage?.removeItem(this.#prefix + id);
  }

  ids() {
    return this.#keys().map((key) => key.slice(this.#prefix.length));
  }

  #keys() {
    const count = this.#storage?.length ?? 0;
    const keys = Array.from({ length: count }, (_, i) => this.#storage.key(i));
    return keys.filter((key) => key?.startsWith(this.#prefix));
  }

  #prune() {
    const keys = this.#keys();
    if (keys.length <= DRAFTS_MAX) return;
    const dated = keys.map((key) => [this.read(key.slice(this.#prefix.length))?.atMs ?? 0, key]);
    dated.sort((a, b) => a[0] - b[0]);
    for (const [, key] of dated.slice(0, keys.length - DRAFTS_MAX)) this.#storage.removeItem(key);
  }
}

export function localDrafts(name) {
  try {
    return new Drafts(window.localStorage, name);
  } catch {
    return new Drafts(null, name);
  }
}
