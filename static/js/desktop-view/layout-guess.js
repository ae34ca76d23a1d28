// Guesses the person's keyboard layout: the one chosen here before, else the one of the launch unless
// that is "us", else the best match for the browser's key map, else for its languages, else "us".

import { KEYS, LAYOUTS } from "./layouts.js";

const REMEMBERED = "winux.keyboard";
/** Layouts by language, and by region where the keyboard differs. */
const BY_LANGUAGE = {
  "en-gb": "gb", "en-ie": "gb", fr: "fr", "fr-ca": "ca", "fr-be": "be", "nl-be": "be", "fr-ch": "ch(fr)",
  "fr-lu": "ch(fr)", "it-ch": "ch(fr)", "de-ch": "ch", "de-li": "ch", de: "de", pl: "pl", es: "es", "es-es": "es",
  ca: "es", eu: "es", gl: "es", pt: "pt", "pt-br": "br", it: "it", da: "dk", fi: "fi", is: "is", nb: "no", nn: "no",
  no: "no", sv: "se", et: "ee", lv: "lv", lt: "lt", cs: "cz", sk: "sk", hu: "hu", ro: "ro", hr: "hr", bs: "hr",
  sl: "si", tr: "tr", ru: "ru", ja: "jp", ko: "kr", nl: "us(intl)",
};

export async function guessLayout(launchedWith) {
  return remembered() ?? chosenAtLaunch(launchedWith) ?? (await ofKeys()) ?? ofLanguages() ?? "us";
}

export function remember(layout) {
  try {
    localStorage.setItem(REMEMBERED, layout);
  } catch {
    // without storage the layout is guessed again next time
  }
}

function remembered() {
  try {
    const layout = localStorage.getItem(REMEMBERED);
    return layout in LAYOUTS ? layout : null;
  } catch {
    return null;
  }
}

function chosenAtLaunch(layout) {
  return layout !== "us" && layout in LAYOUTS ? layout : null;
}

async function ofKeys() {
  try {
    const map = await navigator.keyboard.getLayoutMap();
    return map.size ? bestMatch(map) : null;
  } catch {
    return null;
  }
}

/** Returns the layout whose unshifted keys match most of the browser's key map. */
export function bestMatch(map) {
  const fits = Object.entries(LAYOUTS).map(([name, { keys }]) => {
    const same = KEYS.filter((code, place) => map.get(code) === keys[0][place]).length;
    return { name, same };
  });
  const most = Math.max(...fits.map(({ same }) => same));
  const equals = fits.filter(({ same }) => same === most).map(({ name }) => name);
  // Polish and US keys differ only with AltGr: the language decides
  return equals.find((name) => name === ofLanguages()) ?? equals[0];
}

function ofLanguages() {
  for (const language of navigator.languages ?? []) {
    const whole = language.toLowerCase();
    const layout = BY_LANGUAGE[whole] ?? (whole.startsWith("es-") ? "latam" : BY_LANGUAGE[whole.split("-")[0]]);
    if (layout) return layout;
    if (whole.startsWith("en")) return "us";
  }
  return null;
}
