// Web push in words: whether this browser can have it, and what it is called. Pure.

// What stands in the way, "" if nothing does. has: {secure, worker, push, permission, installed,
// install}; the first thing that a person would have to change comes first.
export function hindrance(has) {
  if (!has.installed) return `The dashboard cannot push yet. Where it runs: ${has.install}`;
  if (!has.secure) {
    return "Browsers allow push over https or on this computer (localhost) only; "
      + "this connection is neither.";
  }
  if (!has.worker || !has.push) {
    return "This browser does not offer push here: a private window, or not one of those that can. "
      + "On an iPhone or iPad, add papertape to the home screen first.";
  }
  if (has.permission === "denied") {
    return "This browser blocks notifications of this address; its site settings can allow them.";
  }
  return "";
}

export const onWords = (on) =>
  on
    ? "On. Rules that tell you in “push” reach this browser, also while no page is open."
    : "Off. Switch it on, then choose “push” in a rule: its alerts come here, also while no page "
      + "is open.";

const BROWSERS = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrom(e|ium)\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];
const SYSTEMS = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];
const named = (text, names, otherwise) =>
  names.find(([form]) => form.test(text))?.[1] ?? otherwise;

export const browserName = (agent) =>
  `${named(agent, BROWSERS, "A browser")} on ${named(agent, SYSTEMS, "another system")}`;

// The bytes of base64url without padding.
export function keyBytes(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
}

// A subscription as the dashboard takes it.
export function subscriptionBody(found, agent) {
  const { endpoint, keys } = found;
  return {
    endpoint,
    keys: { p256dh: keys.p256dh, auth: keys.auth },
    label: browserName(agent),
  };
}

export const hex = (bytes) =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
