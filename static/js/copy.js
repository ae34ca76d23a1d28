// Copy buttons: hidden until this runs, because they need scripts.
import { say } from "./toast.js";

export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // The clipboard API is missing over plain HTTP to another host; execCommand still works there.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser did not copy");
}

export async function copyAndSay(text) {
  try {
    await copy(text);
    say("copied");
  } catch {
    say("notCopied");
  }
}

function show() {
  document.querySelectorAll("[data-copy][hidden]").forEach((button) => button.removeAttribute("hidden"));
}

export function startCopy() {
  show();
  document.addEventListener("live:refreshed", show);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copyAndSay(button.dataset.copy);
  });
}
