// Keys to scancodes. The stage takes the keys; the text field beside it takes what on-screen
// keyboards and input methods give.

import { SCANCODES } from "./scancodes.js";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const IS_WINDOWS = /Win/.test(navigator.platform);
/** Windows says AltGr as a left Ctrl and an AltRight right after it. */
const ALTGR_PAIR_MS = 12;

/**
 * `handlers`: key(scancode, isDown), locks({scroll, num, caps}), releaseAll(),
 * isOurs(event) → true for keys of the page itself (the bar's), and
 * isPaste(event) → true when the browser shall tell what is pasted before the key goes on.
 */
export class Keyboard {
  #down = new Map();
  #waiting = null;
  #heldControl = null;
  #locksKnown = false;

  constructor(handlers) {
    this.handlers = handlers;
  }

  listenTo(element) {
    element.addEventListener("keydown", (event) => this.#keydown(event));
    element.addEventListener("keyup", (event) => this.#keyup(event));
    element.addEventListener("blur", () => this.release());
  }

  /** Lets go of every key: the page lost the keyboard, or the session is new. */
  release() {
    this.resume();
    clearTimeout(this.#heldControl?.timer);
    this.#heldControl = null;
    this.#down.clear();
    this.#locksKnown = false;
    this.handlers.releaseAll();
  }

  /** Keeps what is typed from now on until `resume()`. */
  hold() {
    this.#waiting ??= [];
  }

  resume() {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    waiting.forEach(([scancode, isDown]) => this.handlers.key(scancode, isDown));
  }

  /** Presses keys one after the other and lets go in the opposite order. */
  chord(...codes) {
    codes.forEach((code) => this.#send(SCANCODES.get(code), true));
    codes.reverse().forEach((code) => this.#send(SCANCODES.get(code), false));
  }

  stroke({ code, shift, altGr }) {
    this.chord(...(altGr ? ["AltRight"] : []), ...(shift ? ["ShiftLeft"] : []), code);
  }

  #keydown(event) {
    if (event.isComposing || event.code === "" || this.handlers.isOurs(event)) return;
    // a dead key is a key like any other; 229 without it is an input method at work
    if (event.keyCode === 229 && event.key !== "Dead") return;
    const scancode = this.#scancode(event.code);
    if (scancode === undefined) return;
    if (!event.repeat && this.handlers.isPaste(event)) this.hold();
    else event.preventDefault();
    this.#syncLocks(event);
    if (this.#waitsForAltGr(event, scancode)) return;
    this.#press(event.code, scancode);
    // where the key's own end is not told, it ends at once
    if (IS_MAC && (event.code === "CapsLock" || (event.metaKey && !isModifier(event.code)))) this.#lift(event.code);
  }

  #keyup(event) {
    if (event.isComposing) return;
    if (IS_MAC && event.code === "CapsLock") this.#press(event.code, SCANCODES.get("CapsLock"));
    if (event.code === "ControlLeft") this.#sendHeldControl();
    if (this.#down.has(event.code)) event.preventDefault();
    // PrintScreen says only that it came up
    if (event.code === "PrintScreen" && !this.#down.has(event.code)) this.#press(event.code, SCANCODES.get(event.code));
    this.#lift(event.code);
    if (event.code.startsWith("Shift") && !event.shiftKey) this.#liftAll("ShiftLeft", "ShiftRight");
  }

  #scancode(code) {
    // people on a Mac copy with Cmd; the desktop's own key for that is Ctrl
    if (IS_MAC && code.startsWith("Meta")) return SCANCODES.get(code.replace("Meta", "Control"));
    return SCANCODES.get(code);
  }

  #press(code, scancode) {
    this.#down.set(code, scancode);
    this.#send(scancode, true);
  }

  #lift(code) {
    const scancode = this.#down.get(code);
    if (scancode === undefined) return;
    this.#down.delete(code);
    this.#send(scancode, false);
  }

  #send(scancode, isDown) {
    if (this.#waiting) this.#waiting.push([scancode, isDown]);
    else this.handlers.key(scancode, isDown);
  }

  #liftAll(...codes) {
    codes.forEach((code) => this.#lift(code));
  }

  /** On Windows: holds a left Ctrl back until it is clear that it is not half of an AltGr. */
  #waitsForAltGr(event, scancode) {
    if (!IS_WINDOWS) return false;
    if (event.code === "ControlLeft" && !event.repeat && !this.#down.has("ControlLeft")) {
      const timer = setTimeout(() => this.#sendHeldControl(), ALTGR_PAIR_MS);
      this.#heldControl = { scancode, timer, at: event.timeStamp };
      return true;
    }
    if (event.code === "AltRight" && this.#heldControl) {
      clearTimeout(this.#heldControl.timer);
      this.#heldControl = null;
    }
    this.#sendHeldControl();
    return false;
  }

  #sendHeldControl() {
    if (!this.#heldControl) return;
    clearTimeout(this.#heldControl.timer);
    const { scancode } = this.#heldControl;
    this.#heldControl = null;
    this.#press("ControlLeft", scancode);
  }

  /** Once after the keyboard came to us: the lock keys may have changed elsewhere. */
  #syncLocks(event) {
    if (this.#locksKnown || event.code === "CapsLock" || event.code === "NumLock") return;
    this.#locksKnown = true;
    this.handlers.locks({
      scroll: event.getModifierState("ScrollLock"),
      num: event.getModifierState("NumLock"),
      caps: event.getModifierState("CapsLock"),
    });
  }
}

function isModifier(code) {
  return /^(Control|Shift|Alt|Meta)/.test(code);
}
