// What every page has besides its own panels: store, live line, top line, toasts, theme, ages.

import { keepState, lastState, registerWorker } from "./installed.js";
import { Live } from "./live.js";
import { learnMarkets } from "./names.js";
import { showNotification } from "./notifications.js";
import { learnNames } from "./palette.js";
import { PanelMenus } from "./panel_menu.js";
import { Panels } from "./panels.js";
import { speaks } from "./rule_words.js";
import { initShortcuts } from "./shortcuts.js";
import { Store } from "./store.js";
import { initTheme } from "./theme.js";
import { drawTopline } from "./topline.js";

const MS_PER_NS = 1e-6;
const QUIET_MS = 2000; // without a word for so long, what was kept is shown

export class Frame {
  store = new Store();
  panels = new Panels(document);
  menus = new PanelMenus(this.store);
  live;
  skewMs = 0; // server's clock minus this browser's
  #statusMs = null; // when the newest status came, on this browser's clock

  constructor() {
    this.live = new Live(this.store, { onChange: () => this.draw(), onNotice: told });
    this.store.on("strategies", (rows) => learnNames(rows.map((row) => row.strategy)));
    this.store.on("market", (rows, delta) => learnMarkets(delta ?? rows));
    this.store.on("portfolio", () => this.draw());
    this.store.on("alerts", (_, delta) => {
      for (const alert of delta ?? []) {
        if (speaks(alert)) told({ ...alert, level: alert.severity });
      }
    });
    this.store.on("status", (status) => {
      this.#statusMs = this.live.oldMs ?? Date.now();
      if (status?.server_ts_ns) this.skewMs = status.server_ts_ns * MS_PER_NS - this.#statusMs;
      this.draw();
    });
  }

  // onSecond is called once a second, onTheme after a switch between dark and light; the rest is
  // what the keyboard does here, see shortcuts.js.
  start({ onSecond = () => {}, onTheme = () => {}, ...keys } = {}) {
    initTheme(document.getElementById("theme-switch"), onTheme);
    initShortcuts(this.store, keys);
    this.live.start();
    keepState(this.store, this.live);
    setTimeout(() => this.#rememberLast(), QUIET_MS);
    if (document.readyState === "complete") registerWorker();
    else addEventListener("load", registerWorker);
    const here = document.querySelector('.rail [aria-current="page"]'); // a phone's bar scrolls
    here?.scrollIntoView({ inline: "center", block: "nearest" });
    this.draw();
    setInterval(() => {
      this.draw();
      this.panels.tick();
      onSecond();
    }, 1000);
  }

  async #rememberLast() {
    if (this.live.lastHeardMs !== null) return;
    const last = await lastState(Date.now());
    if (last) this.live.showOld(last);
  }

  // Since when what is shown is known to be right: since heard, or since the bot fell silent.
  asOf(heardMs = this.live.lastHeardMs) {
    const bot = this.store.state.status?.bot;
    if (!bot || bot.state === "running" || !bot.since) return heardMs;
    return Math.min(heardMs, Date.parse(bot.since) - this.skewMs);
  }

  draw() {
    const heard = {
      connection: this.live.state,
      heardMs: this.live.lastHeardMs,
      statusMs: this.#statusMs,
    };
    drawTopline(this.store.state, heard, Date.now());
  }
}

function told(notice) {
  const text = notice.title ? `${notice.title}: ${notice.message}` : notice.message;
  showNotification(text, notice.level);
}
