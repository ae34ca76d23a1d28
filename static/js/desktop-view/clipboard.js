// Text both ways, when the person said yes.
//
// To the desktop: with the browser's permission whenever this page comes to the front, and in any
// browser without it when a paste key is pressed (the browser then gives the text with the event).
// From the desktop: as soon as something is copied there; where the browser wants a click or a key
// first, at the next one.

const REMEMBERED = "winux.clipboard";
/** xrdp learns of new text and of the key on two ways; the text must be there first. */
const AHEAD_OF_KEY_MS = 80;
const NO_PASTE_EVENT_MS = 150;
/** What the gateway lets through at once. */
const LONGEST = 1_000_000;

export class Clipboard extends EventTarget {
  #known = "";
  #pending = null;
  #timer = 0;

  /** `session()` is the running session or null; `may`: {in, out}, what the template allows. */
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

  /** The person's choice; on: the browser asks for its own permission now. */
  async turn(isOn) {
    this.isOn = isOn && this.isAllowed;
    this.wasAsked = true;
    keep(this.isOn ? "on" : "off");
    this.dispatchEvent(new Event("change"));
    if (this.isOn) await this.read(true);
  }

  /** Takes what was copied here, if the browser lets us without bothering the person. */
  async read(mayAsk = false) {
    if (!this.isOn || !this.may.in || !document.hasFocus()) return;
    if (!mayAsk && (await permission()) !== "granted") return;
    try {
      await this.#offer(await navigator.clipboard.readText());
    } catch {
      // refused or not known to this browser: paste keys still work
    }
  }

  /** What the desktop asks for when it begins: nothing is given before the person said yes. */
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

  /** The desktop's clipboard changed. */
  receive(text) {
    if (!this.isOn || !this.may.out || text === null || text === this.#known) return;
    this.#known = text;
    this.#pending = text;
    this.#deliver();
  }

  /** Puts text into the desktop's clipboard because the person asked for exactly that. */
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
      // this browser wants a click or a key first: kept for the next one
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
