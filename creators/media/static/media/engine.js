// What plays a live stream in a <video>: keeps it near the live edge, comes back from errors, and
// goes on by itself when a lost picture returns. It shows nothing of its own; see player.js.
//
//   const engine = new Engine({ video, world, onState: (name) => … });
//   engine.open(url); engine.picture("on" | "lost" | "none"); engine.close();
//
// Its state is one of
//   idle      nothing is to be played           loading   the first picture is on its way
//   playing   the picture moves                 stalled   it stood still by itself
//   paused    by its viewer                     blocked   the browser wants a tap first
//   lost      the publisher is gone             unsupported  this browser can't play it
//
// The outside world (the clock, chance, hls.js) comes in by `world`, for the tests.

import { jumpToEdge, keepNear, setRate } from "./pacing.js";

const TICK = 500;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 8_000;
const STANDS = 1_200;
const NUDGED = 2_500;
const STUCK = 8_000;
const RETURN_WITHIN = 3_000;
const TROUBLES = 4;
const TROUBLES_WITHIN = 30_000;
const MEDIA_AGAIN = 10_000;

// Troubles that a player of plain HLS would not have: blocking reloads and parts.
const PART_TROUBLES = new Set([
  "levelLoadError",
  "levelLoadTimeOut",
  "levelParsingError",
  "fragLoadError",
  "fragLoadTimeOut",
]);

export function browserWorld({ loadHls }) {
  return {
    loadHls,
    // Safari plays low-latency HLS itself; others say "maybe" to the type and play it late.
    isNative: (video) =>
      video.canPlayType("application/vnd.apple.mpegurl") !== "" &&
      (typeof video.getStartDate === "function" || globalThis.MediaSource === undefined),
    setTimeout: (work, ms) => globalThis.setTimeout(work, ms),
    clearTimeout: (id) => globalThis.clearTimeout(id),
    now: () => performance.now(),
    serverNow: () => Date.now(),
    random: Math.random,
    isHidden: () => document.hidden,
  };
}

export class Engine {
  constructor({ video, world, onState = () => {} }) {
    this.video = video;
    this.world = world;
    this.onState = onState;
    this.url = "";
    this.publisher = "on";
    this.state = "idle";
    this.stalls = 0;
    this.hls = null;
    this.isLow = true;
    this.isSaving = false;
    this.isWanted = true;
    this.isBlocked = false;
    this.isUnsupported = false;
    this.isStarted = false;
    this.isMoving = false;
    this.isAttached = false;
    this.turn = 0;
    this.failures = 0;
    this.troubles = [];
    this.recoveredAt = -MEDIA_AGAIN;
    this.nudgedSince = null;
    this.timers = new Map();
    for (const [name, work] of Object.entries({
      playing: () => this.#moves(),
      waiting: () => this.#stands(),
      pause: () => this.#wasPaused(),
      ended: () => this.#stands(),
      error: () => this.isAttached && this.hls === null && this.#again(),
    })) {
      video.addEventListener(name, work);
    }
  }

  // --- What it is told ----------------------------------------------------------------------

  open(url) {
    if (url === this.url) return;
    this.url = url;
    this.isStarted = false;
    if (url === "") this.close();
    else if (this.publisher === "lost") this.#tell();
    else this.#attach();
  }

  close() {
    this.url = "";
    this.#detach();
    this.isStarted = false;
    this.#tell();
  }

  picture(publisher) {
    const before = this.publisher;
    this.publisher = publisher;
    if (publisher === "none") this.close();
    else if (publisher === "on" && before === "lost" && this.url !== "") {
      // The player goes over the gap by itself when it still has the playlist.
      if (!this.isAttached) this.#attach();
      else this.#in("return", RETURN_WITHIN, () => this.isMoving || this.#attach());
    }
    this.#tell();
  }

  // The lowest rendition of several, or all of them.
  save(isSaving) {
    this.isSaving = isSaving;
    if (this.hls !== null) this.hls.autoLevelCapping = isSaving ? 0 : -1;
  }

