// Runs before the first paint, so that a remembered theme does not flash the other one first.
try {
  const theme = localStorage.getItem("papertape.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // Storage can be forbidden; then the browser's own wish decides.
}
