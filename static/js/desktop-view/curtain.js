// Covers the stage while there is no picture: shows progress, or what went wrong and what to do.

export class Curtain {
  constructor(root) {
    this.root = root;
    this.title = root.querySelector("[data-curtain-title]");
    this.text = root.querySelector("[data-curtain-text]");
    this.steps = [...root.querySelectorAll("[data-step]")];
    this.retry = root.querySelector("[data-curtain-retry]");
    this.resume = root.querySelector("[data-curtain-resume]");
    this.link = root.querySelector("[data-curtain-link]");
    this.homeUrl = this.link.href;
    this.homeTitle = this.link.textContent;
  }

  /** Shows a connection step as running and those before it as done. */
  step(name, title) {
    this.#show("busy", title, "");
    const current = this.steps.findIndex((step) => step.dataset.step === name);
    this.steps.forEach((step, place) => {
      step.dataset.is = place < current ? "done" : place === current ? "running" : "";
    });
    this.retry.hidden = true;
  }

  /** Shows a reconnect over the dimmed last picture. */
  back(title, text) {
    this.#show("back", title, text);
    this.retry.hidden = true;
  }

  /** Shows that the link broke and is retried automatically. */
  waiting(title, text) {
    this.#show("waiting", title, text);
    this.retry.hidden = false;
  }

  /**
   * Shows the end: `canRetry` offers to reconnect, `canResume` to resume a paused desktop; `link`
   * { url, title } replaces the link to the desktop's page.
   */
  ended({ title, text, canRetry, canResume = false, link }) {
    this.#show("ended", title, text);
    this.retry.hidden = !canRetry;
    this.resume.hidden = !canResume;
    this.link.href = link?.url ?? this.homeUrl;
    this.link.textContent = link?.title ?? this.homeTitle;
    (canResume ? this.resume : canRetry ? this.retry : this.link).focus();
  }

  hide() {
    this.root.hidden = true;
  }

  #show(mood, title, text) {
    this.root.hidden = false;
    this.root.dataset.mood = mood;
    if (mood !== "ended") this.resume.hidden = true;
    if (this.title.textContent !== title) this.title.textContent = title;
    if (this.text.textContent !== text) this.text.textContent = text;
    if (mood === "busy") this.link.href = this.homeUrl;
  }
}