  // From a tap or a key: browsers that refused before allow it then.
  play() {
    this.isWanted = true;
    this.isBlocked = false;
    this.#toEdge();
    if (this.isAttached) this.#play();
    else if (this.url !== "" && this.publisher === "on") this.#attach();
    this.#tell();
  }

  pause() {
    this.isWanted = false;
    this.video.pause();
    this.#tell();
  }

  // The page is seen again; a phone may have stopped the video meanwhile.
  seen() {
    if (this.isWanted && this.isAttached && this.video.paused) this.play();
  }

  // --- What it tells ------------------------------------------------------------------------

  // The server's clock (ms) when the picture that is shown now arrived there, also while it waits
  // for the next; null when none is to be waited for.
  at() {
    return this.state === "playing" || this.state === "stalled" ? this.#date() : null;
  }

  // How long ago that was, in ms; null when that can't be known.
  lag() {
    const at = this.at();
    return at === null ? null : Math.max(0, Math.round(this.world.serverNow() - at));
  }

  #date() {
    if (this.hls !== null) return this.hls.playingDate?.getTime() ?? null;
    const start = this.video.getStartDate?.().getTime();
    return Number.isFinite(start) ? start + this.video.currentTime * 1000 : null;
  }

  #name() {
    if (this.isUnsupported) return "unsupported";
    if (this.url === "") return "idle";
    if (this.isBlocked) return "blocked";
    if (!this.isWanted) return "paused";
    if (this.isMoving) return "playing";
    if (this.publisher === "lost") return "lost";
    return this.isStarted ? "stalled" : "loading";
  }

  #tell() {
    const name = this.#name();
    if (name === this.state) return;
    this.state = name;
    this.onState(name);
  }

  // --- Attaching ----------------------------------------------------------------------------

  async #attach() {
    this.#detach();
    const { url } = this;
    const turn = (this.turn += 1);
    if (url === "") return;
    this.isAttached = true;
    this.#tick();
    this.#tell();
    if (this.world.isNative(this.video)) return this.#attachNative(url);
    let Hls;
    try {
      Hls = await this.world.loadHls();
    } catch {
      if (turn === this.turn) this.#again();
      return;
    }
    if (turn !== this.turn) return;
    if (!Hls.isSupported()) {
      if (this.video.canPlayType("application/vnd.apple.mpegurl") !== "") {
        return this.#attachNative(url);
      }
      this.isUnsupported = true;
      return this.#tell();
    }
    const hls = new Hls({
      lowLatencyMode: this.isLow,
      backBufferLength: 8,
      maxBufferLength: 12,
      maxLiveSyncPlaybackRate: 1, // it is pacing.js that catches up
      liveSyncOnStallIncrease: 0.25, // seconds; by itself it would stay a whole one further back
      liveDurationInfinity: true,
    });
    this.hls = hls;
    hls.on(Hls.Events.ERROR, (_name, trouble) => hls === this.hls && this.#failed(trouble));
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      if (hls !== this.hls) return;
      this.save(this.isSaving);
      this.#play();
    });
    hls.loadSource(url);
    hls.attachMedia(this.video);
  }

  #attachNative(url) {
    this.video.src = url;
    this.#play();
  }

  #detach() {
    this.turn += 1;
    for (const name of [...this.timers.keys()]) this.#cancel(name);
    const wasAttached = this.isAttached;
    this.isAttached = this.isMoving = false;
    this.hls?.destroy();
    if (this.hls === null && wasAttached) {
      this.video.removeAttribute("src");
      this.video.load();
    }
    this.hls = null;
    this.video.playbackRate = 1;
  }

  async #play() {
    if (!this.isWanted || this.isBlocked) return;
    const { turn } = this;
    try {
      await this.video.play();
    } catch (error) {
      if (turn !== this.turn || error?.name !== "NotAllowedError") return;
      if (!this.video.muted) {
        // Without sound it is nearly always allowed.
        this.video.muted = true;
        return this.#play();
      }
      this.isBlocked = true;
      this.#tell();
    }
  }

  // --- What happens -------------------------------------------------------------------------

  #moves() {
    this.isMoving = this.isStarted = true;
    this.isBlocked = false;
    this.#cancel("return");
    this.#in("well", MEDIA_AGAIN, () => {
      this.failures = 0;
    });
    this.#tell();
  }

  #stands() {
    if (!this.isMoving) return;
    this.isMoving = false;
    if (this.publisher === "on" && this.isWanted) this.stalls += 1;
    this.#tell();
  }

  // By headphones or the lock screen; in the background a phone does it, and nobody wished it.
  #wasPaused() {
    this.isMoving = false;
    if (this.isAttached && !this.world.isHidden() && !this.video.ended) this.isWanted = false;
    this.#tell();
  }

  #failed(trouble) {
    if (PART_TROUBLES.has(trouble.details) && this.publisher === "on" && this.isLow) {
      const now = this.world.now();
      this.troubles = this.troubles.filter((at) => now - at < TROUBLES_WITHIN).concat(now);
      if (this.troubles.length >= TROUBLES) {
        this.isLow = false;
        this.#attach();
        return;
      }
    }
    if (!trouble.fatal) return;
    const now = this.world.now();
    if (trouble.type === "mediaError" && now - this.recoveredAt >= MEDIA_AGAIN) {
      this.recoveredAt = now;
      this.hls.recoverMediaError();
      this.#play();
      return;
    }
    this.#again();
  }

  // Tries again after a while, longer each time; for a publisher that is gone it waits.
  #again() {
    this.#detach();
    if (this.publisher === "on") {
      const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
      this.failures += 1;
      this.#in("again", ceiling * (0.5 + this.world.random() / 2), () => this.#attach());
    }
    this.#tell();
  }

  // --- As time goes by ----------------------------------------------------------------------

  #tick() {
    this.#in("tick", TICK, () => {
      this.#tick();
      this.#catchUp();
      this.#watch();
    });
  }

  #catchUp() {
    if (this.isMoving && this.publisher === "on") keepNear(this);
    else setRate(this.video, 1);
  }

  #toEdge() {
    if (this.isAttached && this.isStarted) jumpToEdge(this);
  }

  // What moves and what stands is seen, also where the browser says nothing. A picture that should
  // move and does not, whatever the reason, goes to the live edge, as from the end of a publisher's
  // run to the next; and is begun anew when that does not help.
  #watch() {
    const { currentTime, paused } = this.video;
    const now = this.world.now();
    const isDue = this.isWanted && !this.isBlocked && this.publisher === "on";
    if (currentTime !== this.stoodAt) {
      const isKnown = this.stoodAt !== undefined;
      this.stoodAt = currentTime;
      this.stoodSince = now;
      if (isKnown && this.isStarted && !this.isMoving && !paused) this.#moves();
      return;
    }
    if (this.isMoving && now - this.stoodSince > STANDS) this.#stands();
    if (!isDue) this.stoodSince = Math.max(this.stoodSince, now - STANDS - TICK);
    else if (now - this.stoodSince > STUCK) {
      this.stoodSince = now;
      this.#attach();
    } else if (now - this.stoodSince > NUDGED && !this.isMoving) this.#nudge();
  }

  // Once each time that it stands; going there is not moving yet.
  #nudge() {
    if (this.nudgedSince === this.stoodSince) return;
    this.nudgedSince = this.stoodSince;
    this.#toEdge();
    this.stoodAt = this.video.currentTime;
  }

  #in(name, ms, work) {
    this.#cancel(name);
    const id = this.world.setTimeout(() => {
      this.timers.delete(name);
      work();
    }, ms);
    this.timers.set(name, id);
  }

  #cancel(name) {
    if (this.timers.has(name)) this.world.clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}
