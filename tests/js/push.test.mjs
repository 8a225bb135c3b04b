// Web push in the browser: what stands in the way, what a browser is called, keys as bytes.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  browserName,
  hex,
  hindrance,
  keyBytes,
  subscriptionBody,
} from "../../src/papertape/dashboard/static/js/push_words.js";

const FREE = {
  installed: true,
  install: "pip install x",
  secure: true,
  worker: true,
  push: true,
  permission: "default",
};

test("what a person would have to change is said, the first thing first", () => {
  assert.equal(hindrance(FREE), "");
  assert.equal(hindrance({ ...FREE, permission: "granted" }), "");
  assert.match(hindrance({ ...FREE, permission: "denied" }), /blocks notifications/);
  assert.match(hindrance({ ...FREE, push: false }), /does not offer push/);
  assert.match(hindrance({ ...FREE, worker: false, permission: "denied" }), /does not offer push/);
  assert.match(hindrance({ ...FREE, secure: false, worker: false }), /https or on this computer/);
  assert.match(hindrance({ ...FREE, installed: false, secure: false }), /pip install x/);
});

test("browsers are told apart by name and system", () => {
  const linux = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
  assert.equal(browserName(`${linux} Chrome/140.0 Safari/537.36`), "Chrome on Linux");
  assert.equal(browserName(`${linux} Chrome/140.0 Safari/537.36 Edg/140.0`), "Edge on Linux");
  assert.equal(
    browserName("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"),
    "Firefox on Android",
  );
  assert.equal(
    browserName("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1"),
    "Safari on iOS",
  );
  assert.equal(browserName(""), "A browser on another system");
});

test("keys and digests", () => {
  assert.deepEqual([...keyBytes("-_8A")], [0xfb, 0xff, 0x00]);
  assert.deepEqual([...keyBytes("AQ")], [1]);
  assert.equal(hex(new Uint8Array([0, 15, 255]).buffer), "000fff");
});

test("only what the dashboard takes is sent", () => {
  const found = { endpoint: "e", expirationTime: null, keys: { p256dh: "p", auth: "a", more: 1 } };
  assert.deepEqual(subscriptionBody(found, ""), {
    endpoint: "e",
    keys: { p256dh: "p", auth: "a" },
    label: "A browser on another system",
  });
});
