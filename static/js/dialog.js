// Confirmation dialogs: show the page of the link as a dialog.
function close(dialog) {
  dialog.close();
}

async function open(link) {
  const answer = await fetch(link.href, { headers: { "X-Live": "1" } });
  // A redirect means that there is nothing to confirm. In both cases open the page itself.
  if (!answer.ok || answer.redirected) return window.location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.innerHTML = await answer.text();
  dialog.setAttribute("aria-labelledby", dialog.querySelector("h1")?.id ?? "");
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close(dialog);
    if (event.target.closest("[data-dialog-close]")) { event.preventDefault(); close(dialog); }
  });
  dialog.showModal();
  // Focus the safe choice, so that Enter out of habit loses nothing.
  dialog.querySelector("[data-dialog-close]")?.focus();
}

export function startDialogs() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    if (!document.querySelector("dialog[open]")) open(link).catch(() => window.location.assign(link.href));
  });
}
