// Changes the colour theme without a request; writes the same cookie as the server.
const A_YEAR = 365 * 24 * 3600;

function remember(look) {
  const [prefix, secure] = window.location.protocol === "https:" ? ["__Host-", "; Secure"] : ["", ""];
  document.cookie = `${prefix}winux-look=${look}; Max-Age=${A_YEAR}; Path=/; SameSite=Lax${secure}`;
}

export function startLook() {
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-look-form]")) return;
    event.preventDefault();
    const look = event.submitter.value;
    document.documentElement.toggleAttribute("data-look", look !== "");
    if (look) document.documentElement.dataset.look = look;
    event.target.querySelectorAll("button").forEach((button) =>
      button.setAttribute("aria-pressed", String(button.value === look)));
    paintFrame(look);
    remember(look);
  });
}

/** Updates the window frame's colour, which the server had set for the previous theme. */
function paintFrame(look) {
  const isChosen = look === "light" || look === "dark";
  document.querySelectorAll("meta[data-scheme]").forEach((meta) => {
    const { scheme } = meta.dataset;
    const media = scheme === look ? "all" : "not all";
    meta.media = isChosen ? media : `(prefers-color-scheme: ${scheme})`;
  });
}
