// What each end of a link means: the text to show, and whether the page reconnects by itself.
// The codes and words are those of the gateway (webapp/gateway).

/** When to reconnect: "soon" with back-off, "once" right away, "asked" when the person asks for it,
 *  "resumed" when the person resumes the desktop, or "never". */
const BY_CODE = {
  1000: "asked",
  1001: "soon",
  1002: "once",
  1006: "soon",
  1009: "once",
  4400: "once",
  4401: "once",
  4404: "never",
  4408: "soon",
  4409: "soon",
  4410: "never",
  4411: "asked",
  4412: "asked",
  4413: "never",
  4414: "resumed",
  4420: "asked",
  4423: "never",
  4429: "asked",
  4502: "soon",
  4503: "soon",
  4504: "soon",
};

/** Returns the ending for a close event; `words` are the page's translated texts by code. */
export function endingOf({ code, reason }, words) {
  const detail = reason.split(":")[1] ?? "";
  const said = words[`${code}:${detail}`] ?? words[String(code)] ?? words[1006];
  return { code, again: BY_CODE[code] ?? "soon", title: said[0], text: said[1] };
}
