// Keeps pages and their files for when nobody answers. BUILD stands in the line that the server
// puts before this one. Numbers are never kept here: what /api says is asked for or missing.

const KEPT = `papertape-pages-${BUILD}`;
const OURS = "papertape-pages-";
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(keep([OFFLINE]).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forget().then(() => self.clients.claim()));
});

// A page that was opened before this worker tells what it loaded.
self.addEventListener("message", (event) => {
  if (Array.isArray(event.data?.keep)) event.waitUntil(keep(event.data.keep));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate") {
    if (!/^\/(api|static|openapi)/.test(url.pathname)) event.respondWith(page(request, url));
  } else if (url.pathname.startsWith("/static/")) {
    event.respondWith(url.searchParams.has("v") ? once(request) : newest(request, request));
  }
});

// An alert while no page is open. Browsers want each push shown, so also one that cannot be read.
self.addEventListener("push", (event) => {
  const { title, message, level, url, tag } = said(event.data);
  const options = { body: message, tag, icon: "/static/icons/app-192.png", data: { url } };
  options.requireInteraction = level === "error";
  event.waitUntil(self.registration.showNotification(title, options));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(visit(new URL(event.notification.data?.url ?? "/alerts", self.location.origin)));
});

function said(data) {
  const found = { title: "papertape", message: "A new alert", tag: "papertape", url: "/alerts" };
  try {
    return { ...found, ...data?.json() };
  } catch {
    return found;
  }
}

// To the page that shows it if one is open, else to a new one; never to another site.
async function visit({ origin, pathname }) {
  if (origin !== self.location.origin) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find((each) => new URL(each.url).pathname === pathname);
  if (open) await open.focus();
  else await self.clients.openWindow(pathname);
}

async function keep(addresses) {
  const cache = await caches.open(KEPT);
  await Promise.allSettled(addresses.map((address) => cache.add(address)));
  const offline = await cache.match(OFFLINE);
  const files = [...((await offline?.clone().text()) ?? "").matchAll(/"(\/static\/[^"]+)"/g)];
  await Promise.allSettled(files.map(([, address]) => cache.add(address)));
}

async function forget() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(OURS) && name !== KEPT);
  await Promise.all(old.map((name) => caches.delete(name)));
}

// What has its hash in its address never changes.
async function once(request) {
  const cache = await caches.open(KEPT);
  const known = await cache.match(request);
  return known ?? newest(request, request);
}

// The server's word first; what was kept only when it says nothing.
async function newest(request, name) {
  const cache = await caches.open(KEPT);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(name, answer.clone());
    return answer;
  } catch (error) {
    const known = await cache.match(name);
    if (known) return known;
    throw error;
  }
}

// A page is kept under its path: its address says what it shows of it.
async function page(request, url) {
  try {
    return await newest(request, url.pathname);
  } catch {
    const cache = await caches.open(KEPT);
    return (await cache.match(OFFLINE)) ?? Response.error();
  }
}
