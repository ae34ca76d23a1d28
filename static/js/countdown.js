// Counts down the time left, as a clock and as a ring.
import { everySecond, now } from "./clock.js";

const two = (number) => String(number).padStart(2, "0");

function face(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function tone(seconds) {
  if (seconds < 60) return "tone-bad";
  return seconds < 300 ? "tone-warn" : "tone-good";
}

function write(element) {
  const seconds = Math.max(0, Math.floor((Date.parse(element.dataset.countdown) - now()) / 1000));
  const text = element.querySelector("[data-countdown-text]");
  const ring = element.querySelector("[data-countdown-ring]");
  if (text) text.textContent = face(seconds);
  if (!ring) return;
  const percent = Math.min(100, (100 * seconds) / Number(element.dataset.countdownWhole));
  ring.setAttribute("stroke-dasharray", `${percent.toFixed(2)} 100`);
  element.classList.remove("tone-good", "tone-warn", "tone-bad");
  element.classList.add(tone(seconds));
}

export const startCountdown = () =>
  everySecond(() => document.querySelectorAll("[data-countdown]").forEach(write));
