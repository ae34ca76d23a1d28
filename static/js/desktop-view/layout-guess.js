// Which keyboard layout the person has: what they chose here before, else what the browser says
// of the keys, else of the languages, else what the desktop was launched with.

import { KEYS, LAYOUTS } from "./layouts.js";

const REMEMBERED = "winux.keyboard";
const BY_LANGUAGE = {
  "en-gb": "gb", "en-ie": "gb", fr: "fr", "fr-be": "be", "nl-be": "be", "fr-ch": "ch", "de-ch": "ch",
  "it-ch": "ch", de: "de", pl: "pl", es: "es", it: "it", pt: "pt",
};

export async function guessLayout(launchedWith) {
  return remembered() ?? chosenAtLaunch(launchedWith) ?? (await ofKeys()) ?? ofLanguages() ?? "us";
}

export function remember(layout) {
  try {
    localStorage.setItem(REMEMBERED, layout);
  } catch {
    // a browser that keeps nothing asks again next time
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

/** The layout whose plain keys agree with most of what the browser tells. */
export function bestMatch(map) {
  const fits = Object.entries(LAYOUTS).map(([name, { keys }]) => {
    const same = KEYS.filter((code, place) => map.get(code) === keys[0][place]).length;
    return { name, same };
  });
  const most = Math.max(...fits.map(({ same }) => same));
  const equals = fits.filter(({ same }) => same === most).map(({ name }) => name);
  // Polish and US keys look the same until AltGr: then the language tells
  return equals.find((name) => name === ofLanguages()) ?? equals[0];
}

function ofLanguages() {
  for (const language of navigator.languages ?? []) {
    const whole = language.toLowerCase();
    const layout = BY_LANGUAGE[whole] ?? BY_LANGUAGE[whole.split("-")[0]];
    if (layout) return layout;
    if (whole.startsWith("en")) return "us";
  }
  return null;
}
