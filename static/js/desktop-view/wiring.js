// Connects the controls of the bar to their actions.

import { remember } from "./layout-guess.js";
import { PortalError } from "./portal.js";

const CHORDS = {
  "ctrl-alt-del": ["ControlLeft", "AltLeft", "Delete"],
  "alt-tab": ["AltLeft", "Tab"],
  win: ["MetaLeft"],
  print: ["PrintScreen"],
  escape: ["Escape"],
};

/** Adds extend, pictured, showQuality, setExtend and wake to `view`, and connects the bar. */
export function wireBar(view) {
  wireConnection(view);
  wireTime(view);
  wireClipboard(view);
  wireKeyboard(view);
  wireScreen(view);
  wireQuality(view);
}

function onClick(view, name, act) {
  view.find(name)?.addEventListener("click", act);
}

function wireConnection(view) {
  const { words, connection, curtain } = view;
  let isFirst = true;
  view.pictured = () => {
    if (isFirst) view.bar.hint();
    isFirst = false;
    document.title = view.settings.title;
    askForClipboard(view);
  };
  curtain.retry.addEventListener("click", () => connection.now());
  curtain.resume.addEventListener("click", () => connection.resume());
  onClick(view, "disconnect", () => connection.disconnect(...words.disconnected));
  onClick(view, "popout", () => {
    view.bar.close(); // in a small window the bar would cover the curtain's message
    const features = `popup,width=${Math.min(1280, screen.availWidth)},height=${Math.min(800, screen.availHeight)}`;
    if (window.open(location.href, `winux-${view.settings.id}`, features)) connection.disconnect(...words.poppedOut);
    else view.notes.show(words.popupBlocked);
  });
  askFirst(view, "stop", () => view.portal.stop());
  askFirst(view, "pause", () => view.portal.pause());
}

/** Makes a button of the bar ask in the dialog of the same name before it acts. */
function askFirst(view, name, act) {
  const dialog = view.find(`${name}-dialog`);
  onClick(view, name, () => dialog.showModal());
  dialog?.addEventListener("close", async () => {
    if (dialog.returnValue === name) await attempt(view, act);
  });
}

function wireTime(view) {
  const button = view.find("extend");
  view.setExtend = (minutes) => {
    button.hidden = !minutes;
    button.querySelector("span").textContent = view.words.extendBy.replace("%d", minutes ?? 0);
  };
  view.extend = () => attempt(view, async () => {
    const state = await view.portal.extend();
    view.countdown.set(state);
    view.setExtend(state.extend_minutes);
    view.notes.show(view.words.extended);
  });
  button.addEventListener("click", () => view.extend());
  view.countdown.set(view.settings);
  view.setExtend(view.settings.extend_minutes);
  const box = view.find("end-on-close");
  box.checked = view.settings.end_on_close;
  box.addEventListener("change", () => attempt(view, () => view.heartbeat.setEndsOnClose(box.checked)));
  view.wake = () => view.keyboard.chord("ShiftLeft");
}

function wireClipboard(view) {
  const { clipboard, words } = view;
  const button = view.find("clipboard");
  const show = () => {
    button.setAttribute("aria-pressed", String(clipboard.isOn && clipboard.isAllowed));
    button.disabled = !clipboard.isAllowed;
    button.title = clipboard.isAllowed ? words.clipboard[clipboard.isOn ? "on" : "off"] : words.clipboard.forbidden;
  };
  clipboard.addEventListener("change", show);
  clipboard.addEventListener("toolong", () => view.notes.show(words.clipboard.tooLong));
  button.addEventListener("click", () => clipboard.turn(!clipboard.isOn));
  show();
}

function askForClipboard(view) {
  const { clipboard, words, notes } = view;
  if (clipboard.wasAsked || !clipboard.isAllowed) return;
  notes.show(words.clipboard.ask, [
    [words.clipboard.share, () => clipboard.turn(true)],
    [words.clipboard.notNow, () => clipboard.turn(false)],
  ]);
}

function wireKeyboard(view) {
  for (const button of document.querySelectorAll("[data-chord]")) {
    button.addEventListener("click", () => {
      view.keyboard.chord(...CHORDS[button.dataset.chord]);
      view.bar.close();
    });
  }
  const select = view.find("layout");
  select.value = view.layout;
  select.addEventListener("change", () => {
    view.layout = select.value;
    remember(view.layout);
    view.bar.close();
    view.connection.renew();
  });
  onClick(view, "type", () => {
    view.bar.close();
    view.textField.open();
    view.notes.show(view.words.typing);
  });
}

function wireScreen(view) {
  for (const choice of document.querySelectorAll("[data-scale]")) {
    choice.addEventListener("change", () => view.screen.setScale(choice.value));
  }
  for (const choice of document.querySelectorAll("[data-touch]")) {
    choice.addEventListener("change", () => view.touch.setMode(choice.value));
  }
  const button = view.find("fullscreen");
  button.hidden = !document.fullscreenEnabled;
  button.addEventListener("click", () => toggleFullScreen(view));
  document.addEventListener("fullscreenchange", () => {
    button.setAttribute("aria-pressed", String(document.fullscreenElement !== null));
    view.bar.close();
  });
}

async function toggleFullScreen(view) {
  if (document.fullscreenElement) return document.exitFullscreen();
  await document.documentElement.requestFullscreen({ navigationUI: "hide" });
  view.stage.focus({ preventScroll: true });
  // where supported, sends Alt+Tab, the Windows key and Ctrl+W to the desktop
  return navigator.keyboard?.lock?.().catch(() => {});
}

function wireQuality(view) {
  const text = view.find("quality");
  view.showQuality = ({ roundTripMs, rate }) => {
    const trip = roundTripMs === null ? "–" : String(Math.max(1, Math.round(roundTripMs)));
    text.textContent = view.words.quality.replace("%t", trip).replace("%r", rateWords(rate));
    text.dataset.is = roundTripMs === null || roundTripMs > 300 ? "bad" : roundTripMs > 120 ? "fair" : "good";
  };
}

function rateWords(rate) {
  return rate >= 1e6 ? `${(rate / 1e6).toFixed(1)} MB/s` : `${Math.round(rate / 1e3)} kB/s`;
}

/** Runs `act`; shows the reason if the portal refuses. */
async function attempt(view, act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof PortalError)) throw error;
    view.notes.show(`${error.message} ${error.whatToDo}`.trim());
  }
}
