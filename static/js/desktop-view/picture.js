// Watches what is drawn: when the first picture is there, and how many draws there were.

export class Picture {
  draws = 0;
  drawnAt = 0;
  #first = null;

  constructor(canvas) {
    // IronRDP draws with putImageData on this very context
    const context = canvas.getContext("2d");
    const put = context.putImageData.bind(context);
    context.putImageData = (...image) => {
      put(...image);
      this.draws += 1;
      this.drawnAt = performance.now();
      this.#first?.();
      this.#first = null;
    };
  }

  /** Resolves at the next draw. */
  next() {
    return new Promise((resolve) => { this.#first = resolve; });
  }
}
