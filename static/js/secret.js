// The password: fetched when the person shows or copies it, and hidden again after a minute.
import { copyAndSay } from "./copy.js";
import { say } from "./toast.js";

const SHOWN_MS = 60_000;

async function fetchSecret(place) {
  const form = place.querySelector("[data-secret-form]");
  const answer = await fetch(place.dataset.secret, {
    method: "POST", body: new FormData(form), headers: { "X-Live": "1" }, cache: "no-store",
  });
  if (answer.status === 401) window.location.reload();
  if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
  return (await answer.json()).password;
}

function hide(place) {
  const text = place.querySelector("[data-secret-text]");
  if (!place.dots) return;
  text.replaceChildren(...place.dots);
  place.dots = null;
  const button = place.querySelector("[data-secret-show]");
  button.textContent = button.dataset.secretShow;
  window.clearTimeout(place.timer);
}

async function show(place) {
  const secret = await fetchSecret(place);
  const text = place.querySelector("[data-secret-text]");
  place.dots = [...text.childNodes];
  text.textContent = secret;
  const button = place.querySelector("[data-secret-show]");
  button.textContent = button.dataset.secretHide;
  place.timer = window.setTimeout(() => hide(place), SHOWN_MS);
}

async function guarded(place, act) {
  if (place.busy) return;
  place.busy = true;
  try {
    await act();
  } catch {
    say("failed");
  } finally {
    place.busy = false;
  }
}

function unhide() {
  document.querySelectorAll("[data-secret-copy][hidden]").forEach((button) => button.removeAttribute("hidden"));
}

export function startSecret() {
  unhide();
  document.addEventListener("live:refreshed", unhide);
  document.addEventListener("submit", (event) => {
    const place = event.target.closest("[data-secret]");
    if (!place || !event.target.matches("[data-secret-form]")) return;
    event.preventDefault();
    guarded(place, async () => (place.dots ? hide(place) : show(place)));
  });
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-secret-copy]")?.closest("[data-secret]");
    if (place) guarded(place, async () => copyAndSay(await fetchSecret(place)));
  });
}
