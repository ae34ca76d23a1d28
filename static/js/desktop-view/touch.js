// Touch input, in one of two modes that the person chooses: "direct" (a tap clicks where it lands) and
// "trackpad" (a finger anywhere moves the pointer, a tap clicks at the pointer). In both, two fingers
// scroll, a two-finger tap or a long press is the right button, and tap-then-drag drags.

const TAP_MS = 250;
const LONG_PRESS_MS = 550;
const SLACK_PX = 10;
const SCROLL_PX = 24;
const LEFT = 0;
const RIGHT = 2;

export class Touch {
  #fingers = new Map();
  #start = null;
  #timer = 0;
  #held = null;
  #tappedAt = -Infinity;
  #at = { x: 200, y: 200 };

  constructor(canvas, screen, pointer, handlers) {
    this.canvas = canvas;
    this.screen = screen;
    this.pointer = pointer;
    this.handlers = handlers;
    this.mode = "direct";
    for (const type of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) {
      canvas.addEventListener(type, (event) => { if (event.pointerType === "touch") this.#hear(type, event); });
    }
  }

  setMode(mode) {
    this.mode = mode;
    this.#showPointer();
  }

  #hear(type, event) {
    event.preventDefault();
    if (type === "pointerdown") this.#down(event);
    else if (type === "pointermove") this.#move(event);
    else this.#up(event, type === "pointercancel");
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, spot(event));
    if (this.#fingers.size > 1) {
      clearTimeout(this.#timer);
      this.#start.fingers = this.#fingers.size;
      return;
    }
    const drags = event.timeStamp - this.#tappedAt < TAP_MS;
    this.#start = { at: event.timeStamp, ...spot(event), moved: false, fingers: 1, scrolled: 0 };
    if (this.mode === "direct") this.#go(this.screen.place(event));
    if (drags) this.#hold(LEFT);
    else this.#timer = setTimeout(() => this.#longPress(), LONG_PRESS_MS);
  }

  #move(event) {
    const last = this.#fingers.get(event.pointerId);
    if (!last || !this.#start) return;
    this.#fingers.set(event.pointerId, spot(event));
    if (!this.#start.moved && distance(this.#start, spot(event)) < SLACK_PX && this.#start.fingers === 1) return;
    this.#start.moved = true;
    clearTimeout(this.#timer);
    if (this.#start.fingers > 1) this.#scroll(event.clientY - last.y);
    else if (this.mode === "trackpad") this.#push(event.clientX - last.x, event.clientY - last.y);
    else this.#drag(event);
  }

  #up(event, isCancelled) {
    this.#fingers.delete(event.pointerId);
    if (this.#fingers.size || !this.#start) return;
    clearTimeout(this.#timer);
    const isStill = !isCancelled && !this.#start.moved;
    if (this.#held !== null) this.#letGo();
    else if (isStill) this.#lift(event.timeStamp);
    this.#start = null;
  }

  /** Uses the event times to tell a tap from a long press: on a busy page the timer may be late. */
  #lift(at) {
    if (this.#start.fingers > 1) this.#tap(RIGHT, at);
    else if (at - this.#start.at < LONG_PRESS_MS) this.#tap(LEFT, at);
    else this.#longPress();
  }

  #tap(button, at) {
    this.handlers.button(button, true);
    this.handlers.button(button, false);
    this.#tappedAt = button === LEFT ? at : -Infinity;
    this.handlers.tapped();
  }

  #longPress() {
    if (!this.#start) return;
    navigator.vibrate?.(10);
    this.handlers.button(RIGHT, true);
    this.handlers.button(RIGHT, false);
    this.#start.moved = true;
  }

  /** Drags with one finger in direct mode. */
  #drag(event) {
    if (this.#held === null) this.#hold(LEFT);
    this.#go(this.screen.place(event));
  }

  #push(dx, dy) {
    const box = this.canvas.getBoundingClientRect();
    const faster = 1 + Math.min(2, Math.hypot(dx, dy) / 12);
    const ratio = (this.canvas.width / box.width) * faster;
    this.#go({
      x: clamp(this.#at.x + dx * ratio, this.canvas.width),
      y: clamp(this.#at.y + dy * ratio, this.canvas.height),
    });
  }

  #scroll(dy) {
    this.#start.scrolled += dy / this.#fingers.size;
    while (Math.abs(this.#start.scrolled) >= SCROLL_PX) {
      const direction = Math.sign(this.#start.scrolled);
      this.#start.scrolled -= direction * SCROLL_PX;
      this.handlers.notch(true, direction);
    }
  }

  #hold(button) {
    this.#held = button;
    this.handlers.button(button, true);
  }

  #letGo() {
    this.handlers.button(this.#held, false);
    this.#held = null;
  }

  #go(place) {
    this.#at = place;
    this.handlers.move(Math.round(place.x), Math.round(place.y));
    this.#showPointer();
  }

  #showPointer() {
    this.pointer.hidden = this.mode !== "trackpad";
    if (this.pointer.hidden) return;
    const box = this.canvas.getBoundingClientRect();
    const x = box.left + (this.#at.x * box.width) / this.canvas.width;
    const y = box.top + (this.#at.y * box.height) / this.canvas.height;
    this.pointer.style.transform = `translate(${x}px, ${y}px)`;
  }
}

function spot(event) {
  return { x: event.clientX, y: event.clientY };
}

function distance(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

function clamp(value, length) {
  return Math.max(0, Math.min(length - 1, value));
}
