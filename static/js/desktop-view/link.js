// The WebSocket of the session: counts bytes and records why it closed. IronRDP opens the socket
// itself and does not report close codes, so this module hooks the next socket that is created.

/** `closed` is null or { code, reason }; `gone` resolves when it is set. */
export class Link {
  #socket = null;
  #resolve = null;

  received = 0;
  sent = 0;
  closed = null;
  gone = new Promise((resolve) => { this.#resolve = resolve; });

  /** Hooks the next `new WebSocket(…)` as this link's socket. */
  attach() {
    const link = this;
    const Plain = globalThis.WebSocket;
    globalThis.WebSocket = class extends Plain {
      constructor(...where) {
        super(...where);
        globalThis.WebSocket = Plain;
        link.#adopt(this);
      }

      send(data) {
        link.sent += data.byteLength ?? data.length;
        super.send(data);
      }
    };
  }

  /** Ends a link that does not respond at once: the browser's own close would take minutes. */
  drop() {
    this.#socket?.close();
    this.#close({ code: 4504, reason: "silent" });
  }

  #adopt(socket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => { this.received += data.byteLength ?? data.size; });
    socket.addEventListener("close", (event) => this.#close(event));
  }

  #close({ code, reason }) {
    if (this.closed) return;
    this.closed = { code, reason };
    this.#resolve();
  }
}
