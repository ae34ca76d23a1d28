// The page's requests to the portal: ticket, heartbeat, extend, pause, resume, stop.

/** A refusal or failure with a message for the person; `again`: whether a retry may succeed. */
export class PortalError extends Error {
  constructor({ message, what_to_do = "", reason = "", again = true, url = null, url_title = "" }) {
    super(message);
    this.reason = reason;
    this.whatToDo = what_to_do;
    this.again = again;
    this.url = url;
    this.urlTitle = url_title;
  }
}

export class Portal {
  constructor({ urls, csrf, words }) {
    this.urls = urls;
    this.csrf = csrf;
    this.words = words;
  }

  ticket(keyboard) {
    return this.#post(this.urls.ticket, { keyboard_layout: keyboard });
  }

  heartbeat() {
    return this.#post(this.urls.heartbeat);
  }

  extend() {
    return this.#post(this.urls.extend);
  }

  stop() {
    return this.#post(this.urls.stop);
  }

  pause() {
    return this.#post(this.urls.pause);
  }

  resume() {
    return this.#post(this.urls.resume);
  }

  setEndOnClose(wanted) {
    return this.#post(this.urls.end_on_close, { wanted: wanted ? "yes" : "no" });
  }

  /** Reports that the tab closes, with a beacon: the only request that a browser still sends then. */
  leave() {
    navigator.sendBeacon(this.urls.left, new URLSearchParams({ csrf_token: this.csrf }));
  }

  async #post(url, fields = {}) {
    let response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "X-CSRFToken": this.csrf, "X-Live": "1" },
        body: new URLSearchParams(fields),
        signal: AbortSignal.timeout(15_000),
      });
    } catch {
      throw new PortalError({ message: this.words.unreachable });
    }
    if (response.status === 401) {
      throw new PortalError({
        message: this.words.signedOut, again: false,
        url: this.urls.sign_in, url_title: this.words.signIn,
      });
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    throw new PortalError({ message: this.words.unreachable, ...answer });
  }
}
