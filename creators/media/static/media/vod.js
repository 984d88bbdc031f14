// Plays a recording in a <video> with the browser's own controls: nothing is loaded before the
// first play, and only the stretch between two instants of the playlist is played.
//
//   const vod = mountVod(video, {
//     url,                 // of the VOD playlist
//     from, length,        // ms of the playlist: where it begins, and how long it is
//     onTime: (ms) => …,   // while it plays, and after each jump; ms from `from`
//     onFail: () => …,     // it can't be played (now)
//   });
//   vod.play(ms)           jumps there and plays; without ms, from where it is
//   vod.at()               where it is, ms from `from`

import { browserWorld } from "./engine.js";

const RETRIES = 5;
const RETRY_AFTER = 2_000;
// A picture before the beginning is that close to it only by rounding.
const NEAR = 0.25;

const loadHls = () => import("../vendor/hls.js").then((module) => module.default);

// Where to jump so that the picture stays within the stretch; null when it is within.
// `time` and what it answers are seconds of the playlist.
export function intoStretch(time, { from, length }) {
  const [first, last] = [from / 1000, (from + length) / 1000];
  if (time < first - NEAR) return first;
  return time > last ? last : null;
}

export function mountVod(
  video,
  { url, from = 0, length, onTime = () => {}, onFail = () => {}, world },
) {
  const outside = world ?? browserWorld({ loadHls });
  const stretch = { from, length };
  let attached = null;
  let hls = null;
  let failures = 0;
  let startAt = 0;

  async function attach() {
    if (outside.isNative(video)) {
      video.src = url;
      return;
    }
    const Hls = await outside.loadHls();
    if (!Hls.isSupported()) {
      if (video.canPlayType("application/vnd.apple.mpegurl") === "") throw new Error("unsupported");
      video.src = url;
      return;
    }
    hls = new Hls({ startPosition: startAt, backBufferLength: 30, maxBufferLength: 20 });
    hls.on(Hls.Events.ERROR, (_name, trouble) => trouble.fatal && recover(trouble));
    hls.loadSource(url);
    hls.attachMedia(video);
  }

  function recover(trouble) {
    failures += 1;
    if (failures > RETRIES) return fail();
    if (trouble.type === "mediaError") return hls.recoverMediaError();
    // Before the playlist was read there is nothing to go on with.
    const again = trouble.details?.startsWith("manifest")
      ? () => hls?.loadSource(url)
      : () => hls?.startLoad();
    outside.setTimeout(again, RETRY_AFTER);
  }

  function fail() {
    hls?.destroy();
    hls = attached = null;
    failures = 0;
    onFail();
  }

  async function play(ms) {
    if (ms !== undefined) jump(ms);
    if (attached === null) {
      startAt = (from + (ms ?? 0)) / 1000;
      attached = attach();
      video.addEventListener("loadedmetadata", () => jump(startAt * 1000 - from), { once: true });
    }
    try {
      await attached;
      await video.play();
    } catch (error) {
      // The browser wants a tap first (then its controls are there), or another jump came.
      if (error?.name !== "NotAllowedError" && error?.name !== "AbortError") fail();
    }
  }

  function jump(ms) {
    const time = (from + Math.max(0, Math.min(ms, length))) / 1000;
    startAt = time;
    if (video.readyState > 0) video.currentTime = time;
  }

  function told() {
    // Before the first jump has been made the picture is not where it should be.
    if (video.readyState === 0) return;
    const wanted = intoStretch(video.currentTime, stretch);
    if (wanted !== null) {
      if (video.currentTime > wanted) video.pause();
      video.currentTime = wanted;
    }
    onTime(at());
  }

  const at = () => {
    const time = video.readyState > 0 ? video.currentTime : startAt;
    return Math.max(0, Math.min(Math.round(time * 1000) - from, length));
  };

  video.addEventListener("timeupdate", told);
  video.addEventListener("seeked", told);
  video.addEventListener("playing", () => {
    failures = 0;
  });
  video.addEventListener("error", () => hls === null && attached !== null && fail());

  return {
    play,
    at,
    get isStarted() {
      return attached !== null;
    },
  };
}
