// Retry delays: none at first, then growing; a retry happens at once when the network is back.

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export class Backoff {
  #tries = 0;
  #wake = null;

  reset() {
    this.#tries = 0;
  }

  /** Resolves when it is time to retry, after at least `least` ms; calls `tick` with the seconds left. */
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

  /** Ends the current wait, at the person's request. */
  now() {
    this.#wake?.();
  }

  #next() {
    const ms = this.#tries === 0 ? 0 : Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#tries - 1));
    this.#tries += 1;
    // jitter, so that not all pages reconnect at the same moment after a restart
    return ms * (0.8 + 0.4 * Math.random());
  }
}

function secondsUntil(due) {
  return Math.max(0, Math.ceil((due - performance.now()) / 1_000));
}
