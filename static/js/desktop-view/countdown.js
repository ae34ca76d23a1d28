// Counts down the time left, by the server's clock.

export class Countdown {
  #ahead = 0;

  /** `words`: formats such as "%d min left"; `warn(minutes)` is called once at five minutes and at one. */
  constructor(element, words, warn) {
    this.element = element;
    this.words = words;
    this.warn = warn;
    this.warned = new Set();
    setInterval(() => this.#show(), 1_000);
  }

  /** Sets the server's current time and the deadline, both ISO texts. */
  set({ now, deadline_at: deadline }) {
    if (now) this.#ahead = Date.parse(now) - Date.now();
    if (deadline && deadline !== this.element.dateTime) this.warned.clear();
    if (deadline) this.element.dateTime = deadline;
    this.#show();
  }

  #show() {
    const seconds = Math.max(0, (Date.parse(this.element.dateTime) - Date.now() - this.#ahead) / 1_000);
    if (Number.isNaN(seconds)) return;
    this.element.textContent = this.#words(seconds);
    this.element.classList.toggle("is-short", seconds <= 300);
    for (const limit of [60, 300]) {
      if (seconds > limit || this.warned.has(limit)) continue;
      [60, 300].filter((other) => other >= limit).forEach((other) => this.warned.add(other));
      if (seconds > 0) this.warn(Math.ceil(seconds / 60));
      break;
    }
  }

  #words(seconds) {
    const minutes = Math.ceil(seconds / 60);
    if (seconds < 60) return this.words.seconds.replace("%d", Math.floor(seconds));
    if (minutes < 60) return this.words.minutes.replace("%d", minutes);
    const hours = Math.floor(minutes / 60);
    return this.words.hours.replace("%d", hours).replace("%d", String(minutes % 60).padStart(2, "0"));
  }
}
