// Questions before something is lost: the page behind the link, shown as a dialog.
function close(dialog) {
  dialog.close();
}

async function open(link) {
  const answer = await fetch(link.href, { headers: { "X-Live": "1" } });
  // Redirected: there is nothing to ask any more. Anything else: let the page itself say it.
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
  // The safe answer has the focus: Enter by habit loses nothing.
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
