// The line that every page has: mode, bot, feed, equity and today, connection; and the page title.

import { setFigure, setSigned, setText, setTitle } from "./dom.js";
import { todayPnl } from "./figures.js";
import * as format from "./format.js";
import { modeName } from "./names.js";
import { bellWords } from "./rule_words.js";
import { botSign, connectionSign, feedSign, feedTitle, notice, pageTitle } from "./words.js";

function sign(id, { dot, text }, ageText = "") {
  const node = document.getElementById(id);
  node.querySelector(".dot").dataset.state = dot;
  setText(node.querySelector(".sign-text"), text);
  const age = node.querySelector(".sign-age");
  if (age) setText(age, ageText);
}

// heard: {connection, heardMs, statusMs} on this browser's clock
export function drawTopline({ status, portfolio }, heard, nowMs) {
  const since = nowMs - (heard.statusMs ?? nowMs);
  const ageOf = (ms) => (typeof ms === "number" ? format.age(ms + since) : "");
  const running = status?.bot.state === "running";
  sign("sign-connection", connectionSign(heard.connection));
  const lost = heard.connection === "lost";
  const known = (said) => (lost && said.dot === "live" ? { ...said, dot: "stale" } : said);
  sign("sign-bot", known(botSign(status)), running ? ageOf(status.bot.heartbeat_age_ms) : "");
  sign("sign-feed", known(feedSign(status)), running ? ageOf(status.feed?.age_ms) : "");
  drawNotice(notice(heard.connection, status, heard.heardMs, nowMs));
  if (!status) return;
  const mode = modeName(status.mode);
  drawBell(status.open_alerts ?? 0);
  setText(document.getElementById("mode-badge"), mode);
  setTitle(document.getElementById("sign-feed"), feedTitle(status));
  const equity = portfolio?.summary?.total_value ?? status.equity;
  setFigure(document.getElementById("topline-equity"), format.money(equity));
  const pnl = todayPnl(portfolio?.summary, status);
  const today = document.getElementById("topline-today");
  setSigned(today, format.change(pnl), format.arrow(pnl), format.tone(pnl));
  const title = pageTitle(pnl, mode);
  if (document.title !== title) document.title = title;
}

function drawBell(count) {
  const bell = document.getElementById("bell");
  const words = bellWords(count);
  if (bell.getAttribute("aria-label") === words) return;
  bell.setAttribute("aria-label", words);
  setTitle(bell, words);
  const badge = bell.querySelector(".bell-count");
  badge.hidden = count === 0;
  setText(badge, count > 99 ? "99+" : String(count));
}

function drawNotice(said) {
  const node = document.getElementById("notice");
  node.hidden = said === null;
  if (!said) return;
  node.dataset.level = said.level;
  node.querySelector(".dot").dataset.state = { alarm: "dead", warn: "stale" }[said.level] ?? "off";
  setText(node.querySelector("p"), said.text);
}
