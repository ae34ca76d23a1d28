// Sends a form only once, even on a double click. (The server does not rely on this.)
export function startOnce() {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches("[data-once]")) return;
    if (event.target.dataset.sent) return event.preventDefault();
    event.target.dataset.sent = "yes";
    event.target.querySelectorAll("button[type=submit]").forEach((button) => button.setAttribute("aria-busy", "true"));
  });
}
