// Keys to scancodes. The stage takes the keys; the text field beside it takes what on-screen
// keyboards and input methods give.

import { SCANCODES } from "./scancodes.js";
import { strokesFor } from "./typing.js";

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const IS_WINDOWS = /Win/.test(navigator.platform);
/** Windows says AltGr as a left Ctrl and an AltRight right after it. */
const ALTGR_PAIR_MS = 12;
/** Keys without a place (KeyboardEvent.code), as on-screen keyboards and password managers send them. */
const PLACES = new Map([
  [" ", "Space"], ["Shift", "ShiftLeft"], ["Control", "ControlLeft"], ["Alt", "AltLeft"], ["AltGraph", "AltRight"], ["Meta", "MetaLeft"],
]);
/** Keys of the number pad that are digits or directions, as Num Lock says. */
const NUMBER_PAD = /^Numpad(\d|Decimal)$/;
const DIGIT = /^[\d.,]$/;
const DIRECTION = /^(Arrow(Up|Down|Left|Right)|Home|End|PageUp|PageDown|Clear|Insert|Delete)$/;

/**
 * `handlers`: key(scancode, isDown), locks({scroll, num, caps}), releaseAll(), layout() → name,
 * untypable(text) for a character that no key of the layout gives, isOurs(event) → true for keys of the page itself (the bar's), and
 * isPaste(event) → true when the browser shall tell what is pasted before the key goes on.
 */
export class Keyboard {
  #down = new Map();
  #waiting = null;
  #heldControl = null;
  #locksKnown = false;
  /** Num Lock as the desktop has it; null while that is not known. */
  #numLock = null;

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

  /** Presses a key with the modifiers that its character needs; those that are held stay held. */
  stroke({ code, shift, altGr }) {
    const modifiers = [...(altGr ? ["AltRight"] : []), ...(shift ? ["ShiftLeft"] : [])];
    this.chord(...modifiers.filter((modifier) => !this.#isHeld(modifier)), code);
  }

  #keydown(event) {
    if (event.isComposing || this.handlers.isOurs(event)) return;
    // a dead key is a key like any other; 229 without it is an input method at work
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
    // where the key's own end is not told, it ends at once
    if (IS_MAC && (code === "CapsLock" || (event.metaKey && !isModifier(code)))) this.#lift(code);
  }

  #keyup(event) {
    if (event.isComposing) return;
    const code = placeOf(event);
    if (IS_MAC && code === "CapsLock") this.#press(code, SCANCODES.get("CapsLock"));
    if (code === "ControlLeft") this.#sendHeldControl();
    if (this.#down.has(code)) event.preventDefault();
    // PrintScreen says only that it came up
    if (code === "PrintScreen" && !this.#down.has(code)) this.#press(code, SCANCODES.get(code));
    this.#lift(code);
    if (code.startsWith("Shift") && !event.shiftKey) this.#liftAll("ShiftLeft", "ShiftRight");
  }

  /** A character that comes without the place of its key: the layout says which key gives it. */
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

  /** Once after the keyboard came to us: the lock keys may have changed elsewhere. */
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
   * What Num Lock has to be for this key to mean the same there. A Mac has no Num Lock and says that
   * it is off, other systems may not know it; what the key gave is what counts. Shift turns a key
   * of the number pad around by itself.
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

/** The place of a key (KeyboardEvent.code), also where the event names the key alone. */
function placeOf({ code, key }) {
  if (SCANCODES.has(code)) return code;
  return PLACES.get(key) ?? key;
}

/** Whether this is a capital that nothing made one: its sender left the Shift key out. */
function isCapitalAlone(event) {
  if ([...event.key].length !== 1 || event.key === event.key.toLowerCase()) return false;
  return !["Shift", "CapsLock", "AltGraph", "Control", "Alt", "Meta"].some((key) => event.getModifierState(key));
}

function isModifier(code) {
  return /^(Control|Shift|Alt|Meta)/.test(code);
}
