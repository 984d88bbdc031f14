// The player's buttons and keys: sound, pause, captions, picture in picture, full screen, data
// saver. What was chosen is remembered in this browser.
//
// Keys, when nothing that takes text has the focus: m sound, space or k pause, c captions,
// p picture in picture, f full screen.

const STORE = "liveshop.player";
const TAKES_KEYS =
  "input, textarea, select, [contenteditable], dialog[open], [role=log], video[controls]";
const TAKES_SPACE = "a, button, summary, label, audio, video[controls]";

function recall() {
  try {
    return JSON.parse(localStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

function remember(choices) {
  try {
    localStorage.setItem(STORE, JSON.stringify(choices));
  } catch {
    // Then the choice lasts as long as the page.
  }
}

// What a key asks for here, or "".
export function wishOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.defaultPrevented) {
    return "";
  }
  if (event.target.closest?.(TAKES_KEYS)) return "";
  if (event.key === " ") return event.target.closest?.(TAKES_SPACE) ? "" : "pause";
  const wishes = { m: "sound", k: "pause", c: "captions", p: "window", f: "full" };
  return wishes[event.key.toLowerCase()] ?? "";
}

export function startControls(root, { video, engine, isHost, onSaver }) {
  const choices = { captions: true, ...recall() };
  const button = (name) => root.querySelector(`[data-player-do="${name}"]`);
  const frame = root.closest("[data-player-frame]") ?? root;
  const tap = root.querySelector("[data-player-tap]");
  const captionPlace = root.querySelector("[data-player-caption]");
  let isSaving = !isHost && (choices.saver ?? navigator.connection?.saveData === true);
  let isSilenceChosen = isHost;
  video.muted = isHost || choices.muted !== false;

  const work = {
    sound() {
      video.muted = !video.muted;
      isSilenceChosen = video.muted;
      if (!isHost) keep({ muted: video.muted });
      if (!video.muted && video.volume === 0) video.volume = 1;
    },
    pause: () => (engine.isWanted && !engine.isBlocked ? engine.pause() : engine.play()),
    captions() {
      keep({ captions: !choices.captions });
      showCaptions();
    },
    async window() {
      try {
        if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
        else await video.requestPictureInPicture();
      } catch {
        // The browser has its reasons, such as a video without a picture yet.
      }
    },
    async full() {
      try {
        if (document.fullscreenElement) await document.exitFullscreen();
        else if (frame.requestFullscreen) await frame.requestFullscreen();
        else video.webkitEnterFullscreen();
      } catch {
        // As above.
      }
    },
    saver() {
      isSaving = !isSaving;
      keep({ saver: isSaving });
      onSaver();
    },
  };

  function keep(more) {
    Object.assign(choices, more);
    remember({ ...recall(), ...more });
  }

  function press(name, isPressed) {
    button(name)?.setAttribute("aria-pressed", String(isPressed));
  }

  function showCaptions() {
    captionPlace.hidden = !choices.captions;
    press("captions", choices.captions);
    for (const track of video.textTracks ?? []) {
      track.mode = choices.captions ? "showing" : "disabled";
    }
  }

  function show(state = engine.state) {
    press("sound", !video.muted);
    press("pause", state === "paused");
    press("saver", isSaving);
    press("full", document.fullscreenElement === frame);
    press("window", document.pictureInPictureElement === video);
    const isSilent = state === "playing" && video.muted && !isSilenceChosen;
    const text = state === "blocked" ? "textPlay" : isSilent ? "textSilent" : "";
    tap.hidden = text === "";
    if (text !== "") tap.textContent = root.dataset[text];
  }

  function act(name) {
    const isThere = work[name] !== undefined && button(name)?.hidden !== true;
    if (!isThere || root.hidden) return false;
    work[name]();
    show();
    return true;
  }

  const stops = [];
  function on(target, name, listener) {
    target.addEventListener(name, listener);
    stops.push(() => target.removeEventListener(name, listener));
  }

  on(root, "click", (event) => {
    const pressed = event.target.closest("[data-player-do]");
    if (pressed) act(pressed.dataset.playerDo);
    const more = event.target.closest("[data-player-more]");
    if (more) {
      const isOpen = more.getAttribute("aria-expanded") === "true";
      more.setAttribute("aria-expanded", String(!isOpen));
    }
  });
  on(tap, "click", () => {
    if (engine.state === "blocked") engine.play();
    else act("sound");
    show();
  });
  if (!isHost) {
    on(document, "keydown", (event) => {
      const wish = wishOf(event);
      if (wish !== "" && act(wish)) event.preventDefault();
    });
  }
  for (const name of ["enterpictureinpicture", "leavepictureinpicture", "volumechange"]) {
    on(video, name, () => show());
  }
  on(document, "fullscreenchange", () => show());

  // What this browser can't do is not offered.
  const canBeFull = frame.requestFullscreen || video.webkitEnterFullscreen;
  if (button("full")) button("full").hidden = !canBeFull;
  if (button("window")) button("window").hidden = document.pictureInPictureEnabled !== true;
  showCaptions();
  show();

  return {
    show,
    get isSaving() {
      return isSaving;
    },
    stop: () => stops.forEach((stop) => stop()),
  };
}
