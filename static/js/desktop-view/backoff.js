// When to try again: at once, then at growing times, at once again when the network is back.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Backoff {
  #tries = 0;
  #wake = null;

  reset() {
    this.#tries = 0;
  }

  /** Resolves when it is time, `least` ms from now or later; `tick(seconds)` hears how long it takes. */
  async wait(tick, least = 0) {
    const ms = Math.max(least, this.#next());
    const due = performance.now() + ms;
    const timer = setInterval(() => tick(secondsUntil(due)), 1_000);
    tick(secondsUntil(due));
    await new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, ms);
      window.addEventListener("online", resolve, { once: true });
    });
    clearInterval(timer);
  }

  /** The person does not want to wait. */
  now() {
    this.#wake?.();
  }

  #next() {
    const ms = this.#tries === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#tries - 1));
    this.#tries += 1;
    // not everybody at the same moment after a restart
    return ms * (0.8 + 0.4 * Math.random());
  }
}

function secondsUntil(due) {
  return Math.max(0, Math.ceil((due - performance.now()) / 1_000));
}
