// Shows the time until the next attempt after too many failed sign-ins.
const face = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

export function startWait() {
  const place = document.querySelector("[data-wait]");
  if (!place) return;
  const until = Date.now() + Number(place.dataset.wait) * 1000;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    place.textContent = place.dataset.waitWords.replace("{s}", face(seconds));
    place.hidden = seconds === 0;
  };
  tick();
  window.setInterval(tick, 1000);
}
