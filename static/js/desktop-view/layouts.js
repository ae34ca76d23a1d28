// Which character each key gives in the layouts that the desktops know (XKB's basic variants).
//
// `keys`: one line a level (plain, Shift, AltGr, Shift+AltGr), one character a key in the order of
// KEYS, a space where there is none. `dead`: combining character to "key level" of its dead key.

export const KEYS = (
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal " +
  "KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight " +
  "KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash " +
  "IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash"
).split(" ");

export const LAYOUTS = {
  us: {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?",
      "                                     |",
      "                                     ¦",
    ],
    dead: {},
  },
  gb: {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./",
      "¬!\"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?",
      "|¹²³€½¾{[]}\\ @ſe¶ŧ←↓→øþ  æßðđŋħ ĸł   |«»¢„“”µ•·",
      "|¡⅛£¼⅜⅝⅞™±°¿ Ω§E®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷",
    ],
    dead: {
      "\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0303": "BracketRight 2", "\u0301": "Semicolon 2",
      "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
      "\u0307": "Slash 3",
    },
  },
  fr: {
    keys: [
      "²&é\"'(-è_çà)=azertyuiop $qsdfghjklmù*<wxcvbn,;:!",
      "~1234567890°+AZERTYUIOP £QSDFGHJKLM%µ>WXCVBN?./§",
      "¬¹~#{[|`\\^@]}æ«€¶ŧ←↓→øþ ¤@ßðđŋħ ĸłµ  |ł»¢„“” •·",
      "¬¡⅛£$⅜⅝⅞™±°¿ Æ<¢®Ŧ¥↑ıØÞ  ΩẞÐªŊĦ &Łº  ¦Ł>©‚‘’ ×÷",
    ],
    dead: {
      "\u0302": "BracketLeft 0", "\u0308": "BracketLeft 1", "\u0300": "Backslash 2", "\u0301": "KeyM 2",
      "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030c": "Quote 3",
      "\u0306": "Backslash 3", "\u030b": "KeyM 3", "\u0307": "Slash 3",
    },
  },
  de: {
    keys: [
      " 1234567890ß qwertzuiopü+asdfghjklöä#<yxcvbnm,.-",
      "°!\"§$%&/()=? QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_",
      "′¹²³¼½¬{[]}\\ @ſ€¶ŧ←↓→øþ ~æſðđŋħ ĸł  ’|»«¢„“”µ·…–",
      "″¡⅛£¤⅜⅝⅞™±°¿ Ω§€®Ŧ¥↑ıØÞ ¯ÆẞÐªŊĦ &Ł    ›‹©‚‘’º×÷—",
    ],
    dead: {
      "\u0302": "Backquote 0", "\u0301": "Equal 0", "\u0300": "Equal 1", "\u0327": "Equal 2",
      "\u0308": "BracketLeft 2", "\u030b": "Semicolon 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0307": "KeyJ 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
    },
  },
  pl: {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?",
      "¬≠²³¢€½§·«»– πœę©ß←↓→óþ  ąśðæŋ’ə…ł   |żźć„”ńµ≤≥",
      "∨¡¿£¼‰∧≈¾±°— ΩŒĘ®™¥↑↔ÓÞ  ĄŚÐÆŊ•Ə Ł   ¦ŻŹĆ‘“Ń∞×÷",
    ],
    dead: {
      "\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0303": "BracketRight 2", "\u0301": "Semicolon 2",
      "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
      "\u0307": "Slash 3",
    },
  },
  es: {
    keys: [
      "º1234567890'¡qwertyuiop +asdfghjklñ ç<zxcvbnm,.-",
      "ª!\"·$%&/()=?¿QWERTYUIOP *ASDFGHJKLÑ Ç>ZXCVBNM;:_",
      "\\|@#~½¬{[]}\\ @ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł {}|«»¢„“”µ•·",
      "\\¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷",
    ],
    dead: {
      "\u0300": "BracketLeft 0", "\u0301": "Quote 0", "\u0302": "BracketLeft 1", "\u0308": "Quote 1",
      "\u0327": "Equal 2", "\u0303": "Semicolon 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
      "\u0307": "Slash 3",
    },
  },
  it: {
    keys: [
      "\\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-",
      "|!\"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_",
      "¬¹²³¼½¬{[]}`~@ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł@# ««»¢“”ñµ ·",
      "¦¡  ⅛⅜⅝⅞™± ¿ Ω§¢®Ŧ¥↑ıØÞ{}ÆẞÐªŊĦ &Ł   »<>©‘’Ñº× ÷",
    ],
    dead: {
      "\u0300": "Backslash 2", "\u0301": "Comma 2", "\u0304": "Slash 2", "\u030b": "Digit2 3",
      "\u0303": "Digit3 3", "\u0328": "Digit0 3", "\u0302": "Equal 3", "\u0327": "Semicolon 3",
      "\u030a": "Quote 3", "\u0306": "Backslash 3", "\u0308": "Period 3",
    },
  },
  pt: {
    keys: [
      "\\1234567890'«qwertyuiop+ asdfghjklçº <zxcvbnm,.-",
      "|!\"#$%&/()=?»QWERTYUIOP* ASDFGHJKLÇª >ZXCVBNM;:_",
      "¬¹@£§½¬{[]}\\ @ſ€¶ŧ←↓→øþ  æßðđŋħ ĸł   \\«»¢„“”µ•·",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   \\<>©‚‘’º×÷",
    ],
    dead: {
      "\u0301": "BracketRight 0", "\u0303": "Backslash 0", "\u0300": "BracketRight 1", "\u0302": "Backslash 1",
      "\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
      "\u0307": "Slash 3",
    },
  },
  be: {
    keys: [
      "²&é\"'(§è!çà)-azertyuiop $qsdfghjklmùµ<wxcvbn,;:=",
      "³1234567890°_AZERTYUIOP *QSDFGHJKLM%£>WXCVBN?./+",
      "¬|@#¼½^{[{}\\ @ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł   \\«»¢„“” •·",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıŒÞ  ÆẞÐªŊĦ &Ł   \\<>©‚‘’º×÷",
    ],
    dead: {
      "\u0302": "BracketLeft 0", "\u0308": "BracketLeft 1", "\u0327": "Equal 2", "\u0301": "Semicolon 2",
      "\u0300": "Backslash 2", "\u0303": "Slash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3",
      "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3",
      "\u0307": "Slash 3",
    },
  },
  ch: {
    keys: [
      "§1234567890' qwertzuiopü asdfghjklöä$<yxcvbnm,.-",
      "°+\"*ç%&/()=? QWERTZUIOPè!ASDFGHJKLéà£>YXCVBNM;:_",
      "¬|@#¼½¬|¢]}  @ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł {}\\«»¢„“”µ•·",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§E®Ŧ¥↑ıŒÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷",
    ],
    dead: {
      "\u0302": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0301": "Minus 2",
      "\u0303": "Equal 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3",
      "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3",
    },
  },
};
