// Starts the page. Its modules are many small files; when one of them does not arrive (a network
// that changes just now), the page loads again by itself.

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
