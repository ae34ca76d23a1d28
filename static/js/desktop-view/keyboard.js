// Maps keys to scancodes. The stage receives key events; the text field receives the text of
// on-screen keyboards and input methods.

import { SCANCODES } from "./scancodes.js";
import { strokesFor } from "./typing.js";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const IS_WINDOWS = /Win/.test(navigator.platform);
/** Windows reports AltGr as a left Ctrl immediately followed by AltRight. */
const ALTGR_PAIR_MS = 12;
/** Codes for keys without KeyboardEvent.code, as on-screen keyboards and password managers send them. */
const PLACES = new Map([
  [" ", "Space"], ["Shift", "ShiftLeft"], ["Control", "ControlLeft"], ["Alt", "AltLeft"], ["AltGraph", "AltRight"], ["Meta", "MetaLeft"],
]);
/** Number pad keys that are digits or directions, depending on Num Lock. */
const NUMBER_PAD = /^Numpad(\d|Decimal)$/;
const DIGIT = /^[\d.,]$/;
const DIRECTION = /^(Arrow(Up|Down|Left|Right)|Home|End|PageUp|PageDown|Clear|Insert|Delete)$/;

/**
 * `handlers`: key(scancode, isDown), locks({scroll, num, caps}), releaseAll(), layout() → name,
 * untypable(text) for a character that no key of the layout produces, isOurs(event) → true for keys of
 * the page itself (the bar's), and isPaste(event) → true if the key must wait for the paste event.
 */
export class Keyboard {
  #down = new Map();
  #waiting = null;
  #heldControl = null;
  #locksKnown = false;
  /** The desktop's Num Lock state; null while unknown. */
  #numLock = null;

  constructor(handlers) {
    this.handlers = handlers;
  }

  listenTo(element) {
    element.addEventListener("keydown", (event) => this.#keydown(event));
    element.addEventListener("keyup", (event) => this.#keyup(event));
    element.addEventListener("blur", () => this.release());
  }

  /** Releases all keys, when the page loses the focus or the session stops. */
  release() {
    this.resume();
    clearTimeout(this.#heldControl?.timer);
    this.#heldControl = null;
    this.#down.clear();
    this.#locksKnown = false;
    this.handlers.releaseAll();
  }

  /** Queues all keys until `resume()`. */
  hold() {
    this.#waiting ??= [];
  }

  resume() {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    waiting.forEach(([scancode, isDown]) => this.handlers.key(scancode, isDown));
  }

  /** Presses keys in order and releases them in reverse order. */
  chord(...codes) {
    codes.forEach((code) => this.#send(SCANCODES.get(code), true));
    codes.reverse().forEach((code) => this.#send(SCANCODES.get(code), false));
  }

  /** Presses a key with the modifiers that its character needs; modifiers already held stay held. */
  stroke({ code, shift, altGr }) {
    const modifiers = [...(altGr ? ["AltRight"] : []), ...(shift ? ["ShiftLeft"] : [])];
    this.chord(...modifiers.filter((modifier) => !this.#isHeld(modifier)), code);
  }

  #keydown(event) {
    if (event.isComposing || this.handlers.isOurs(event)) return;
    // keyCode 229 is an input method, except for a dead key, which is handled like any other key
    if (event.keyCode === 229 && event.key !== "Dead") return;
    const code = placeOf(event);
    const scancode = this.#scancode(code);
    if (scancode === undefined) return void this.#typeCharacter(event);
    if (!event.repeat && this.handlers.isPaste(event)) this.hold();
    else event.preventDefault();
    this.#syncLocks(event);
    if (this.#waitsForAltGr(event, code, scancode)) return;
    if (isCapitalAlone(event)) return this.stroke({ code, shift: true, altGr: false });
    this.#press(code, scancode);
    // macOS sends no keyup for these keys, so release them at once
    if (IS_MAC && (code === "CapsLock" || (event.metaKey && !isModifier(code)))) this.#lift(code);
  }

  #keyup(event) {
    if (event.isComposing) return;
    const code = placeOf(event);
    if (IS_MAC && code === "CapsLock") this.#press(code, SCANCODES.get("CapsLock"));
    if (code === "ControlLeft") this.#sendHeldControl();
    if (this.#down.has(code)) event.preventDefault();
    // PrintScreen sends only keyup
    if (code === "PrintScreen" && !this.#down.has(code)) this.#press(code, SCANCODES.get(code));
    this.#lift(code);
    if (code.startsWith("Shift") && !event.shiftKey) this.#liftAll("ShiftLeft", "ShiftRight");
  }

  /** Types a character that came without a key code, with the key that the layout has for it. */
  #typeCharacter(event) {
    if ([...event.key].length !== 1) return;
    event.preventDefault();
    this.#syncLocks(event);
    const [strokes] = strokesFor(event.key, this.handlers.layout());
    if (strokes) strokes.forEach((stroke) => this.stroke(stroke));
    else this.handlers.untypable(event.key);
  }

  #isHeld(modifier) {
    return modifier === "ShiftLeft" ? this.#down.has("ShiftLeft") || this.#down.has("ShiftRight") : this.#down.has(modifier);
  }

  #scancode(code) {
    // Mac shortcuts use Cmd where those of the desktop use Ctrl
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

  /** On Windows, delays a left Ctrl until it is certain that it is not part of AltGr. */
  #waitsForAltGr(event, code, scancode) {
    if (!IS_WINDOWS) return false;
    if (code === "ControlLeft" && !event.repeat && !this.#down.has("ControlLeft")) {
      const timer = setTimeout(() => this.#sendHeldControl(), ALTGR_PAIR_MS);
      this.#heldControl = { scancode, timer, at: event.timeStamp };
      return true;
    }
    if (code === "AltRight" && this.#heldControl) {
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

  /** Sends the lock keys once after the page gets the focus: they may have changed elsewhere. */
  #syncLocks(event) {
    if (event.code === "NumLock") this.#numLock = null;
    if (event.code === "CapsLock" || event.code === "NumLock") return;
    const num = this.#wantedNumLock(event);
    if (this.#locksKnown && num === this.#numLock) return;
    this.#locksKnown = true;
    this.#numLock = num;
    this.handlers.locks({
      scroll: event.getModifierState("ScrollLock"),
      num,
      caps: event.getModifierState("CapsLock"),
    });
  }

  /**
   * Returns the Num Lock state with which this key has the same meaning in the desktop. It follows
   * from the key's value: a Mac has no Num Lock and reports it as off, and other systems may not know
   * it. With Shift the value does not show it, because Shift inverts the number pad.
   */
  #wantedNumLock(event) {
    if (NUMBER_PAD.test(event.code) && !event.shiftKey) {
      if (DIGIT.test(event.key)) return true;
      if (DIRECTION.test(event.key)) return false;
    }
    if (this.#locksKnown) return this.#numLock;
    return IS_MAC || event.getModifierState("NumLock");
  }
}

/** Returns a key's KeyboardEvent.code, derived from the key if the event has none. */
function placeOf({ code, key }) {
  if (SCANCODES.has(code)) return code;
  return PLACES.get(key) ?? key;
}

/** Whether this is a capital letter without Shift or Caps Lock: its sender omitted the Shift key. */
function isCapitalAlone(event) {
  if ([...event.key].length !== 1 || event.key === event.key.toLowerCase()) return false;
  return !["Shift", "CapsLock", "AltGraph", "Control", "Alt", "Meta"].some((key) => event.getModifierState(key));
}

function isModifier(code) {
  return /^(Control|Shift|Alt|Meta)/.test(code);
}
