// A few emoji at hand; all the others are on the reader's own keyboard.

import { make } from "./chat-line.js";

const FEW = [..."😀😂😍🥰😮😢👏🙌👍🔥🎉💛"];

let row = null;

export function toggleEmoji(chat, button) {
  row ??= makeRow(chat);
  row.hidden = !row.hidden;
  button.setAttribute("aria-expanded", String(!row.hidden));
}

function makeRow({ input, over, say }) {
  const place = make("div", "emoji-row");
  place.hidden = true;
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", say("emoji"));
  for (const face of FEW) {
    const one = make("button", "emoji-row__one", face);
    one.type = "button";
    one.addEventListener("click", () => {
      if (input.readOnly || input.value.length + face.length > input.maxLength) return;
      input.setRangeText(face, input.selectionStart, input.selectionEnd, "end");
    });
    place.append(one);
  }
  const keys = /Mac/.test(navigator.platform) ? "Ctrl+⌘+Space" : "Windows+.";
  const isTouched = matchMedia("(pointer: coarse)").matches;
  place.append(make("span", "emoji-row__hint", say(isTouched ? "emojiTouch" : "emojiKeys", { keys })));
  over.prepend(place);
  return place;
}
