// The shared clipboard: text in both directions, once the person has agreed.
//
// To the desktop: with the browser's permission whenever this page gets the focus; without it, in any
// browser, when a paste key is pressed (the event then contains the text).
// From the desktop: as soon as something is copied there, or at the next click or key press if the
// browser requires one.

const REMEMBERED = "winux.clipboard";
/** The text and the key reach xrdp on separate channels; the text must arrive first. */
const AHEAD_OF_KEY_MS = 80;
const NO_PASTE_EVENT_MS = 150;
/** The most characters that the gateway passes on in one message. */
const LONGEST = 1_000_000;

export class Clipboard extends EventTarget {
  #known = "";
  #pending = null;
  #timer = 0;

  /** `session()` returns the running session or null; `may` is { in, out }: what the template allows. */
  constructor({ session, keyboard, may, page = document }) {
    super();
    this.session = session;
    this.keyboard = keyboard;
    this.may = may;
    this.isOn = recall() === "on";
    this.wasAsked = recall() !== null;
    page.addEventListener("paste", (event) => this.#paste(event));
    for (const type of ["pointerdown", "keydown"]) {
      page.addEventListener(type, () => this.#deliver(), { capture: true });
    }
    window.addEventListener("focus", () => { this.#deliver(); this.read(); });
  }

  get isAllowed() {
    return this.may.in || this.may.out;
  }

  /** Stores the person's choice; when turned on, the browser asks for its own permission. */
  async turn(isOn) {
    this.isOn = isOn && this.isAllowed;
    this.wasAsked = true;
    keep(this.isOn ? "on" : "off");
    this.dispatchEvent(new Event("change"));
    if (this.isOn) await this.read(true);
  }

  /** Reads the local clipboard, by default only if the browser allows it without a prompt. */
  async read(mayAsk = false) {
    if (!this.isOn || !this.may.in || !document.hasFocus()) return;
    if (!mayAsk && (await permission()) !== "granted") return;
    try {
      await this.#offer(await navigator.clipboard.readText());
    } catch {
      // refused or not supported by this browser: paste keys still work
    }
  }

  /** Sends the desktop's initial clipboard: an empty text unless the person has agreed. */
  begin() {
    this.session()?.offerText(this.isOn && this.may.in ? this.#known : "");
  }

  isPaste(event) {
    const isKey = (event.ctrlKey && !event.altKey && event.code === "KeyV")
      || (event.metaKey && event.code === "KeyV")
      || (event.shiftKey && !event.ctrlKey && event.code === "Insert");
    if (!isKey || !this.isOn || !this.may.in) return false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.keyboard.resume(), NO_PASTE_EVENT_MS);
    return true;
  }

  /** Handles a change of the desktop's clipboard. */
  receive(text) {
    if (!this.isOn || !this.may.out || text === null || text === this.#known) return;
    this.#known = text;
    this.#pending = text;
    this.#deliver();
  }

  /** Puts text into the desktop's clipboard at the person's explicit request. */
  async give(text) {
    this.#known = text;
    await this.session()?.offerText(text);
  }

  async #paste(event) {
    if (event.target.closest?.("[data-own-text]") || !this.isOn || !this.may.in) return;
    event.preventDefault();
    clearTimeout(this.#timer);
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const isNew = await this.#offer(text);
    setTimeout(() => this.keyboard.resume(), isNew ? AHEAD_OF_KEY_MS : 0);
  }

  async #offer(text) {
    if (!text || text === this.#known) return false;
    if (text.length > LONGEST) {
      this.dispatchEvent(new Event("toolong"));
      return false;
    }
    this.#known = text;
    await this.session()?.offerText(text);
    return true;
  }

  async #deliver() {
    if (this.#pending === null || !document.hasFocus()) return;
    const text = this.#pending;
    try {
      await navigator.clipboard.writeText(text);
      if (this.#pending === text) this.#pending = null;
      this.dispatchEvent(new Event("copied"));
    } catch {
      // this browser requires a click or a key press: kept for the next one
    }
  }
}

async function permission() {
  try {
    return (await navigator.permissions.query({ name: "clipboard-read" })).state;
  } catch {
    return "unknown";
  }
}

function recall() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function keep(choice) {
  try {
    localStorage.setItem(REMEMBERED, choice);
  } catch {
    // asked again next time
  }
}
