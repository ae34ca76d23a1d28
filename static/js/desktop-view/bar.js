// The bar at the top edge: hidden until the pointer moves there, or the grip or Ctrl+Alt+Home
// is pressed.

const HIDE_AFTER_MS = 1_200;
const EDGE_PX = 3;

export class Bar {
  #timer = 0;

  constructor(bar, grip, stage) {
    this.bar = bar;
    this.grip = grip;
    this.stage = stage;
    grip.addEventListener("click", () => (this.isOpen ? this.close() : this.open(true)));
    window.addEventListener("pointermove", (event) => this.#near(event));
    bar.addEventListener("pointerenter", () => clearTimeout(this.#timer));
    bar.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.#closeSoon(); });
    bar.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
    bar.addEventListener("focusout", (event) => { if (!bar.contains(event.relatedTarget)) this.#closeSoon(); });
    stage.addEventListener("pointerdown", () => this.close());
    this.#foldOthers();
  }

  get isOpen() {
    return this.bar.classList.contains("is-open");
  }

  open(withFocus = false) {
    clearTimeout(this.#timer);
    this.bar.classList.add("is-open");
    this.bar.inert = false;
    this.grip.setAttribute("aria-expanded", "true");
    if (withFocus) this.bar.querySelector("button, summary, a")?.focus();
  }

  close() {
    clearTimeout(this.#timer);
    if (!this.isOpen) return;
    const hadFocus = this.bar.contains(document.activeElement) || document.activeElement === this.grip;
    this.bar.classList.remove("is-open");
    this.bar.inert = true;
    this.grip.setAttribute("aria-expanded", "false");
    this.#menus().forEach((menu) => { menu.open = false; });
    if (hadFocus) this.stage.focus({ preventScroll: true });
  }

  /** Shows the bar for a moment, so that people know where it is. */
  hint(ms = 4_000) {
    this.open();
    this.#timer = setTimeout(() => this.close(), ms);
  }

  #near(event) {
    if (event.pointerType !== "touch" && event.clientY < EDGE_PX && event.buttons === 0) this.open();
    else if (this.isOpen && event.clientY > this.bar.getBoundingClientRect().bottom + 60) this.#closeSoon();
  }

  #closeSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.bar.matches(":hover, :focus-within")) this.close();
    }, HIDE_AFTER_MS);
  }

  #menus() {
    return [...this.bar.querySelectorAll("details")];
  }

  #foldOthers() {
    this.#menus().forEach((menu) => menu.addEventListener("toggle", () => {
      if (menu.open) this.#menus().forEach((other) => { other.open = other === menu; });
    }));
  }
}
