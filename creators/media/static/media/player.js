// The live player of a page: the markup of templates/media/player.html brought to life.
//
//   {% include "media/player.html" %}       and  <link rel="stylesheet" href="…media/player.css">
//
//   const player = mountPlayer(document.querySelector("[data-player]"), {
//     url,                // the playlist; "" when there is none yet (player.open(url) later)
//     isHost: false,      // a host's preview: silent at first, and no keys of its own
//     now: () => …,       // the server's clock in ms, for lag(); else this machine's
//     onState: ({ name, lag, stalls, muted }) => …,   // name: see engine.js; lag in ms or null
//   });
//   player.open(url)                     plays another playlist; "" stops
//   player.picture({ state, since })     what the stage says: "on", "lost" (since ms), "none"
//   player.at()                          server ms of the picture that is shown now, or null
//   player.lag()                         how many ms ago that was, or null
//   player.stalls                        how often it stood still by itself
//   player.caption({ text, lang, starts_at, ends_at })   a live caption, shown now if wished
//   player.onFrame(work)                 calls work at each picture that is shown; returns "stop"
//   player.destroy()
//
// The element carries it, too: root.player.

import { startControls } from "./controls.js";
import { browserWorld, Engine } from "./engine.js";

const RECONNECTING = 60_000;
const STALL_SHOWN = 2_500;
const CAPTION_LEAST = 1_600;
const CAPTION_MOST = 8_000;
const STILL_EVERY = 12_000;

const loadHls = () => import("../vendor/hls.js").then((module) => module.default);

// Our origin keeps a still beside each playlist; of others it is not known.
export function stillOf(url) {
  const found = /^([^?]*\/)index\.m3u8(\?.*)?$/.exec(url);
  return found === null ? "" : `${found[1]}poster.jpg${found[2] ?? ""}`;
}

export function mountPlayer(
  root,
  { url = "", isHost = false, now = () => Date.now(), onState = () => {}, world } = {},
) {
  const find = (name) => root.querySelector(`[data-player-${name}]`);
  const video = find("video");
  const still = find("still");
  const notice = find("notice");
  const captionPlace = find("caption");
  const engineWorld = world ?? { ...browserWorld({ loadHls }), serverNow: now };
  let wanted = "";
  let lostSince = null;
  let isStill = false; // data saver without anything lighter than the picture
  let hasPicture = true; // false: sound only
  let noticeTimer;
  let captionTimer;
  let stillTimer;

  const engine = new Engine({ video, world: engineWorld, onState: changed });
  const controls = startControls(root, { video, engine, isHost, onSaver: () => choose() });

  const say = (name) => root.dataset[name] ?? "";

  function changed(name) {
    root.dataset.state = name;
    root.hidden = name === "idle" && !isStill;
    showStill();
    showNotice();
    controls.show(name);
    onState({ name, lag: engine.lag(), stalls: engine.stalls, muted: video.muted });
  }

  function showNotice() {
    clearTimeout(noticeTimer);
    const write = (text) => {
      if (notice.textContent !== text) notice.textContent = text;
    };
    const name = isStill ? "idle" : engine.state;
    if (name === "lost") {
      const left = lostSince === null ? 0 : lostSince + RECONNECTING - now();
      write(say(left > 0 ? "textReconnecting" : "textGone"));
      if (left > 0) noticeTimer = setTimeout(showNotice, Math.min(left + 50, RECONNECTING));
    } else if (name === "unsupported") write(say("textUnsupported"));
    else if (name === "stalled") {
      write("");
      noticeTimer = setTimeout(() => write(say("textReconnecting")), STALL_SHOWN);
    } else write("");
  }

  // A still of the last seconds where no picture moves and the last one is not there either.
  function showStill() {
    clearTimeout(stillTimer);
    const address = wanted === "" ? "" : stillOf(wanted);
    const isWaiting = ["loading", "blocked", "unsupported"].includes(engine.state);
    const isNeeded = isStill || !hasPicture || isWaiting;
    video.classList.toggle("is-empty", isNeeded || !engine.isStarted);
    if (!isNeeded || address === "") {
      still.onload = null;
      still.hidden = true;
      return;
    }
    still.onload = () => {
      still.hidden = false;
    };
    still.onerror = () => {
      still.hidden = true;
    };
    const mark = address.includes("?") ? "&" : "?";
    still.src = `${address}${mark}at=${Math.floor(now() / 10_000)}`;
    stillTimer = setTimeout(showStill, STILL_EVERY);
  }

  // Plays what was asked for, or what the data saver makes of it.
  async function choose() {
    const asked = wanted;
    let choice = { url: asked, isStill: false, isCapped: false };
    if (controls.isSaving && asked !== "") {
      const { lighter } = await import("./saving.js");
      choice = await lighter(asked);
      if (asked !== wanted || !controls.isSaving) return;
    }
    isStill = choice.isStill;
    hasPicture = choice.isSoundOnly !== true;
    root.classList.toggle("player--still", isStill || !hasPicture);
    engine.save(choice.isCapped);
    engine.open(choice.url);
    changed(engine.state);
  }

  function open(address) {
    if (address === wanted) return;
    wanted = address;
    choose();
  }

  function caption({ text, lang, starts_at, ends_at }) {
    clearTimeout(captionTimer);
    captionPlace.lang = lang;
    captionPlace.textContent = text;
    const lasts = Math.min(CAPTION_MOST, Math.max(CAPTION_LEAST, ends_at - starts_at + 1_000));
    captionTimer = setTimeout(() => {
      captionPlace.textContent = "";
    }, lasts);
  }

  function onFrame(work) {
    if (typeof video.requestVideoFrameCallback !== "function") return () => {};
    let id = video.requestVideoFrameCallback(function each() {
      id = video.requestVideoFrameCallback(each);
      work();
    });
    return () => video.cancelVideoFrameCallback(id);
  }

  const shaped = () => {
    root.classList.toggle("player--wide", video.videoWidth > video.videoHeight);
  };
  video.addEventListener("resize", shaped);

  const seen = () => document.hidden || engine.seen();
  document.addEventListener("visibilitychange", seen);

  const player = {
    open,
    picture({ state, since }) {
      lostSince = state === "lost" ? since : null;
      engine.picture(state);
      if (state === "none") wanted = "";
      showNotice();
    },
    at: () => engine.at(),
    lag: () => engine.lag(),
    get stalls() {
      return engine.stalls;
    },
    caption,
    onFrame,
    destroy() {
      document.removeEventListener("visibilitychange", seen);
      video.removeEventListener("resize", shaped);
      for (const timer of [noticeTimer, captionTimer, stillTimer]) clearTimeout(timer);
      controls.stop();
      engine.close();
    },
  };
  root.player = player;
  if (url !== "") open(url);
  return player;
}
