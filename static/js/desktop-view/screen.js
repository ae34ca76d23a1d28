// The size of the desktop and its layout in the window.

/** The smallest size that is requested: XFCE's windows do not fit into less. */
const SMALLEST = { width: 800, height: 600 };
const LARGEST = { width: 4096, height: 2304 };
const SETTLED_MS = 250;

export const SCALES = ["fit", "real", "large"];

export class Screen {
  #timer = 0;
  #wanted = "";

  /** `resized(size, scalePercent)` is called when the desktop should change its size. */
  constructor(stage, canvas, resized) {
    this.stage = stage;
    this.canvas = canvas;
    this.resized = resized;
    this.scale = "fit";
    new ResizeObserver(() => this.#settle()).observe(stage);
    new MutationObserver(() => this.lay()).observe(canvas, { attributeFilter: ["width", "height"] });
    watchDensity(() => this.#settle());
  }

  setScale(scale) {
    this.scale = scale;
    this.lay();
    this.#settle();
  }

  /** Returns the size to request: that of the window in device pixels, so that the picture is sharp. */
  size() {
    const density = this.density();
    const wanted = {
      width: this.stage.clientWidth * density,
      height: this.stage.clientHeight * density,
    };
    const up = Math.max(1, SMALLEST.width / wanted.width, SMALLEST.height / wanted.height);
    const down = Math.min(1, LARGEST.width / (wanted.width * up), LARGEST.height / (wanted.height * up));
    const whole = (length) => Math.max(200, Math.round(length * up * down));
    // RDP accepts only even widths ([MS-RDPEDISP] 2.2.2.2.1)
    return { width: whole(wanted.width) & ~1, height: whole(wanted.height) };
  }

  /** Desktop pixels per CSS pixel; "large" enlarges everything on a high-density screen. */
  density() {
    return this.scale === "large" ? Math.max(0.5, window.devicePixelRatio / 2) : window.devicePixelRatio;
  }

  /** Lays out the canvas: fitted into the window, or with one canvas pixel per device pixel. */
  lay() {
    const { width, height } = this.canvas;
    const real = 1 / window.devicePixelRatio;
    const fit = Math.min(this.stage.clientWidth / width, this.stage.clientHeight / height);
    // treat a difference from the rounding above as an exact fit, so that nothing is blurred
    const isExact = Math.abs(fit - real) * Math.max(width, height) < 2;
    const ratio = this.scale === "real" || isExact ? real : fit;
    this.canvas.style.width = `${width * ratio}px`;
    this.canvas.style.height = `${height * ratio}px`;
    this.stage.classList.toggle("is-real", this.scale === "real");
  }

  /** Converts a position in the window to desktop pixels. */
  place({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const clamp = (value, length) => Math.max(0, Math.min(length - 1, Math.round(value)));
    return {
      x: clamp(((clientX - box.left) * this.canvas.width) / box.width, this.canvas.width),
      y: clamp(((clientY - box.top) * this.canvas.height) / box.height, this.canvas.height),
    };
  }

  /** Requests a new size after a connect if the window has changed since. */
  ask(current) {
    this.#wanted = `${current.width}x${current.height}`;
    this.#settle();
  }

  #settle() {
    this.lay();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#change(), SETTLED_MS);
  }

  #change() {
    if (this.scale === "real" || !this.stage.clientWidth) return;
    const size = this.size();
    const name = `${size.width}x${size.height}`;
    if (name === this.#wanted) return;
    this.#wanted = name;
    this.resized(size, 100);
  }
}

/** Watches the density, which changes without a resize when the window moves to another screen. */
function watchDensity(changed) {
  const query = matchMedia(`(resolution: ${window.devicePixelRatio}dppx)`);
  query.addEventListener("change", () => { changed(); watchDensity(changed); }, { once: true });
}
