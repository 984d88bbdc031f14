// The creator's page of a replay: the whole recording to find the moments to cut at.

import { mountVod } from "../media/vod.js";
import { clock } from "./replay-time.js";

const root = document.querySelector("[data-replay-tools]");
const find = (name) => root.querySelector(`[data-${name}]`);
const video = find("video");
const start = find("start");
const notice = find("notice");
const length = Number(root.dataset.length);

const vod = mountVod(video, {
  url: root.dataset.url,
  from: Number(root.dataset.from),
  length,
  onFail() {
    notice.textContent = notice.dataset.failed;
    video.controls = false;
    start.hidden = false;
  },
});

function play(ms) {
  notice.textContent = "";
  start.hidden = true;
  video.controls = true;
  vod.play(ms);
  for (const button of root.querySelectorAll("[data-set-now]")) button.hidden = false;
}

start.hidden = false;
start.addEventListener("click", () => {
  play(0);
  video.focus({ preventScroll: true });
});

// As the server reads it: to the tenth of a second.
function exact(ms) {
  const tenths = Math.floor((ms % 1000) / 100);
  return tenths > 0 ? `${clock(ms)}.${tenths}` : clock(ms);
}

root.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.setNow) {
    const field = root.querySelector(`[data-trim="${button.dataset.setNow}"]`);
    field.value = exact(vod.at());
  } else if (button?.dataset.jumpTo) play(Number(button.dataset.jumpTo));
});

for (const button of root.querySelectorAll("[data-jump-to]")) button.hidden = false;
