// Starts the behaviours of the pages, one module each. All pages also work without scripts.
import { startAgo } from "./ago.js";
import { startCopy } from "./copy.js";
import { startCountdown } from "./countdown.js";
import { startDialogs } from "./dialog.js";
import { startElapsed } from "./elapsed.js";
import { startFilter } from "./filter.js";
import { startLive } from "./live.js";
import { startLook } from "./look.js";
import { startMany } from "./many.js";
import { startMenu } from "./menu.js";
import { startOnce } from "./once.js";
import { startSecret } from "./secret.js";
import { startWait } from "./wait.js";
import { startWarm } from "./warm.js";

for (const start of [
  startAgo, startCountdown, startElapsed, startCopy, startSecret, startDialogs, startLook, startMany, startMenu,
  startOnce, startWait, startWarm, startFilter, startLive,
]) {
  start();
}

// A page restored from the browser's cache may be outdated and hold a used launch form.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.reload();
});
