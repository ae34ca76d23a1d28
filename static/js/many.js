// The administrators' list: ticks all rows, and shows the number of ticked rows at the button.
function boxes(form) {
  return [...form.querySelectorAll("input[type=checkbox][name]")];
}

function count(form) {
  const place = form.querySelector("[data-many-count]");
  if (!place) return;
  place.dataset.nothing ??= place.textContent;
  const ticked = boxes(form).filter((box) => box.checked).length;
  place.textContent = ticked ? place.dataset.manyCount.replace("{n}", ticked) : place.dataset.nothing;
}

function refresh() {
  const form = document.querySelector("[data-many]");
  if (!form) return;
  form.querySelector("[data-many-all]")?.toggleAttribute("hidden", boxes(form).length === 0);
  count(form);
}

export function startMany() {
  refresh();
  document.addEventListener("live:refreshed", refresh);
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-many]");
    if (!form) return;
    if ("manyAll" in event.target.dataset) boxes(form).forEach((box) => { box.checked = event.target.checked; });
    count(form);
  });
}
