// What the machine room says: facts as pairs of words, a verdict, a log line. Pure.

import * as format from "./format.js";

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const HASH_CHARS = 12;
const QUOTA_HIGH = 0.9; // of the quota: the oldest runs go soon

export function bytes(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return format.NO_VALUE;
  let unit = 0;
  let left = value;
  while (left >= 1000 && unit < UNITS.length - 1) {
    left /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || left >= 100 ? 0 : 1;
  return `${left.toFixed(digits)} ${UNITS[unit]}`;
}

const CLOCK_FINE_MS = 1000; // below it the clocks are as good as one

// Why a feed is in its state, and how far its clock is from ours.
export function feedText({ reason, clock }) {
  if (!clock) return reason;
  const apart = Math.abs(clock.ahead_ms);
  const side = clock.ahead_ms > 0 ? "ahead of" : "behind";
  const told =
    apart < CLOCK_FINE_MS || apart <= clock.error_ms
      ? "our clocks agree"
      : `our clock is ${format.age(apart)} ${side} it`;
  return reason ? `${reason}; ${told}` : told;
}

const DOUBTS_SHOWN = 6;
const lasted = (ms) => (ms < 1000 ? `${format.count(ms)} ms` : format.age(ms));

export function continuityFacts(found) {
  const { open_count: open, ended, fills_near: fills } = found;
  return [
    ["Not trusted now", format.plural(open, "book", "books")],
    ["Repaired or ended", format.plural(ended, "time", "times")],
    ["Longest", ended ? lasted(found.longest_ms) : format.NO_VALUE],
    ["Fills within 5 s of one", format.count(fills)],
    ...(fills ? [["Their realised P&L", format.money(found.realized_near)]] : []),
  ];
}

// What is doubtful now, then the newest that are over.
export function doubtRows(found) {
  const now = found.open.map((doubt) => ({ ...doubt, dot: "stale" }));
  const over = found.periods.map((period) => ({
    id: period.id,
    symbol: period.symbol,
    state: `${period.repaired ? "live again after" : "ended after"} ${lasted(period.lasted_ms)}`,
    reason: period.reason,
    since: period.from,
    dot: period.repaired ? "live" : "off",
  }));
  return [...now, ...over].slice(0, DOUBTS_SHOWN);
}

const ENGINE = { trading: "trading", paused: "paused", halted: "halted" };
const BOT = { running: "running", silent: "silent", stopped: "stopped", never: "has not run yet" };

export function engineFacts(status, nowMs) {
  const { bot, engine } = status;
  const running = bot.state === "running";
  const began = bot.since ? format.clock(bot.since) : format.NO_VALUE;
  const beat = bot.heartbeat_age_ms;
  return [
    ["Bot", BOT[bot.state] ?? bot.state],
    ["Engine", running ? (ENGINE[engine.state] ?? engine.state) : "off"],
    ...(running && engine.reason ? [["Why", engine.reason]] : []),
    ["Heartbeat", beat === null ? format.NO_VALUE : `${format.age(beat + nowMs)} ago`],
    [running ? "Running since" : "Since", began, format.utc(bot.since)],
    ["Run", status.run_id ?? format.NO_VALUE],
    ["Process", bot.pid === null ? format.NO_VALUE : String(bot.pid)],
  ];
}

// Which buttons can do something now.
export function actionsFor(status) {
  const running = status?.bot.state === "running";
  const engine = status?.engine.state;
  return {
    pause: running && engine === "trading",
    resume: running && engine !== "trading",
    halt: running && engine !== "halted",
  };
}

export function tapeFacts({ status, head, anchor }) {
  const hash = head ? `${head.hash.slice(0, HASH_CHARS)}…` : format.NO_VALUE;
  return [
    ["Records", head ? format.count(head.seq) : "0"],
    ["Not read yet", format.plural(status.behind, "record", "records")],
    ["Newest record", head ? format.clock(head.time) : format.NO_VALUE, format.utc(head?.time)],
    ["Head of the chain", hash, head?.hash ?? ""],
    ["Anchor", anchorText(anchor)],
  ];
}

function anchorText({ state, seq, sealed, age_ms: age }) {
  if (state !== "ok") return state === "missing" ? "none yet" : "cannot be read";
  return `${sealed ? "sealed at" : "at"} ${format.count(seq)}, ${format.age(age)} ago`;
}

export function storageFacts(sizes) {
  const quota = sizes.market_quota_bytes;
  const market = bytes(sizes.market_bytes);
  return [
    ["Ledger", bytes(sizes.ledger_bytes)],
    ["Its write-ahead log", bytes(sizes.wal_bytes)],
    ["Market data", quota ? `${market} of ${bytes(quota)}` : market],
    ["Journal", bytes(sizes.desk_bytes)],
    ["Log files", bytes(sizes.logs_bytes)],
    ["Free on this disk", bytes(sizes.disk_free_bytes)],
  ];
}

// How full the quota of market data is; null when none is known.
export function quotaShare(sizes) {
  if (!sizes.market_quota_bytes) return null;
  const share = Math.min(1, sizes.market_bytes / sizes.market_quota_bytes);
  return { share, level: share >= QUOTA_HIGH ? "high" : "fine" };
}

export function versionFacts({ versions, dashboard, status }) {
  return [
    ["papertape", versions.papertape],
    ["Core", versions.core],
    ["Python", versions.python],
    ["SQLite", versions.sqlite],
    ["System", versions.system],
    ["Open pages", format.count(status.sockets)],
    ["Dashboard process", `${dashboard.pid}, at most ${bytes(dashboard.peak_rss_bytes)}`],
  ];
}

const VERDICT = {
  never: ["off", "Not verified yet"],
  running: ["stale", "Verifying"],
  ok: ["live", "Nothing differs"],
  different: ["error", "This tape does not add up"],
  failed: ["error", "The verification could not be done"],
};

export function verdict({ state, elapsed_ms: elapsed, through_seq: through, report, ...rest }) {
  const [dot, title] = VERDICT[state] ?? ["off", state];
  const records = format.plural(report?.events ?? through ?? 0, "record", "records");
  const trades = format.plural(report?.trades ?? 0, "trade", "trades");
  const head = String(report?.head_hash).slice(0, HASH_CHARS);
  const text = {
    never: "It runs beside the bot, in a process of its own, and changes nothing.",
    running: `${records} in all, for ${format.age(elapsed)} now.`,
    ok: `${records} and ${trades} add up. Head ${head}….`,
    different: `${records} looked at.`,
    failed: rest.message,
  }[state];
  const when = rest.started_at ? ` Begun ${format.clock(rest.started_at)}.` : "";
  return { dot, title, text: `${text}${when}`, differences: report?.differences ?? [] };
}

// The rest of a log line, as `name value` pairs; a traceback keeps its lines.
export function moreText(more) {
  return Object.entries(more)
    .map(([name, value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      return name === "exception" ? `\n${text}` : `${name} ${text}`;
    })
    .join("  ");
}

export function logQuery({ source, level, q }, cursor) {
  const query = new URLSearchParams({ limit: "100" });
  for (const [name, value] of Object.entries({ source, level, q: q?.trim() })) {
    if (value) query.set(name, value);
  }
  if (cursor) query.set("cursor", String(cursor));
  return `/api/logs?${query}`;
}
