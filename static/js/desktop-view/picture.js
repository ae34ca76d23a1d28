// Watches the drawing: detects the first visible content and counts the draws.

/** A desktop of a single colour is shown anyway after this time. */
const PATIENCE_MS = 8_000;
const SAMPLE = 24;

export class Picture {
  draws = 0;
  drawnAt = 0;
  #waiting = null;

  constructor(canvas) {
    this.canvas = canvas;
    this.sample = new OffscreenCanvas(SAMPLE, SAMPLE).getContext("2d", { willReadFrequently: true });
    // IronRDP draws with putImageData on this context
    const context = canvas.getContext("2d");
    const put = context.putImageData.bind(context);
    context.putImageData = (...image) => {
      put(...image);
      if (this.draws === 0) performance.mark("desktop-drawn");
      this.draws += 1;
      this.drawnAt = performance.now();
      if (this.#waiting && !this.#isBlank()) this.#waiting();
    };
  }

  /** Resolves when the desktop has visible content, unlike the blank screen before its session runs. */
  next() {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE_MS);
      this.#waiting = () => {
        clearTimeout(timer);
        this.#waiting = null;
        resolve();
      };
    });
  }

  #isBlank() {
    this.sample.drawImage(this.canvas, 0, 0, SAMPLE, SAMPLE);
    const { data } = this.sample.getImageData(0, 0, SAMPLE, SAMPLE);
    const first = data.slice(0, 3);
    return data.every((value, place) => place % 4 === 3 || Math.abs(value - first[place % 4]) < 6);
  }
}
