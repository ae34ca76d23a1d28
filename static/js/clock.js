// The server's time, so that a wrong clock in the browser does not falsify what is left.
let offset = Date.parse(document.body.dataset.now) - Date.now();

export const now = () => Date.now() + offset;

// Another server time that a live answer brought.
export function setNow(text) {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) offset = time - Date.now();
}

// Calls `tick` now, each second, when the page becomes visible, and when a live region was refreshed.
export function everySecond(tick) {
  tick();
  window.setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("live:refreshed", tick);
}
