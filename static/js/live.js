// Live regions: fetch the fragment that the page was rendered with, again and again. A region pauses
// while the page is hidden, backs off after failures, reloads the page if the sign-in has ended (the
// server then asks for it), and stops when the server reports that nothing changes any more.
import { setNow } from "./clock.js";
import { morph } from "./morph.js";

const LONGEST_WAIT_S = 30;

class Region {
  constructor(element) {
    this.element = element;
    this.seconds = Number(element.dataset.liveSeconds);
    this.failures = 0;
    this.timer = null;
    this.asked = 0;
  }

  plan() {
    window.clearTimeout(this.timer);
    if (!this.seconds || document.hidden) return;
    const wait = Math.min(this.seconds * 2 ** this.failures, Math.max(LONGEST_WAIT_S, this.seconds));
    this.timer = window.setTimeout(() => this.refresh(), wait * 1000);
  }

  async refresh() {
    window.clearTimeout(this.timer);
    const number = ++this.asked;
    try {
      const answer = await fetch(this.element.dataset.live, { headers: { "X-Live": "1" }, cache: "no-store" });
      if (answer.status === 401 || answer.status === 404) return window.location.reload();
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const html = await answer.text();
      if (number !== this.asked) return; // a later request is under way
      setNow(answer.headers.get("X-Now"));
      morph(this.element, html);
      this.seconds = Number(answer.headers.get("X-Live-Seconds"));
      this.failures = 0;
      document.dispatchEvent(new CustomEvent("live:refreshed"));
    } catch {
      this.failures += 1;
    }
    this.plan();
  }
}

export function startLive() {
  const regions = [...document.querySelectorAll("[data-live]")].map((element) => new Region(element));
  regions.forEach((region) => region.plan());
  document.addEventListener("live:now", () => regions.forEach((region) => region.refresh()));
  document.addEventListener("visibilitychange", () =>
    regions.forEach((region) => (document.hidden || !region.seconds ? region.plan() : region.refresh())));
}
