// What a person tells the bot: asked first, told afterwards, taken back where that is possible.

import { send } from "./api.js";
import { confirmAction, showError, showSuccess } from "./notifications.js";

const WORDS = {
  pause: "Pause trading? No new orders until you resume; open positions stay as they are.",
  resume: "Resume trading? Strategies may order again at once.",
  halt: "Halt all trading? Resting orders are taken back, and nothing is ordered until you resume.",
};
const UNDO = { pause: "resume", resume: "pause" }; // orders taken back by a halt do not come again

export function question(action, target = "") {
  if (!target) return WORDS[action];
  if (action === "pause") {
    return `Pause ${target}? It gives no signals until you resume it; its positions stay.`;
  }
  return `Resume ${target}? It may order again at once.`;
}

export function command(action, target = "") {
  confirmAction(question(action, target), () => tell(action, target));
}

export function closePosition(words, symbol) {
  confirmAction(words, () => tell("close", symbol));
}

async function tell(action, target) {
  try {
    const { data } = await send("POST", `/api/control/${action}`, target ? { target } : {});
    const back = UNDO[action];
    const undo = back && { label: "Undo", run: () => tell(back, target) };
    showSuccess(data.message || `${action}: done`, undo);
  } catch (error) {
    showError(`Not done: ${error.message}`);
  }
}
