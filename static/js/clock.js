// The server's time, so that a wrong clock in the browser does not falsify the time left.
let offset = Date.parse(document.body.dataset.now) - Date.now();

export const now = () => Date.now() + offset;

// Sets the server's time from a live response.
export function setNow(text) {
  const time = Date.parse(text);
  if (!Number.isNaN(time)) offset = time - Date.now();
}

// Calls `tick` now, every second, when the page becomes visible, and after a live region is refreshed.
export function everySecond(tick) {
  tick();
  window.setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("visibilitychange", tick);
  document.addEventListener("live:refreshed", tick);
}
