// Shows a short message at the bottom; its translated texts are data attributes of <body>.
const SHOWN_MS = 2500;
let box;
let timer;

export function say(word) {
  if (!box) {
    box = document.createElement("div");
    box.className = "toast";
    box.setAttribute("role", "status");
  }
  // Inside an open dialog, because everything outside is behind its backdrop.
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.textContent = document.body.dataset[`say${word[0].toUpperCase()}${word.slice(1)}`] ?? word;
  box.hidden = false;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => { box.hidden = true; }, SHOWN_MS);
}
