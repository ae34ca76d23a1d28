// Fetches files for the next page into the browser's cache while the browser is idle.

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
    // the next page will fetch it
  }
}
