// Measures the connection: the round trip to the gateway, and bytes per second.

const EVERY_MS = 2_000;
const SILENT_MS = 12_000;

export class Quality {
  #last = { at: performance.now(), bytes: 0 };
  #answeredAt = performance.now();
  #hasAnswered = false;

  /** `link()` returns the current link or null; `show({ roundTripMs, rate })` displays the results;
   *  `silent()` is called when the gateway no longer responds. */
  constructor({ pingUrl, link, show, silent }) {
    Object.assign(this, { pingUrl, link, show, silent });
    setInterval(() => { if (document.visibilityState === "visible") this.measure(); }, EVERY_MS);
    for (const [target, type] of [[window, "online"], [document, "visibilitychange"]]) {
      target.addEventListener(type, () => { this.#answeredAt = performance.now(); this.measure(); });
    }
  }

  begin() {
    this.#last = { at: performance.now(), bytes: 0 };
    this.#answeredAt = performance.now();
  }

  async measure() {
    const link = this.link();
    if (!link) return;
    const roundTripMs = await this.#roundTrip();
    if (roundTripMs === null && this.#hasAnswered && performance.now() - this.#answeredAt > SILENT_MS) {
      this.silent();
    }
    this.show({ roundTripMs, rate: this.#rate(link) });
  }

  async #roundTrip() {
    const from = performance.now();
    try {
      const answer = await fetch(this.pingUrl, { cache: "no-store", signal: AbortSignal.timeout(4_000) });
      await answer.arrayBuffer();
    } catch {
      return null;
    }
    this.#answeredAt = performance.now();
    this.#hasAnswered = true;
    // excludes the time to open a new connection
    const timing = performance.getEntriesByName(this.pingUrl).at(-1);
    performance.clearResourceTimings();
    return timing?.requestStart ? timing.responseStart - timing.requestStart : this.#answeredAt - from;
  }

  #rate(link) {
    const now = { at: performance.now(), bytes: link.received };
    const rate = ((now.bytes - this.#last.bytes) * 1_000) / Math.max(1, now.at - this.#last.at);
    this.#last = now;
    return Math.max(0, rate);
  }
}
