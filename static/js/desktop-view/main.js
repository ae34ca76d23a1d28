// The desktop viewer: connects stage, bar, keyboard, clipboard and the connection.

import { Bar } from "./bar.js";
import { Clipboard } from "./clipboard.js";
import { Connection } from "./connection.js";
import { Countdown } from "./countdown.js";
import { Curtain } from "./curtain.js";
import { Heartbeat } from "./heartbeat.js";
import { Keyboard } from "./keyboard.js";
import { guessLayout } from "./layout-guess.js";
import { Notes } from "./notes.js";
import { Picture } from "./picture.js";
import { Pointer } from "./pointer.js";
import { Portal } from "./portal.js";
import { Quality } from "./quality.js";
import { Screen } from "./screen.js";
import { TextField } from "./text-field.js";
import { Touch } from "./touch.js";
import { wireBar } from "./wiring.js";

const settings = JSON.parse(document.getElementById("desktop-view-settings").textContent);
const { words } = settings;
const find = (name) => document.querySelector(`[data-view-${name}]`);
const [stage, canvas] = [find("stage"), find("canvas")];

const view = {
  settings,
  words,
  find,
  stage,
  canvas,
  layout: await guessLayout(settings.keyboard_layout),
  portal: new Portal({ urls: settings.urls, csrf: settings.csrf, words }),
  curtain: new Curtain(find("curtain")),
  notes: new Notes(find("note")),
  picture: new Picture(canvas),
};

const session = () => view.connection.session;
const inputs = {
  key: (scancode, isDown) => session()?.key(scancode, isDown),
  locks: (locks) => session()?.locks(locks),
  releaseAll: () => session()?.releaseAll(),
  move: (x, y) => session()?.move(x, y),
  button: (button, isDown) => session()?.button(button, isDown),
  notch: (isVertical, direction) => session()?.notch(isVertical, direction),
};

view.bar = new Bar(find("bar"), find("grip"), stage);
view.screen = new Screen(stage, canvas, (size, percent) => session()?.resize(size, percent));
view.keyboard = new Keyboard({
  ...inputs,
  isOurs: (event) => isBarKey(event),
  isPaste: (event) => view.clipboard.isPaste(event),
  layout: () => view.layout,
  untypable: (text) => giveUntypable(text),
});
view.clipboard = new Clipboard({ session, keyboard: view.keyboard, may: { in: true, out: true } });
view.pointer = new Pointer(canvas, (event) => view.screen.place(event), inputs);
view.touch = new Touch(canvas, view.screen, find("pointer"), {
  ...inputs,
  tapped: () => stage.focus({ preventScroll: true }),
});
view.textField = new TextField(find("text"), {
  stroke: (stroke) => view.keyboard.stroke(stroke),
  chord: (code) => view.keyboard.chord(code),
  layout: () => view.layout,
  untypable: (text) => giveUntypable(text),
});
view.countdown = new Countdown(find("left"), words.left, (minutes) => {
  view.notes.show(words.endsSoon.replace("%d", minutes), [[words.extend, () => view.extend()], [words.later, () => {}]]);
});
view.connection = new Connection(
  {
    canvas,
    portal: view.portal,
    screen: view.screen,
    picture: view.picture,
    curtain: view.curtain,
    words,
    moduleUrl: settings.module_url,
    keyboardLayout: () => view.layout,
  },
  {
    cursor: (style) => { canvas.style.cursor = style; },
    clipboard: (text) => view.clipboard.receive(text),
    clipboardWanted: () => view.clipboard.begin(),
    started: (_, ticket) => {
      view.clipboard.may = { in: ticket.clipboard_in, out: ticket.clipboard_out };
      view.clipboard.dispatchEvent(new Event("change"));
      view.quality.begin();
      stage.focus({ preventScroll: true });
    },
    pictured: () => view.pictured(),
    stopped: () => view.keyboard.release(),
  },
);
view.quality = new Quality({
  pingUrl: settings.urls.ping,
  link: () => view.connection.link,
  show: (quality) => view.showQuality(quality),
  silent: () => view.connection.link?.drop(),
});
view.heartbeat = new Heartbeat(view);

view.keyboard.listenTo(stage);
view.keyboard.listenTo(find("text"));
wireBar(view);
// for tests and measurements; contains no secrets
globalThis.desktopView = view;
view.connection.run();

function isBarKey(event) {
  if (!(event.ctrlKey && event.altKey && event.code === "Home")) return false;
  event.preventDefault();
  view.keyboard.release();
  view.bar.open(true);
  return true;
}

/** Puts characters that this layout cannot type into the desktop's clipboard, if that is allowed. */
async function giveUntypable(text) {
  if (!view.clipboard.may.in) return view.notes.show(words.untypable.replace("%s", text));
  await view.clipboard.give(text);
  return view.notes.show(words.untypableGiven.replace("%s", text));
}
