// One RDP session on a canvas: a small interface to IronRDP's WebAssembly.
//
// Does not use IronRDP's own page component: keyboard, pointer, clipboard and scaling are in this
// folder.

let generation = 0;
let loading = null;

/** Loads the WebAssembly once; after a panic, `forget()` makes the next call load it again. */
export function load(url) {
  // A fragment makes it a separate module with its own memory, from the same cached file.
  loading ??= import(generation ? `${url}#${generation}` : url).then(async (rdp) => {
    await rdp.init("WARN");
    return rdp;
  });
  loading.catch(forget);
  return loading;
}

/** Discards a WebAssembly instance that panicked, because its memory may be corrupt. */
export function forget() {
  generation += 1;
  loading = null;
}

/** Whether an error is a WebAssembly trap rather than a failure of the connection. */
export function isPanic(error) {
  return error instanceof WebAssembly.RuntimeError;
}

/**
 * Connects and resolves to a Session.
 * `handlers`: cursor(style), clipboard(text), clipboardWanted().
 */
export async function connect(rdp, { canvas, address, ticket, size, handlers }) {
  const { Backend } = rdp;
  const session = await new Backend.SessionBuilder()
    // The gateway fills in the real user and password, which never reach the browser.
    .username("desktop")
    .password("-")
    .serverDomain("")
    .destination("desktop")
    .proxyAddress(address)
    .authToken(ticket)
    .desktopSize(new Backend.DesktopSize(size.width, size.height))
    .renderCanvas(canvas)
    .setCursorStyleCallbackContext(null)
    .setCursorStyleCallback((...cursor) => handlers.cursor(cursorStyle(...cursor)))
    .remoteClipboardChangedCallback((data) => handlers.clipboard(textOf(data)))
    .forceClipboardUpdateCallback(() => handlers.clipboardWanted())
    .canvasResizedCallback(() => {})
    .extension(rdp.enableCredssp(false))
    .extension(rdp.displayControl(true))
    .connect();
  return new Session(Backend, session);
}

/** A connected session. Input after its end is ignored. */
class Session {
  constructor(backend, session) {
    this.backend = backend;
    this.session = session;
  }

  get size() {
    const { width, height } = this.session.desktopSize();
    return { width, height };
  }

  /** Runs until the session ends; resolves to the desktop's reason. */
  async run() {
    try {
      return (await this.session.run()).reason();
    } finally {
      this.session = null;
    }
  }

  close() {
    this.#safely((session) => session.shutdown());
  }

  resize({ width, height }, scalePercent) {
    this.#safely((session) => session.resize(width, height, scalePercent));
  }

  /** Offers local clipboard text to the desktop. */
  offerText(text) {
    const data = new this.backend.ClipboardData();
    if (text) data.addText("text/plain", text);
    return this.#safely((session) => session.onClipboardPaste(data)) ?? Promise.resolve();
  }

  key(scancode, isDown) {
    const { keyPressed, keyReleased } = this.backend.DeviceEvent;
    this.#send((isDown ? keyPressed : keyReleased)(scancode));
  }

  move(x, y) {
    this.#send(this.backend.DeviceEvent.mouseMove(x, y));
  }

  button(button, isDown) {
    const { mouseButtonPressed, mouseButtonReleased } = this.backend.DeviceEvent;
    this.#send((isDown ? mouseButtonPressed : mouseButtonReleased)(button));
  }

  /** Sends one wheel notch: `direction` 1 is up or left, -1 down or right. */
  notch(isVertical, direction) {
    const wholeNotch = 120;
    const pixels = 0;
    this.#send(this.backend.DeviceEvent.wheelRotations(isVertical, direction * wholeNotch, pixels));
  }

  locks({ scroll, num, caps }) {
    this.#safely((session) => session.synchronizeLockKeys(scroll, num, caps, false));
  }

  releaseAll() {
    this.#safely((session) => session.releaseAllInputs());
  }

  #send(event) {
    this.#safely((session) => {
      const transaction = new this.backend.InputTransaction();
      transaction.addEvent(event);
      session.applyInputs(transaction);
    });
  }

  #safely(act) {
    if (!this.session) return undefined;
    try {
      return act(this.session);
    } catch (error) {
      console.warn("The session took no more input:", error);
      return undefined;
    }
  }
}

function textOf(data) {
  for (const item of data.items()) {
    if (item.mimeType() === "text/plain") return String(item.value());
  }
  return null;
}

function cursorStyle(kind, url, x, y) {
  if (kind === "hidden") return "none";
  if (kind !== "url" || !url) return "default";
  return `url(${url}) ${Math.round(x)} ${Math.round(y)}, default`;
}
