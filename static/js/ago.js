// Shows times in the person's time zone and language: relative, with the exact time on hover.
import { everySecond, now } from "./clock.js";

const language = document.documentElement.lang;
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
const hour = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, {
  weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

function words(seconds) {
  const [unit, size] = UNITS.find(([, size]) => seconds >= size) ?? [null, 0];
  return unit ? relative.format(-Math.floor(seconds / size), unit) : null;
}

function write(element) {
  const at = new Date(element.dateTime);
  element.title = exact.format(at);
  const format = "hour" in element.dataset ? hour : "day" in element.dataset ? day : null;
  const text = format ? format.format(at) : words((now() - at) / 1000);
  if (text && element.textContent !== text) element.textContent = text;
}

export const startAgo = () =>
  everySecond(() => document.querySelectorAll("time[data-ago], time[data-hour], time[data-day]").forEach(write));
