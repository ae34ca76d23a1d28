// The text field for on-screen keyboards and input methods: its input is typed into the desktop.

import { strokesFor } from "./typing.js";

/** On-screen keyboards report a backspace only if there is something to delete. */
const FILLING = "\u200b".repeat(8);

/** `handlers`: stroke(stroke), chord(code), untypable(text), layout() → name. */
export class TextField {
  #before = FILLING;

  constructor(field, handlers) {
    this.field = field;
    this.handlers = handlers;
    field.addEventListener("input", (event) => { if (!event.isComposing || isTouch()) this.#take(); });
    field.addEventListener("compositionend", () => this.#take());
    field.addEventListener("blur", () => this.#fill());
  }

  open() {
    this.#fill();
    this.field.focus();
  }

  #fill() {
    this.field.value = FILLING;
    this.#before = FILLING;
    this.field.setSelectionRange(FILLING.length, FILLING.length);
  }

  #take() {
    const now = this.field.value;
    let same = 0;
    while (same < now.length && now[same] === this.#before[same]) same += 1;
    for (let count = same; count < this.#before.length; count += 1) this.handlers.chord("Backspace");
    this.#type(now.slice(same).replaceAll("\u200b", ""));
    this.#before = now;
    if (!now.startsWith(FILLING) || now.length > 200) this.#fill();
  }

  #type(text) {
    const strokes = strokesFor(text, this.handlers.layout());
    strokes.forEach((some) => some?.forEach((stroke) => this.handlers.stroke(stroke)));
    const left = [...text.normalize("NFC")].filter((_, place) => strokes[place] === null).join("");
    if (left) this.handlers.untypable(left);
  }
}

function isTouch() {
  return matchMedia("(pointer: coarse)").matches;
}
