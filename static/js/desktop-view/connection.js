// Connects with a ticket until the first picture, and reconnects when the link breaks.

import { Backoff } from "./backoff.js";
import { endingOf } from "./endings.js";
import { Link } from "./link.js";
import { PortalError } from "./portal.js";
import * as rdp from "./rdp.js";

/** A session that lasted this long has worked: the next retry starts with the shortest wait. */
const WORKED_MS = 10_000;
/** Close code of a gateway that restarts, which is not reachable at once. */
const RESTARTS = 1001;
const RESTART_MS = 1_500;
/** How long a session without a link may take to end by itself. */
const GOODBYE_MS = 200;
/** How often the page checks whether a desktop is resumed. */
const RESUMES_MS = 500;

/**
 * Keeps one session connected. `parts`: { canvas, portal, screen, picture, curtain, words, moduleUrl,
 * keyboardLayout() }; `handlers`: those of the session and started(session, ticket), stopped().
 */
export class Connection {
  session = null;
  link = null;
  #backoff = new Backoff();
  #isRunning = false;
  #isWanted = true;
  #triedOnce = false;
  #isRenewing = false;
  #hadPicture = false;

  constructor(parts, handlers) {
    Object.assign(this, parts);
    this.handlers = handlers;
  }

  /** Connects and reconnects until the end is final or the person disconnects. */
  async run() {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#isWanted = true;
    this.#triedOnce = false;
    this.#backoff.reset();
    try {
      while (this.#isWanted && (await this.#round()));
    } finally {
      this.#isRunning = false;
    }
  }

  /** Reconnects at once, when the person presses Reconnect. */
  now() {
    if (!this.#isRunning) return void this.run();
    // just disconnected: the old session is still ending
    if (!this.#isWanted) this.#isRenewing = this.#isWanted = true;
    this.#backoff.now();
  }

  /** Resumes the paused desktop, and connects when it is ready. */
  async resume() {
    const [title, text] = this.words.resuming;
    this.curtain.back(title, text);
    try {
      let { state } = await this.portal.resume();
      while (state === "resuming" || state === "pausing") {
        await after(RESUMES_MS);
        ({ state } = await this.portal.heartbeat());
      }
      this.now();
    } catch (error) {
      if (!(error instanceof PortalError)) throw error;
      this.curtain.ended({ title: error.message, text: error.whatToDo, canRetry: false, canResume: true });
    }
  }

  /** Ends the session at the person's request. */
  disconnect(title, text) {
    this.#isWanted = false;
    this.#end();
    this.curtain.ended({ title, text, canRetry: true });
  }

  /** Starts a new session with other settings, such as the keyboard layout. */
  renew() {
    this.#isRenewing = true;
    this.#end();
  }

  #end() {
    const { link } = this;
    this.session?.close();
    // a broken link does not deliver the shutdown
    setTimeout(() => link?.drop(), 300);
  }

  /** Runs one session to its end; resolves to whether to connect again. */
  async #round() {
    const began = performance.now();
    const ending = await this.#session();
    this.session = null;
    this.link = null;
    this.handlers.stopped();
    if (!this.#isWanted) return false;
    if (this.#isRenewing) {
      this.#isRenewing = false;
      return true;
    }
    if (performance.now() - began > WORKED_MS) {
      this.#backoff.reset();
      this.#triedOnce = false;
    }
    return this.#afterwards(ending);
  }

  async #afterwards(ending) {
    const mayTry = ending.again === "soon" || (ending.again === "once" && !this.#triedOnce);
    if (!mayTry) {
      const canResume = ending.again === "resumed";
      this.curtain.ended({ ...ending, canResume, canRetry: ending.again !== "never" && !canResume });
      return false;
    }
    this.#triedOnce = ending.again === "once";
    await this.#backoff.wait((seconds) => {
      const when = seconds ? this.words.in.replace("%d", seconds) : this.words.now;
      this.curtain.waiting(ending.title, `${ending.text} ${when}`);
    }, ending.code === RESTARTS ? RESTART_MS : 0);
    return this.#isWanted;
  }

  async #session() {
    const link = new Link();
    try {
      await Promise.race([this.#live(link), leftBehind(link)]);
    } catch (error) {
      if (error instanceof PortalError) return this.#refused(error);
      if (rdp.isPanic(error)) rdp.forget();
      console.warn("The session ended:", describe(error));
    }
    await closed(link);
    link.drop();
    return endingOf(link.closed, this.words.endings);
  }

  /** Connects, and resolves when the session has ended. */
  async #live(link) {
    const { words, screen } = this;
    this.#step("viewer", words.steps.viewer);
    const loading = rdp.load(this.moduleUrl);
    const asking = this.portal.ticket(this.keyboardLayout());
    loading.catch(() => {}); // its failure is handled below, after the ticket's
    const ticket = await asking;
    const module = await loading;
    this.#step("sign-in", words.steps.signIn);
    this.link = link;
    link.attach();
    const size = screen.size();
    const session = await rdp.connect(module, {
      canvas: this.canvas, address: ticket.gateway_url, ticket: ticket.ticket, size, handlers: this.handlers,
    });
    if (link.closed) return; // the next session may already run
    this.session = session;
    this.#step("picture", words.steps.picture);
    this.picture.next().then(() => this.#show());
    screen.ask(size);
    this.handlers.started(session, ticket);
    await session.run();
  }

  /** Shows a step: the first time with a list of steps, later over the dimmed last picture. */
  #step(name, title) {
    if (this.#hadPicture) this.curtain.back(this.words.reconnecting, title);
    else this.curtain.step(name, title);
  }

  #show() {
    this.#hadPicture = true;
    performance.mark("desktop-shown");
    this.curtain.hide();
    this.handlers.pictured();
  }

  #refused(error) {
    const link = error.url ? { url: error.url, title: error.urlTitle } : undefined;
    const again = error.reason === "paused" ? "resumed" : error.again ? "soon" : "never";
    return { title: error.message, text: error.whatToDo, again, link };
  }
}

/** Waits for the close event, which may follow the session's own end with a delay. */
function closed(link) {
  return Promise.race([link.gone, after(1_000)]);
}

/**
 * Resolves shortly after the link is gone, whether or not the session has ended. Without a network
 * the browser takes up to a minute to close a dropped socket, with which the session ends.
 */
async function leftBehind(link) {
  await link.gone;
  await after(GOODBYE_MS);
}

function after(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

function describe(error) {
  return typeof error?.backtrace === "function" ? error.backtrace() : error;
}
