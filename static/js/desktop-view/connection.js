// From a ticket to a picture, and back again when the link breaks.

import { Backoff } from "./backoff.js";
import { endingOf } from "./endings.js";
import { Link } from "./link.js";
import { PortalError } from "./portal.js";
import * as rdp from "./rdp.js";

/** A session this old worked: the next break starts again with the shortest wait. */
const WORKED_MS = 10_000;
/** A gateway that says that it restarts is not there at once. */
const RESTARTS = 1001;
const RESTART_MS = 1_500;
/** A session whose link is gone may take so long to end by itself. */
const GOODBYE_MS = 200;
/** How often the page looks whether a desktop is resumed. */
const RESUMES_MS = 500;

/**
 * Keeps one session going. `parts`: { canvas, portal, screen, picture, curtain, words, moduleUrl,
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

  /** Connects, and connects again, until the end is final or the person disconnects. */
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

  /** The person presses Reconnect: at once. */
  now() {
    if (!this.#isRunning) return void this.run();
    // disconnected a moment ago, and the old session is still ending
    if (!this.#isWanted) this.#isRenewing = this.#isWanted = true;
    this.#backoff.now();
  }

  /** The person wants the paused desktop back: it connects when it is ready again. */
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

  /** The person goes. */
  disconnect(title, text) {
    this.#isWanted = false;
    this.#end();
    this.curtain.ended({ title, text, canRetry: true });
  }

  /** A new session with other settings, such as the keyboard layout. */
  renew() {
    this.#isRenewing = true;
    this.#end();
  }

  #end() {
    const { link } = this;
    this.session?.close();
    // a link that is gone already does not hear the goodbye
    setTimeout(() => link?.drop(), 300);
  }

  /** One session from beginning to end; resolves to whether to go on. */
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
    loading.catch(() => {}); // its failure is told below, after the ticket's
    const ticket = await asking;
    const module = await loading;
    this.#step("sign-in", words.steps.signIn);
    this.link = link;
    link.attach();
    const size = screen.size();
    const session = await rdp.connect(module, {
      canvas: this.canvas, address: ticket.gateway_url, ticket: ticket.ticket, size, handlers: this.handlers,
    });
    if (link.closed) return; // the next one may live already
    this.session = session;
    this.#step("picture", words.steps.picture);
    this.picture.next().then(() => this.#show());
    screen.ask(size);
    this.handlers.started(session, ticket);
    await session.run();
  }

  /** The first time with a bar of steps; later over the last picture, which stays dimmed. */
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

/** The close event may come a moment after the session's own end. */
function closed(link) {
  return Promise.race([link.gone, after(1_000)]);
}

/**
 * The session ends with its socket, but without a network the browser takes up to a minute to close
 * one that was dropped: that session is not waited for.
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
