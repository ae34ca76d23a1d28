// Mouse and pen input: moves, buttons, wheel. Touch input is in touch.js.

/** A wheel notch is 100 to 120 pixels in Chromium, Firefox and Safari; touchpads send fewer. */
const NOTCH_PX = 100;
const SMOOTH_PX = 40;

export class Pointer {
  #scrolled = { x: 0, y: 0 };

  /** `place(event)` returns desktop coordinates; `handlers`: move(x, y), button(n, isDown), notch(isVertical, direction). */
  constructor(canvas, place, handlers) {
    this.canvas = canvas;
    this.place = place;
    this.handlers = handlers;
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerdown", (event) => this.#button(event, true));
    canvas.addEventListener("pointerup", (event) => this.#button(event, false));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    // prevents the browser's back and forward, and the autoscroll of the middle button
    for (const type of ["mousedown", "mouseup", "auxclick"]) {
      canvas.addEventListener(type, (event) => { if (event.button) event.preventDefault(); });
    }
  }

  #move(event) {
    if (event.pointerType === "touch") return;
    const { x, y } = this.place(event);
    this.handlers.move(x, y);
    // while one button is held, changes of others arrive as moves
    if (event.button > 0) this.handlers.button(event.button, (event.buttons & bitOf(event.button)) !== 0);
  }

  #button(event, isDown) {
    if (event.pointerType === "touch") return;
    event.preventDefault();
    if (isDown) {
      // capture, so that a drag that leaves the window still ends
      this.canvas.setPointerCapture(event.pointerId);
      this.canvas.parentElement.focus({ preventScroll: true });
    }
    const { x, y } = this.place(event);
    this.handlers.move(x, y);
    this.handlers.button(event.button, isDown);
  }

  #wheel(event) {
    event.preventDefault();
    this.#scroll("y", event.deltaY, event.deltaMode);
    this.#scroll("x", event.deltaX, event.deltaMode);
  }

  #scroll(axis, delta, mode) {
    if (!delta) return;
    if (Math.sign(delta) !== Math.sign(this.#scrolled[axis])) this.#scrolled[axis] = 0;
    const isWheel = mode !== WheelEvent.DOM_DELTA_PIXEL || Math.abs(delta) >= NOTCH_PX;
    let notches = isWheel ? Math.max(1, Math.round(Math.abs(delta) / NOTCH_PX)) : 0;
    if (!isWheel) {
      this.#scrolled[axis] += delta;
      notches = Math.trunc(Math.abs(this.#scrolled[axis]) / SMOOTH_PX);
      this.#scrolled[axis] -= Math.sign(delta) * notches * SMOOTH_PX;
    }
    const direction = (delta > 0) === (axis === "y") ? -1 : 1;
    for (let count = 0; count < Math.min(notches, 10); count += 1) this.handlers.notch(axis === "y", direction);
  }
}

/** Returns the bit of a PointerEvent.button in PointerEvent.buttons. */
function bitOf(button) {
  return [1, 4, 2, 8, 16][button] ?? 0;
}
