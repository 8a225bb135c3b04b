// The service worker of this page, and the newest state that it keeps for when nobody answers.

const KEEP_EVERY_MS = 30_000;
const OLD_MS_MAX = 7 * 86_400_000; // older numbers say nothing about now
const CACHE = "papertape-state";
const NAME = "/last-state";

// Scripts may only come from addresses that a policy lets pass (require-trusted-types-for).
const policy = window.trustedTypes?.createPolicy("papertape-worker", {
  createScriptURL: (address) => {
    if (address !== "/sw.js") throw new TypeError(`no worker is at ${address}`);
    return address;
  },
});

export function registerWorker() {
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  const address = policy?.createScriptURL("/sw.js") ?? "/sw.js";
  const tell = () => {
    const files = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
    const ours = files.filter(({ pathname }) => pathname.startsWith("/static/"));
    const keep = [location.pathname, ...ours.map(({ pathname, search }) => pathname + search)];
    serviceWorker.controller?.postMessage({ keep });
  };
  serviceWorker.addEventListener("controllerchange", tell);
  serviceWorker.register(address, { scope: "/" }).catch(() => {
    // Not installable here (a private window, say); everything else works.
  });
}

// The state in the shape of a snapshot, as store.js takes it.
export function kept(store, atMs) {
  const { state, lines, ledgerId } = store;
  const message = { ...state, markets: state.market, lines, seq: lines.status };
  return { atMs, message: { ...message, ledger_id: ledgerId } };
}

// What was kept, if it is one of ours and not too old. Pure.
export function usable(found, nowMs) {
  const { atMs, message } = found ?? {};
  const lists = [message?.trades, message?.alerts, message?.strategies, message?.markets];
  const whole = Boolean(message?.status) && lists.every(Array.isArray);
  return whole && atMs <= nowMs && nowMs - atMs < OLD_MS_MAX ? { atMs, message } : null;
}

export function keepState(store, live) {
  if (!("caches" in window)) return;
  const keep = async () => {
    if (live.state !== "live" || !store.state.status) return;
    try {
      const cache = await caches.open(CACHE);
      await cache.put(NAME, Response.json(kept(store, live.lastHeardMs)));
    } catch {
      // No room, or forbidden: then there is nothing to show while nobody answers.
    }
  };
  store.on("status", once(keep));
  setInterval(keep, KEEP_EVERY_MS);
  document.addEventListener("visibilitychange", () => document.hidden && keep());
}

function once(act) {
  let done = false;
  return () => {
    if (!done) setTimeout(act, 1000); // after the first drawing
    done = true;
  };
}

export async function lastState(nowMs) {
  if (!("caches" in window)) return null;
  try {
    const found = await (await caches.open(CACHE)).match(NAME);
    return usable(await found?.json(), nowMs);
  } catch {
    return null;
  }
}
