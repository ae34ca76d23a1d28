// Reports to the portal that this page is visible, and handles the response: the time left and the
// idle end. When the tab closes, reports that too, if the person wants the desktop to end with it.

const EVERY_MS = 20_000;

export class Heartbeat {
  constructor(view) {
    this.view = view;
    this.endsOnClose = view.settings.end_on_close;
    setInterval(() => this.beat(), EVERY_MS);
    document.addEventListener("visibilitychange", () => this.beat());
    window.addEventListener("pagehide", (event) => {
      // a persisted page stays in memory and may be shown again (Back)
      if (this.endsOnClose && !event.persisted) this.view.portal.leave();
    });
  }

  async beat() {
    if (document.visibilityState !== "visible") return;
    try {
      this.#hear(await this.view.portal.heartbeat());
    } catch {
      // the session's own link detects a broken connection
    }
  }

  async setEndsOnClose(wanted) {
    this.endsOnClose = wanted;
    this.#hear(await this.view.portal.setEndOnClose(wanted));
  }

  #hear(state) {
    this.view.countdown.set(state);
    this.view.setExtend(state.extend_minutes);
    if (state.idle_soon) this.view.notes.show(this.view.words.idleSoon, [[this.view.words.here, () => this.view.wake()]]);
  }
}
