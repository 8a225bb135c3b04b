// The sentences of this page: what is alive, what is not, and what will appear. Pure.

import * as format from "./format.js";

const BOT = {
  running: ["live", "Bot running"],
  silent: ["stale", "Bot silent"],
  stopped: ["off", "Bot off"],
  never: ["off", "No bot yet"],
};

const FEED = {
  live: ["live", "Feed live"],
  stale: ["stale", "Feed stale"],
  ended: ["off", "Feed ended"],
  unknown: ["off", "Feed"],
};

const CONNECTION = {
  connecting: ["off", "Connecting"],
  live: ["live", "Connected"],
  polling: ["stale", "Polling"],
  lost: ["error", "Connection lost"],
};

export function connectionSign(state) {
  const [dot, text] = CONNECTION[state];
  return { dot, text };
}

export function botSign(status) {
  if (!status) return { dot: "off", text: "Bot" };
  const engine = status.engine?.state;
  const [dot, text] = BOT[status.bot.state] ?? ["off", "Bot"];
  if (status.bot.state !== "running") return { dot, text };
  if (engine === "halted") return { dot: "dead", text: "Bot halted" };
  return engine === "paused" ? { dot: "stale", text: "Bot paused" } : { dot, text };
}

export function feedSign(status) {
  if (!status) return { dot: "off", text: "Feed" };
  if (status.bot.state !== "running") return { dot: "off", text: "Feed off" };
  const [dot, text] = FEED[status.feed?.state] ?? FEED.unknown;
  const down = (status.feed?.venues ?? []).filter((venue) => venue.state !== "live");
  if (dot !== "stale" || down.length === 0) return { dot, text };
  return { dot, text: down.length === 1 ? `${down[0].name} stale` : `${down.length} feeds stale` };
}

// What hovering over the feed's sign says: each venue of several, with its age and its trouble.
export function feedTitle(status) {
  const name = status.feed?.name ? `: ${status.feed.name}` : "";
  const lines = (status.feed?.venues ?? []).map((venue) => {
    const age = typeof venue.age_ms === "number" ? `, ${format.age(venue.age_ms)}` : "";
    const reason = venue.state !== "live" && venue.reason ? `: ${venue.reason}` : "";
    return `${venue.name} ${venue.state}${age}${reason}`;
  });
  return [`Market data${name}, and the age of the newest price`, ...lines].join("\n");
}

const AS_OF = "These are the numbers as of then.";

// The one line above the page, or null when there is nothing to say. `heardMs` is when the page
// last heard from the dashboard, `nowMs` now.
export function notice(connection, status, heardMs, nowMs) {
  if (connection === "lost") {
    if (heardMs === null) {
      return { level: "alarm", text: "The dashboard does not answer. Trying again." };
    }
    const since = format.clock(new Date(heardMs));
    const age = format.age(nowMs - heardMs);
    const text = `Connection lost. These are the numbers as of ${since}, ${age} ago. Reconnecting.`;
    return { level: "alarm", text };
  }
  if (!status) return null;
  const said = botNotice(status) ?? engineNotice(status);
  if (said) return said;
  if (connection === "polling") {
    return { level: "warn", text: "No live connection; the numbers are asked for every 5 s." };
  }
  return null;
}

function botNotice(status) {
  const { state, since, reason } = status.bot;
  const at = since ? ` since ${format.clock(since)}` : "";
  if (state === "never") {
    const how = "Start it with “papertape run”; this page comes alive by itself.";
    return { level: "quiet", text: `The bot has not run yet. ${how}` };
  }
  if (state === "stopped") {
    const why = reason ? ` (${/\bSIG[A-Z]+/.test(reason) ? "stopped on request" : reason})` : "";
    return { level: "warn", text: `The bot is not running${at}${why}. ${AS_OF}` };
  }
  if (state === "silent") {
    return { level: "alarm", text: `No sign of life from the bot${at}. ${AS_OF}` };
  }
  return null;
}

function engineNotice(status) {
  const { state, reason } = status.engine ?? {};
  const why = reason ? `: ${reason}` : "";
  if (state === "halted") return { level: "alarm", text: `Trading is halted${why}.` };
  if (state === "paused") return { level: "warn", text: `Trading is paused${why}.` };
  if (status.catching_up) {
    const left = format.plural(status.behind, "record", "records");
    return { level: "quiet", text: `Reading the tape: ${left} to go.` };
  }
  if (status.feed?.state === "stale") {
    const feedWhy = status.feed.reason ? `: ${status.feed.reason}` : "";
    return { level: "warn", text: `Market data is stale${feedWhy}. Nothing is traded on it.` };
  }
  return null;
}

// What the table of trades says before the first trade.
export function noTrades(state, when) {
  const { status, market, strategies, activity } = state;
  if (!status || status.bot.state === "never") {
    return "No trade yet. Trades appear here as soon as the bot runs and a strategy acts.";
  }
  if (status.bot.state !== "running") return "No trade yet, and the bot is not running.";
  const running = strategies.filter((row) => row.status === "running").length;
  const who = running === 1 ? "One strategy is" : `${format.count(running)} strategies are`;
  const seen = new Set(market.map((row) => row.market || row.symbol)).size;
  const markets = format.plural(seen, "market", "markets");
  const watch = seen ? `watching ${markets}` : "waiting for market data";
  return `No trade yet. ${who} ${watch}${lastRefusal(activity, when)}.`;
}

function lastRefusal(activity, when) {
  const [signal] = activity?.recent_signals ?? [];
  if (!signal || signal.state !== "refused") return "";
  return `; the last signal was refused ${when(signal.time)}: ${signal.reason}`;
}

export const EMPTY = {
  cumulative: "No equity yet. The curve begins when the bot starts an account.",
  allocation: "No account yet. Cash and positions appear when the bot starts one.",
  positions: "Nothing is held. What a strategy buys stands here until it is sold or paid out.",
  strategies: "No strategy yet. Each one that “papertape run” names has its line here.",
  pnl: "No result yet. The first bar appears with the first closed trade.",
  distribution: "No closed trade yet. Wins and losses are counted here.",
  comparison: "No strategy to compare yet.",
  markets: "No market yet. Best bid and ask appear as soon as the bot’s feed speaks.",
  refusals: "No signal was refused. What risk says no to is counted here, with the reason.",
};

export function pageTitle(pnl, modeName) {
  const shown = typeof pnl === "number" ? format.money(Math.abs(pnl)) : "";
  const figure = `${format.arrow(pnl)} ${shown}`.trim();
  return [figure, modeName, "papertape"].filter(Boolean).join(" · ");
}
