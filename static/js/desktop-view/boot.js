// Starts the page. Its modules are many small files; if one fails to load (for example because the
// network changes), the page reloads by itself.

const TRIES = "winux.view.tries";
const MOST = 5;

import("./main.js").then(
  () => sessionStorage.removeItem(TRIES),
  (error) => {
    const tries = Number(sessionStorage.getItem(TRIES)) + 1;
    if (tries > MOST) throw error;
    sessionStorage.setItem(TRIES, String(tries));
    setTimeout(() => location.reload(), 300 * tries);
  },
);
