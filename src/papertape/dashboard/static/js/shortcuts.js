// Palette, keys and their help, put together for one page.

import { send } from "./api.js";
import { copyLink } from "./clipboard.js";
import { CommandPalette } from "./command_palette.js";
import { command } from "./control.js";
import { showHelp } from "./help.js";
import { listenToKeys, moveInLists } from "./keys.js";
import { showError, showInfo } from "./notifications.js";
import { currentTheme } from "./theme.js";

// The pages as the rail lists them: one list for rail, palette, `g` and help.
export function railPages() {
  return [...document.querySelectorAll(".rail li a")].map((link) => ({
    name: link.querySelector(".label").textContent,
    href: link.getAttribute("href"),
    letter: link.dataset.go ?? "",
  }));
}

// filter: the field for `/`. move: what `j` and `k` do, if not what they do in every list.
// more: [[key, words, function]] of this page alone.
// acts: what the palette's entries of that name do on this page.
export function initShortcuts(store, { filter = null, move = null, more = [], acts = {} }) {
  const pages = railPages();
  const go = (letter) => {
    const page = pages.find((each) => each.letter === letter);
    if (page) location.assign(page.href);
    return Boolean(page);
  };
  const rows = [["j", "next row"], ["k", "row before"], ["Enter", "open it"]];
  const mine = more.map(([key, words]) => [key, words]);
  const taken = new Set(mine.map(([key]) => key));
  const own = [...rows.filter(([key]) => !taken.has(key)), ...mine];
  if (filter) own.unshift(["/", "filter"]);
  const help = () => showHelp(pages.filter(({ letter }) => letter), own);
  const palette = new CommandPalette({
    gather: () => ({ pages, state: store.state, theme: currentTheme(), has: { filter } }),
    run: (entry) => carryOut(entry, { ...ACTS, help, filter: () => filter.focus(), ...acts }),
  });
  document.getElementById("palette-open").addEventListener("click", () => palette.toggle());
  listenToKeys({
    palette: () => palette.toggle(),
    go,
    help,
    move: move ?? moveInLists,
    filter,
    more: Object.fromEntries(more.map(([key, , act]) => [key, act])),
  });
}

const ACTS = {
  theme: () => document.getElementById("theme-switch").click(),
  copy: () => copyLink(),
  tour: () => location.assign("/#tour"),
  verify,
};

function carryOut(entry, acts) {
  if (entry.href) follow(entry);
  else if (entry.act in acts) acts[entry.act]();
  else command(entry.act, entry.target);
}

function follow({ href, download }) {
  if (!download) {
    location.assign(href);
    return;
  }
  const link = document.createElement("a");
  link.href = href;
  link.download = "";
  link.click();
}

async function verify() {
  try {
    await send("POST", "/api/system/verify", {});
    if (location.pathname === "/system") showInfo("The tape is being verified");
    else location.assign("/system#panel-verification");
  } catch (error) {
    showError(`Not verified: ${error.message}`);
  }
}
