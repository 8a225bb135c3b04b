// Asks whether the dashboard is back, and goes on with the page that was wanted.

import { clock } from "./format.js";

const AGAIN_MS = 3000;
const PATIENCE_MS = 2500;

async function look() {
  try {
    await fetch("/api/health", { signal: AbortSignal.timeout(PATIENCE_MS) });
    location.reload(); // whatever it says, it is there
  } catch {
    const said = `Trying again every 3 s; last at ${clock(new Date())}.`;
    document.getElementById("tried").textContent = said;
  }
}

setInterval(look, AGAIN_MS);
