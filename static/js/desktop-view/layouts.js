// Which character each key gives in the layouts that the desktops know (XKB).
// Made by `python -m tests.keyboards.xkb`; a test compares it with XKB.
//
// `keys`: one line a level (plain, Shift, AltGr, Shift+AltGr), one character a key in the order of
// KEYS, a space where there is none. `dead`: combining character to "key level" of its dead key.

export const KEYS = (
  "Backquote Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backslash IntlBackslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash IntlRo IntlYen"
).split(" ");

export const LAYOUTS = {
  "us": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./  ",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?  ",
      "                                     |            ",
      "                                     ¦            ",
    ],
    dead: {},
  },
  "us(intl)": {
    keys: [
      " 1234567890-=qwertyuiop[]asdfghjkl; \\\\zxcvbnm,./  ",
      " !@#$% &*()_+QWERTYUIOP{}ASDFGHJKL: ||ZXCVBNM<>?  ",
      "`¡²³¤€¼½¾‘’¥×äåé®þüúíóö«»áßðfghjœø¶'¬\\æx©vbñµç ¿  ",
      "~¹  £ ^     ÷ÄÅÉ®ÞÜÚÍÓÖ“”Á§ÐFGHJŒØ°\"¦|ÆX¢VBÑµÇ    ",
    ],
    dead: {"\u0300": "Backquote 0", "\u0301": "Quote 0", "\u0303": "Backquote 1", "\u0302": "Digit6 1", "\u0308": "Quote 1", "\u0307": "Period 2", "\u030b": "Digit2 3", "\u0304": "Digit3 3", "\u0327": "Digit5 3", "\u0328": "Digit8 3", "\u0306": "Digit9 3", "\u030a": "Digit0 3", "\u030c": "Period 3"},
  },
  "us(dvorak)": {
    keys: [
      "`1234567890[]',.pyfgcrl/=aoeuidhtns-\\<;qjkxbmwvz  ",
      "~!@#$%^&*(){}\"<>PYFGCRL?+AOEUIDHTNS_|>:QJKXBMWVZ  ",
      "                                     |            ",
      "               ·                     ¦            ",
    ],
    dead: {"\u0300": "Backquote 2", "\u0302": "Digit6 2", "\u0303": "Equal 2", "\u0301": "KeyQ 2", "\u0327": "KeyW 2", "\u0307": "KeyE 2", "\u0328": "KeyZ 2", "\u0306": "Digit9 3", "\u0308": "KeyQ 3", "\u030c": "KeyW 3", "\u030b": "KeyZ 3"},
  },
  "us(dvp)": {
    keys: [
      "$&[{}(=*)+]!#;,.pyfgcrl/@aoeuidhtns-\\<'qjkxbmwvz  ",
      "~%7531902468`:<>PYFGCRL?^AOEUIDHTNS_|>\"QJKXBMWVZ  ",
      "  ¤¢¥€£ ½  ¡  «»¶ü  ç® ¿ åøæé ð þñß  |            ",
      "           ⸘  “”§Ü  Ç™ ‽ ÅØÆÉ Ð ÞÑẞ– ¦            ",
    ],
    dead: {"\u0303": "Backquote 2", "\u0300": "Digit9 2", "\u0308": "KeyQ 2", "\u0302": "BracketRight 2", "\u0301": "KeyJ 2", "\u0306": "Digit9 3", "\u030c": "BracketRight 3", "\u030b": "KeyZ 3"},
  },
  "gb": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./  ",
      "¬!\"£$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>?  ",
      "|¹²³€½¾{[]}\\ @ſe¶ŧ←↓→øþ  æßðđŋħ ĸł   |«»¢„“”µ•·   ",
      "|¡⅛£¼⅜⅝⅞™±°¿ Ω§E®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0303": "BracketRight 2", "\u0301": "Semicolon 2", "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "fr": {
    keys: [
      "²&é\"'(-è_çà)=azertyuiop $qsdfghjklmù*<wxcvbn,;:!  ",
      "~1234567890°+AZERTYUIOP £QSDFGHJKLM%µ>WXCVBN?./§  ",
      "¬¹~#{[|`\\^@]}æ«€¶ŧ←↓→øþ ¤@ßðđŋħ ĸłµ  |ł»¢„“” •·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Æ<¢®Ŧ¥↑ıØÞ  ΩẞÐªŊĦ &Łº  ¦Ł>©‚‘’ ×÷   ",
    ],
    dead: {"\u0302": "BracketLeft 0", "\u0308": "BracketLeft 1", "\u0300": "Backslash 2", "\u0301": "KeyM 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u030b": "KeyM 3", "\u0307": "Slash 3"},
  },
  "ca": {
    keys: [
      "#1234567890-=qwertyuiop  asdfghjkl; <«zxcvbnm,.é  ",
      "|!\"/$%?&*()_+QWERTYUIOP  ASDFGHJKL: >»ZXCVBNM'.É  ",
      "\\±@£¢¤¬¦²³¼½¾        §¶[]         ~{}°      µ¯    ",
      "                                     ¦            ",
    ],
    dead: {"\u0302": "BracketLeft 0", "\u0327": "BracketRight 0", "\u0300": "Quote 0", "\u0308": "BracketRight 1", "\u0301": "Slash 2"},
  },
  "be": {
    keys: [
      "²&é\"'(§è!çà)-azertyuiop $qsdfghjklmùµ<wxcvbn,;:=  ",
      "³1234567890°_AZERTYUIOP *QSDFGHJKLM%£>WXCVBN?./+  ",
      "¬|@#¼½^{[{}\\ @ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł   \\«»¢„“” •·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıŒÞ  ÆẞÐªŊĦ &Ł   \\<>©‚‘’º×÷   ",
    ],
    dead: {"\u0302": "BracketLeft 0", "\u0308": "BracketLeft 1", "\u0327": "Equal 2", "\u0301": "Semicolon 2", "\u0300": "Backslash 2", "\u0303": "Slash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "ch": {
    keys: [
      "§1234567890' qwertzuiopü asdfghjklöä$<yxcvbnm,.-  ",
      "°+\"*ç%&/()=? QWERTZUIOPè!ASDFGHJKLéà£>YXCVBNM;:_  ",
      "¬|@#¼½¬|¢]}  @ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł {}\\«»¢„“”µ•·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§E®Ŧ¥↑ıŒÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0302": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0301": "Minus 2", "\u0303": "Equal 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "ch(fr)": {
    keys: [
      "§1234567890' qwertzuiopè asdfghjkléà$<yxcvbnm,.-  ",
      "°+\"*ç%&/()=? QWERTZUIOPü!ASDFGHJKLöä£>YXCVBNM;:_  ",
      "¬|@#¼½¬|¢]}  @ſ€¶ŧ←↓→œþ[]æßðđŋħ ĸł {}\\«»¢„“”µ•·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§E®Ŧ¥↑ıŒÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0302": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0301": "Minus 2", "\u0303": "Equal 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "de": {
    keys: [
      " 1234567890ß qwertzuiopü+asdfghjklöä#<yxcvbnm,.-  ",
      "°!\"§$%&/()=? QWERTZUIOPÜ*ASDFGHJKLÖÄ'>YXCVBNM;:_  ",
      "′¹²³¼½¬{[]}\\ @ſ€¶ŧ←↓→øþ ~æſðđŋħ ĸł  ’|»«¢„“”µ·…–  ",
      "″¡⅛£¤⅜⅝⅞™±°¿ Ω§€®Ŧ¥↑ıØÞ ¯ÆẞÐªŊĦ &Ł    ›‹©‚‘’º×÷—  ",
    ],
    dead: {"\u0302": "Backquote 0", "\u0301": "Equal 0", "\u0300": "Equal 1", "\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u030b": "Semicolon 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0307": "KeyJ 3", "\u030c": "Quote 3", "\u0306": "Backslash 3"},
  },
  "pl": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./  ",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?  ",
      "¬≠²³¢€½§·«»– πœę©ß←↓→óþ  ąśðæŋ’ə…ł   |żźć„”ńµ≤≥   ",
      "∨¡¿£¼‰∧≈¾±°— ΩŒĘ®™¥↑↔ÓÞ  ĄŚÐÆŊ•Ə Ł   ¦ŻŹĆ‘“Ń∞×÷   ",
    ],
    dead: {"\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0303": "BracketRight 2", "\u0301": "Semicolon 2", "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "es": {
    keys: [
      "º1234567890'¡qwertyuiop +asdfghjklñ ç<zxcvbnm,.-  ",
      "ª!\"·$%&/()=?¿QWERTYUIOP *ASDFGHJKLÑ Ç>ZXCVBNM;:_  ",
      "\\|@#~½¬{[]}\\ @ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł {}|«»¢„“”µ•·   ",
      "\\¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0300": "BracketLeft 0", "\u0301": "Quote 0", "\u0302": "BracketLeft 1", "\u0308": "Quote 1", "\u0327": "Equal 2", "\u0303": "Semicolon 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "latam": {
    keys: [
      "|1234567890'¿qwertyuiop +asdfghjklñ{}<zxcvbnm,.-  ",
      "°!\"#$%&/()=?¡QWERTYUIOP *ASDFGHJKLÑ[]>ZXCVBNM;:_  ",
      "¬|@·~½¬{[]}\\ @ſ€¶ŧ←↓→øþ ~æßðđŋħ ĸł~  \\«»¢„“”µ•·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł {}|<>©‚‘’º×÷   ",
    ],
    dead: {"\u0301": "BracketLeft 0", "\u0308": "BracketLeft 1", "\u0327": "Equal 2", "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u0307": "Slash 3"},
  },
  "pt": {
    keys: [
      "\\1234567890'«qwertyuiop+ asdfghjklçº <zxcvbnm,.-  ",
      "|!\"#$%&/()=?»QWERTYUIOP* ASDFGHJKLÇª >ZXCVBNM;:_  ",
      "¬¹@£§½¬{[]}\\ @ſ€¶ŧ←↓→øþ  æßðđŋħ ĸł   \\«»¢„“”µ•·   ",
      "¬¡⅛£$⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   \\<>©‚‘’º×÷   ",
    ],
    dead: {"\u0301": "BracketRight 0", "\u0303": "Backslash 0", "\u0300": "BracketRight 1", "\u0302": "Backslash 1", "\u0327": "Equal 2", "\u0308": "BracketLeft 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "br": {
    keys: [
      "'1234567890-=qwertyuiop [asdfghjklç ]\\zxcvbnm,.;/ ",
      "\"!@#$% &*()_+QWERTYUIOP {ASDFGHJKLÇ }|ZXCVBNM<>:? ",
      "¬¹²³£¢¬{[]}\\§/?°®ŧ←↓→øþ´ªæßðđŋħ ĸł ~º «»©„“”µ•· ° ",
      "¬¡½¾¼⅜¨⅞™±°¿ /?°®Ŧ¥↑ıØÞ` ÆẞÐªŊĦ &Ł ^º <>©‚‘’µ×÷ ¿ ",
    ],
    dead: {"\u0301": "BracketLeft 0", "\u0303": "Quote 0", "\u0308": "Digit6 1", "\u0300": "BracketLeft 1", "\u0302": "Quote 1", "\u030c": "IntlBackslash 2", "\u0328": "Equal 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u0306": "IntlBackslash 3", "\u0307": "Slash 3"},
  },
  "it": {
    keys: [
      "\\1234567890'ìqwertyuiopè+asdfghjklòàù<zxcvbnm,.-  ",
      "|!\"£$%&/()=?^QWERTYUIOPé*ASDFGHJKLç°§>ZXCVBNM;:_  ",
      "¬¹²³¼½¬{[]}`~@ſ€¶ŧ←↓→øþ[]æßðđŋħ ĸł@# ««»¢“”ñµ ·   ",
      "¦¡  ⅛⅜⅝⅞™± ¿ Ω§¢®Ŧ¥↑ıØÞ{}ÆẞÐªŊĦ &Ł   »<>©‘’Ñº× ÷  ",
    ],
    dead: {"\u0300": "Backslash 2", "\u0301": "Comma 2", "\u0304": "Slash 2", "\u030b": "Digit2 3", "\u0303": "Digit3 3", "\u0328": "Digit0 3", "\u0302": "Equal 3", "\u0327": "Semicolon 3", "\u030a": "Quote 3", "\u0306": "Backslash 3", "\u0308": "Period 3"},
  },
  "dk": {
    keys: [
      "½1234567890+ qwertyuiopå asdfghjklæø'<zxcvbnm,.-  ",
      "§!\"#¤%&/()=? QWERTYUIOPÅ ASDFGHJKLÆØ*>ZXCVBNM;:_  ",
      "¾¡@£$½¥{[]}±|@ſ€®þ←↓→œþ  ªßðđŋħ ĸł   \\«»©„“”µ ·   ",
      "¶¹²³¼¢⅝÷«»°¿¦Ω§¢®Þ¥↑ıŒÞ  ºẞÐªŊĦ &Ł  ×¬<>©‚‘’º     ",
    ],
    dead: {"\u0301": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0302": "BracketRight 1", "\u0303": "BracketRight 2", "\u030b": "Backslash 2", "\u0327": "Comma 2", "\u030a": "BracketLeft 3", "\u030c": "BracketRight 3", "\u0328": "Comma 3", "\u0307": "Period 3"},
  },
  "fi": {
    keys: [
      "§1234567890+ qwertyuiopå asdfghjklöä'<zxcvbnm,.-  ",
      "½!\"#¤%&/()=? QWERTYUIOPÅ ASDFGHJKLÖÄ*>ZXCVBNM;:_  ",
      "  @£$‰‚{[]}\\ qw€rþyuıœ   əßðfghjĸ øæ |ʒ×cvbŋµ’ –  ",
      " ¡”»«“„ <>°¿ QW RÞYU|Œ   ƏẞÐFGHJ  ØÆ ¦Ʒ·CVBŊ—‘    ",
    ],
    dead: {"\u0301": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0302": "BracketRight 1", "\u0327": "Equal 2", "\u030b": "BracketLeft 2", "\u0303": "BracketRight 2", "\u030c": "Backslash 2", "\u0328": "Equal 3", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u0306": "Backslash 3", "\u0307": "Period 3"},
  },
  "is": {
    keys: [
      " 1234567890ö-qwertyuiopð'asdfghjklæ +<zxcvbnm,.þ  ",
      " !\"#$%&/()=Ö_QWERTYUIOPÐ?ASDFGHJKLÆ *>ZXCVBNM;:Þ  ",
      "¬¹²³¼½¬{[]}\\ @ſ€¶ŧ←↓→ø| ~æß„đŋħ ĸł^ `|«»¢„“”µ•·   ",
      " ¡⅛£¤⅜⅝⅞™±°¿ Ω§¢®Ŧ¥↑ıØπ  Æẞ“ªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u030a": "Backquote 0", "\u0301": "Quote 0", "\u0308": "Backquote 1", "\u0327": "Equal 2", "\u0302": "Quote 2", "\u0328": "Equal 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "no": {
    keys: [
      "|1234567890+\\qwertyuiopå asdfghjkløæ'<zxcvbnm,.-  ",
      "§!\"#¤%&/()=? QWERTYUIOPÅ ASDFGHJKLØÆ*>ZXCVBNM;:_  ",
      "¦¡@£$½¥{[]}± @ſ€®þ←↓→œπ  ªßðđŋħ ĸł   ½«»©„“”µ …–  ",
      "¶¹²³¼‰⅝÷«»°¿¬Ω§¢™Þ¥↑ıŒΠ  ºẞÐªŊĦ &Ł  ×¾<>©‚‘’º ·—  ",
    ],
    dead: {"\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0302": "BracketRight 1", "\u0301": "Equal 2", "\u0303": "BracketRight 2", "\u030b": "Backslash 2", "\u0327": "Comma 2", "\u030a": "BracketLeft 3", "\u030c": "BracketRight 3", "\u0328": "Comma 3"},
  },
  "se": {
    keys: [
      "§1234567890+ qwertyuiopå asdfghjklöä'<zxcvbnm,.-  ",
      "½!\"#¤%&/()=? QWERTYUIOPÅ ASDFGHJKLÖÄ*>ZXCVBNM;:_  ",
      "¶¡@£$€¥{[]}\\±@ſ€®þ←↓→œþ  ªßðđŋħ ĸłøæ´|«»©„“”µ ·   ",
      "¾¹²³¼¢⅝÷«»°¿¬Ω§¢®Þ¥↑ıŒÞ  ºẞÐªŊĦ &ŁØÆ×¦<>©‚‘’º     ",
    ],
    dead: {"\u0301": "Equal 0", "\u0308": "BracketRight 0", "\u0300": "Equal 1", "\u0302": "BracketRight 1", "\u0303": "BracketRight 2", "\u0327": "Comma 2", "\u030a": "BracketLeft 3", "\u030c": "BracketRight 3", "\u0328": "Comma 3", "\u0307": "Period 3"},
  },
  "ee": {
    keys: [
      " 1234567890+ qwertyuiopüõasdfghjklöä'<zxcvbnm,.-  ",
      " !\"#¤%&/()=? QWERTYUIOPÜÕASDFGHJKLÖÄ*>ZXCVBNM;:_  ",
      "¬¹@£$½¬{[]}\\`@ſ€¶ŧ←↓→øþ §æšðđŋħ ĸł ^½|ž»¢„“”µ<>|  ",
      "¬¡⅛£$⅜⅝⅞™±°¿'Ω§¢®Ŧ¥↑ıØÞ  ÆŠÐªŊĦ &Ł   ¦Ž>©‚‘’º×÷˙  ",
    ],
    dead: {"\u030c": "Backquote 0", "\u0301": "Equal 0", "\u0303": "Backquote 1", "\u0300": "Equal 1", "\u0308": "BracketLeft 2", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u0306": "Backslash 3"},
  },
  "lv": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./  ",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?  ",
      "´¹²³€½¾{[]}\\–qwēŗtyūīōp«»āšdfģhjķļ;“`|žxčvbņm•·/  ",
      "~¡⅛£¢⅜⅝⅞™±°¿—QWĒŖTYŪĪŌP“”ĀŠDFĢHJĶĻ:„˘¦ŽXČVBŅM×÷˙  ",
    ],
    dead: {},
  },
  "lt": {
    keys: [
      "`ąčęėįšųū„“-žqwertyuiop[]asdfghjkl;'\\–zxcvbnm,./  ",
      "~ĄČĘĖĮŠŲŪ()_ŽQWERTYUIOP{}ASDFGHJKL:\"|€ZXCVBNM<>?  ",
      "´1234567890–=@ſ€¶ŧ←↓→øþ  æßðđŋħ ĸł   |«»¢„“”µ•·   ",
      "¬!@#$%^&*()¿+Ω§£®Ŧ¥↑ıØÞ  ÆẞÐªŊĦ &Ł   ¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0308": "BracketLeft 2", "\u0303": "BracketRight 2", "\u0301": "Semicolon 2", "\u0302": "Quote 2", "\u0300": "Backslash 2", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u030b": "Semicolon 3", "\u030c": "Quote 3", "\u0306": "Backslash 3", "\u0307": "Slash 3"},
  },
  "cz": {
    keys: [
      ";+ěščřžýáíé= qwertzuiopú)asdfghjklů§ \\yxcvbnm,.-  ",
      " 1234567890% QWERTZUIOP/(ASDFGHJKL\"!'|YXCVBNM?:_  ",
      "`!@#$%^&*{}\\ \\|€¶ŧ←↓→øþ[]~đĐ[]`'łŁ$'\\/°#&@{}^<>*  ",
      "~            Ω§E®Ŧ¥↑ıØÞ÷×ÆẞÐªŊĦ &Ł ß|¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0301": "Equal 0", "\u0308": "Backslash 0", "\u030a": "Backquote 1", "\u030c": "Equal 1", "\u0304": "Equal 2", "\u0303": "Digit1 3", "\u0302": "Digit3 3", "\u0306": "Digit4 3", "\u0328": "Digit6 3", "\u0300": "Digit7 3", "\u0307": "Digit8 3", "\u030b": "Digit0 3", "\u0327": "Equal 3"},
  },
  "sk": {
    keys: [
      ";+ľščťžýáíé= qwertzuiopúäasdfghjklô§ň\\yxcvbnm,.-  ",
      " 1234567890% QWERTZUIOP/(ASDFGHJKL\"!)|YXCVBNM?:_  ",
      "`!@#$%^&*{}\\ \\|€¶ŧ←↓→øþ[]~đĐ[]`'łŁ$'\\/°#&@{}^<>*  ",
      "~            Ω§E®Ŧ¥↑ıØÞ÷×ÆẞÐªŊĦ &Ł ß|¦<>©‚‘’º×÷   ",
    ],
    dead: {"\u0301": "Equal 0", "\u030a": "Backquote 1", "\u030c": "Equal 1", "\u0304": "Equal 2", "\u0303": "Digit1 3", "\u0302": "Digit3 3", "\u0306": "Digit4 3", "\u0328": "Digit6 3", "\u0300": "Digit7 3", "\u0307": "Digit8 3", "\u030b": "Digit0 3", "\u0308": "Minus 3", "\u0327": "Equal 3"},
  },
  "hu": {
    keys: [
      "0123456789öüóqwertzuiopőúasdfghjkléáűíyxcvbnm,.-  ",
      "§'\"+!%/=()ÖÜÓQWERTZUIOPŐÚASDFGHJKLÉÁŰÍYXCVBNM?:_  ",
      "¬~ ^   `     \\|Ä¶ŧ–€Í„”÷×äđĐ[]ħíłŁ$ß¤<>#&@{}<;>*  ",
      "¬ ˇ ˘°˛ ˙´˝¨¸Ω§E®Ŧ¥↑íØÞ  ÄẞÐªŊĦÍ&Ł¢ẞ ><>©‚‘’º×÷   ",
    ],
    dead: {"\u030c": "Digit2 2", "\u0306": "Digit4 2", "\u030a": "Digit5 2", "\u0328": "Digit6 2", "\u0307": "Digit8 2", "\u0301": "Digit9 2", "\u030b": "Digit0 2", "\u0308": "Minus 2", "\u0327": "Equal 2", "\u0303": "Digit1 3", "\u0302": "Digit3 3", "\u0300": "Digit7 3", "\u0304": "BracketRight 3"},
  },
  "ro": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\\\zxcvbnm,./  ",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"||ZXCVBNM<>?  ",
      "             âß€ ț  î §„”ășđ     ł   |  ©    «»   ",
      "           –±Âẞ  Ț  Î    ĂȘĐ     Ł   ¦            ",
    ],
    dead: {"\u0303": "Digit1 2", "\u030c": "Digit2 2", "\u0302": "Digit3 2", "\u0306": "Digit4 2", "\u030a": "Digit5 2", "\u0328": "Digit6 2", "\u0300": "Digit7 2", "\u0307": "Digit8 2", "\u0301": "Digit9 2", "\u030b": "Digit0 2", "\u0308": "Minus 2", "\u0327": "Equal 2"},
  },
  "hr": {
    keys: [
      "`1234567890'+qwertzuiopšđasdfghjklčćž<yxcvbnm,.-  ",
      "~!\"#$%&/()=?*QWERTZUIOPŠĐASDFGHJKLČĆŽ>YXCVBNM;:_  ",
      "¬~ ^ ° `     \\|€¶ŧ←↓→øþ÷×æ„”[]ħ łł ß¤|‘’¢@{}§<>   ",
      "¬ ˇ ˘ ˛ ˙'˝¨¸ΩŁ€®Ŧ¥↑ıØÞ  Æ»«ªŊĦ &Ł   ¦»«©`'}º×÷   ",
    ],
    dead: {"\u030c": "Digit2 2", "\u0306": "Digit4 2", "\u0328": "Digit6 2", "\u0307": "Digit8 2", "\u0301": "Digit9 2", "\u030b": "Digit0 2", "\u0308": "Minus 2", "\u0327": "Equal 2", "\u0303": "Digit1 3", "\u0302": "Digit3 3", "\u030a": "Digit5 3", "\u0300": "Digit7 3", "\u0304": "BracketRight 3"},
  },
  "si": {
    keys: [
      "¸1234567890'+qwertzuiopšđasdfghjklčćž<yxcvbnm,.-  ",
      "¨!\"#$%&/()=?*QWERTZUIOPŠĐASDFGHJKLČĆŽ>YXCVBNM;:_  ",
      "             \\|€¶ŧ←↓→øþ÷×æ„“[]ħ łł ß¤|‘’¢@{}§<>—  ",
      " ~ˇ^˘°˛`˙'˝¨¸ΩŁ€®Ŧ¥↑ıØÞ  Æ»«ªŊĦ &Ł   ¦»«©`'}º×÷–  ",
    ],
    dead: {"\u0303": "Digit1 2", "\u030c": "Digit2 2", "\u0302": "Digit3 2", "\u0306": "Digit4 2", "\u030a": "Digit5 2", "\u0328": "Digit6 2", "\u0300": "Digit7 2", "\u0307": "Digit8 2", "\u0301": "Digit9 2", "\u030b": "Digit0 2", "\u0308": "Minus 2", "\u0327": "Equal 2", "\u0304": "BracketRight 3"},
  },
  "tr": {
    keys: [
      "\"1234567890*-qwertyuıopğüasdfghjklşi,<zxcvbnmöç.  ",
      "é!'^+%&/()=?_QWERTYUIOPĞÜASDFGHJKLŞİ;>ZXCVBNMÖÇ:  ",
      "<>£#$½¾{[]}\\|@ €¶₺←ûîô  ~âß ª     ´'`|«»¢„“”µ×·   ",
      "°¡²³¼⅜   ±°¿ Ω  ® ¥ÛÎÔ   Â           ¦<>©‚‘’º ÷   ",
    ],
    dead: {"\u0308": "BracketLeft 2", "\u0307": "Slash 2", "\u030a": "BracketLeft 3", "\u0304": "BracketRight 3", "\u0301": "Semicolon 3", "\u030c": "Quote 3", "\u0300": "Backslash 3"},
  },
  "ru": {
    keys: [
      "ё1234567890-=йцукенгшщзхъфывапролджэ\\/ячсмитьбю.  ",
      "Ё!\"№;%:?*()_+ЙЦУКЕНГШЩЗХЪФЫВАПРОЛДЖЭ/|ЯЧСМИТЬБЮ,  ",
      "        ₽                            |            ",
      "                                     ¦            ",
    ],
    dead: {},
  },
  "jp": {
    keys: [
      " 1234567890-^qwertyuiop@[asdfghjkl;:]<zxcvbnm,./\\\\",
      " !\"#$%&'()~=~QWERTYUIOP`{ASDFGHJKL+*}>ZXCVBNM<>?_|",
      "                                     |            ",
      "                                     ¦            ",
    ],
    dead: {},
  },
  "kr": {
    keys: [
      "`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./  ",
      "~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>?  ",
      "                                     |            ",
      "                                     ¦            ",
    ],
    dead: {},
  },
};
