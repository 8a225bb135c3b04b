// Dark or light: the browser's wish until a person switches; then remembered in this browser.

const KEY = "papertape.theme";

export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
}

export function initTheme(button, onChange) {
  button.addEventListener("click", () => {
    const theme = currentTheme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // Not remembered, but switched.
    }
    onChange();
  });
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", onChange);
}

const resolved = new Map();

// Charts draw on canvas and need real colours: let the browser resolve the token, once per theme.
export function color(token) {
  const key = `${currentTheme()}:${token}`;
  if (!resolved.has(key)) resolved.set(key, resolve(token));
  return resolved.get(key);
}

function resolve(token) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${token})`;
  probe.hidden = true;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

export function reducedMotion() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}
