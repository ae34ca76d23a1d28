// Shows how long a task has run so far.
import { everySecond, now } from "./clock.js";

function write(element) {
  const seconds = Math.max(0, Math.round((now() - Date.parse(element.dataset.elapsed)) / 1000));
  element.textContent = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export const startElapsed = () =>
  everySecond(() => document.querySelectorAll("[data-elapsed]").forEach(write));
