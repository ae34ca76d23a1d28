// What the end of a link means: what is said, and whether the page comes back by itself.
// The codes and words are those of the gateway (webapp/gateway).

/** `again`: "soon" with back-off, "once" right away, "asked" when the person says so, "never";
 *  "resumed": when the person has it resumed. */
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

/** The words come with the page, by code, so that they are translated with it. */
export function endingOf({ code, reason }, words) {
  const detail = reason.split(":")[1] ?? "";
  const said = words[`${code}:${detail}`] ?? words[String(code)] ?? words[1006];
  return { code, again: BY_CODE[code] ?? "soon", title: said[0], text: said[1] };
}
