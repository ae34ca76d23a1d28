// Filters the administrators' list while the person types, without a button or loss of focus.
const WAIT_MS = 250;

function show(form) {
  const asked = new URLSearchParams(new FormData(form));
  const region = form.closest("[data-live]");
  region.dataset.live = `${form.dataset.filter}?${asked}`;
  window.history.replaceState(null, "", `${form.getAttribute("action")}?${asked}`);
  document.dispatchEvent(new CustomEvent("live:now"));
}

export function startFilter() {
  let timer;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-filter]");
    if (!form) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => show(form), WAIT_MS);
  });
}
