// The WebSocket under the session: counts bytes and tells why it closed. IronRDP opens it itself
// and keeps quiet about close codes, so the next socket that it makes is adopted here.

/** `closed`: null, or { code, reason }; `gone` resolves when it is. */
export class Link {
  #socket = null;
  #resolve = null;

  received = 0;
  sent = 0;
  closed = null;
  gone = new Promise((resolve) => { this.#resolve = resolve; });

  /** Makes the next `new WebSocket(…)` this link's socket. */
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

  /** Gives up a link that does not answer: its own close would take the browser minutes. */
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
