// Converts text to keystrokes, for on-screen keyboards and input methods, which send characters.

import { KEYS, LAYOUTS } from "./layouts.js";

const PLAIN_KEYS = new Map([[" ", "Space"], ["\n", "Enter"], ["\t", "Tab"]]);
/** Characters that a dead key produces with the space bar. */
const WITH_SPACE = { "^": "\u0302", "`": "\u0300", "~": "\u0303" };

/**
 * Returns for each character of `text` the strokes that type it in `layout`: a list of
 * { code, shift, altGr }, or null if the layout does not have the character.
 */
export function strokesFor(text, layout) {
  const known = tableOf(layout);
  return [...text.replace(/\r\n?/g, "\n").normalize("NFC")].map((character) => strokesOf(character, known));
}

function strokesOf(character, { direct, dead }) {
  if (PLAIN_KEYS.has(character)) return [{ code: PLAIN_KEYS.get(character), shift: false, altGr: false }];
  if (direct.has(character)) return [direct.get(character)];
  if (dead.has(WITH_SPACE[character])) {
    return [dead.get(WITH_SPACE[character]), { code: "Space", shift: false, altGr: false }];
  }
  const [base, mark, ...more] = character.normalize("NFD");
  if (!more.length && dead.has(mark) && direct.has(base)) return [dead.get(mark), direct.get(base)];
  return null;
}

const tables = new Map();

function tableOf(layout) {
  if (!tables.has(layout)) tables.set(layout, makeTable(LAYOUTS[layout] ?? LAYOUTS.us));
  return tables.get(layout);
}

function makeTable({ keys, dead }) {
  const direct = new Map();
  keys.forEach((row, level) => {
    [...row].forEach((character, place) => {
      if (character !== " " && !direct.has(character)) direct.set(character, stroke(KEYS[place], level));
    });
  });
  const marks = Object.entries(dead).map(([mark, where]) => {
    const [code, level] = where.split(" ");
    return [mark, stroke(code, Number(level))];
  });
  return { direct, dead: new Map(marks) };
}

function stroke(code, level) {
  return { code, shift: level % 2 === 1, altGr: level >= 2 };
}
