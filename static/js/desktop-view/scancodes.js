// Maps the position of a key (KeyboardEvent.code) to its scancode on an IBM 102-key keyboard
// ([MS-RDPBCGR] 2.2.8.1.2.2.1; 0xE000 marks extended ones). The desktop applies the layout.

const ROWS = {
  0x01: "Escape Digit1 Digit2 Digit3 Digit4 Digit5 Digit6 Digit7 Digit8 Digit9 Digit0 Minus Equal Backspace",
  0x0f: "Tab KeyQ KeyW KeyE KeyR KeyT KeyY KeyU KeyI KeyO KeyP BracketLeft BracketRight Enter",
  0x1d: "ControlLeft KeyA KeyS KeyD KeyF KeyG KeyH KeyJ KeyK KeyL Semicolon Quote Backquote",
  0x2a: "ShiftLeft Backslash KeyZ KeyX KeyC KeyV KeyB KeyN KeyM Comma Period Slash ShiftRight",
  0x37: "NumpadMultiply AltLeft Space CapsLock F1 F2 F3 F4 F5 F6 F7 F8 F9 F10",
  0x45: "NumLock ScrollLock Numpad7 Numpad8 Numpad9 NumpadSubtract Numpad4 Numpad5 Numpad6 NumpadAdd",
  0x4f: "Numpad1 Numpad2 Numpad3 Numpad0 NumpadDecimal",
  0x56: "IntlBackslash F11 F12 NumpadEqual",
  0x64: "F13 F14 F15 F16 F17 F18 F19 F20 F21 F22 F23",
  0x70: "KanaMode Lang2 Lang1 IntlRo",
  0x79: "Convert",
  0x7b: "NonConvert",
  0x7d: "IntlYen NumpadComma",
  0xe010: "MediaTrackPrevious",
  0xe019: "MediaTrackNext",
  0xe01c: "NumpadEnter ControlRight",
  0xe020: "AudioVolumeMute LaunchApp2 MediaPlayPause",
  0xe024: "MediaStop",
  0xe02e: "AudioVolumeDown",
  0xe030: "AudioVolumeUp",
  0xe032: "BrowserHome",
  0xe035: "NumpadDivide",
  0xe037: "PrintScreen AltRight",
  0xe046: "Pause Home ArrowUp PageUp",
  0xe04b: "ArrowLeft",
  0xe04d: "ArrowRight",
  0xe04f: "End ArrowDown PageDown Insert Delete",
  0xe05b: "MetaLeft MetaRight ContextMenu Power Sleep",
  0xe065: "BrowserSearch BrowserFavorites BrowserRefresh BrowserStop BrowserForward BrowserBack LaunchApp1 LaunchMail MediaSelect",
};

export const SCANCODES = new Map(
  Object.entries(ROWS).flatMap(([first, codes]) =>
    codes.split(" ").map((code, place) => [code, Number(first) + place])),
);
// older names of these keys in some browsers
for (const [old, code] of [["OSLeft", "MetaLeft"], ["OSRight", "MetaRight"], ["VolumeMute", "AudioVolumeMute"]]) {
  SCANCODES.set(old, SCANCODES.get(code));
}
