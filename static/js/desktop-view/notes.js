// Short notes over the desktop, which never cover all of it and can be dismissed.

export class Notes {
  #timer = 0;

  constructor(root) {
    this.root = root;
    this.text = root.querySelector("[data-note-text]");
    this.acts = root.querySelector("[data-note-acts]");
  }

  /** `acts`: [title, function] pairs, shown as buttons; without any, the note hides after `ms`. */
  show(text, acts = [], ms = 6_000) {
    clearTimeout(this.#timer);
    this.text.textContent = text;
    this.acts.replaceChildren(...acts.map(([title, act], place) => this.#button(title, act, place === 0)));
    this.root.hidden = false;
    if (!acts.length) this.#timer = setTimeout(() => this.hide(), ms);
  }

  hide() {
    this.root.hidden = true;
  }

  #button(title, act, isFirst) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = isFirst ? "button button-main button-small" : "button button-small";
    button.textContent = title;
    button.addEventListener("click", () => { this.hide(); act(); });
    return button;
  }
}
