// Copying an address: said when it worked, shown when the browser forbids it.

import { showError, showSuccess } from "./notifications.js";

export async function copyLink(address = location.href) {
  try {
    await navigator.clipboard.writeText(address);
    showSuccess("Link copied");
  } catch {
    showError(`The browser did not let the link be copied: ${address}`);
  }
}
