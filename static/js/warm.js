// Fetches files that the next page needs while nothing else is to do; the browser keeps them.

export function startWarm() {
  const later = globalThis.requestIdleCallback ?? ((act) => setTimeout(act, 1_000));
  for (const { dataset } of document.querySelectorAll("[data-warm]")) {
    later(() => dataset.warm.split(" ").filter(Boolean).forEach((url) => warm(url)));
  }
}

async function warm(url) {
  try {
    await (await fetch(url, { priority: "low" })).arrayBuffer();
  } catch {
    // the next page fetches it itself
  }
}
