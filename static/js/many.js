// The administrators' list: how many are ticked, said beside the button.
export function startMany() {
  const form = document.querySelector("[data-many]");
  const count = form?.querySelector("[data-many-count]");
  if (!count) return;
  const nothing = count.textContent;
  form.addEventListener("change", () => {
    const ticked = form.querySelectorAll("input[type=checkbox]:checked").length;
    count.textContent = ticked ? count.dataset.manyCount.replace("{n}", ticked) : nothing;
  });
}
