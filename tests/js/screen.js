// What a page sees of a browser, as far as the player needs it, in virtual time: elements, a
// <video> that plays a stream, hls.js.

import { NOON } from "./clock.js";

// What may be listened to; it counts who listens.
export class Target {
  listeners = new Map();

  addEventListener(name, work) {
    if (!this.listeners.has(name)) this.listeners.set(name, new Set());
    this.listeners.get(name).add(work);
  }

  removeEventListener(name, work) {
    this.listeners.get(name)?.delete(work);
  }

  fire(name) {
    for (const work of this.listeners.get(name) ?? []) work({ type: name, target: this });
  }

  get count() {
    return [...this.listeners.values()].reduce((sum, one) => sum + one.size, 0);
  }
}

export class Element extends Target {
  dataset = {};
  hidden = false;
  textContent = "";
  classList = { toggle() {} };
  setAttribute() {}
  closest() {
    return null;
  }
}

// A stream: its live edge moves while its publisher is there, and what a viewer has of it stays
// behind while the network does.
export class Stream {
  lostAt = null;
  stuckAt = null;

  constructor(clock) {
    this.clock = clock;
  }

  get edge() {
    return (this.lostAt ?? this.clock.now) / 1000;
  }

  get loaded() {
    return Math.min(this.edge, (this.stuckAt ?? this.clock.now) / 1000);
  }
}

export class Video extends Element {
  muted = true;
  paused = true;
  ended = false;
  isAttached = false;
  isMoving = false;
  volume = 1;
  currentTime = 0;
  playbackRate = 1;
  textTracks = [];
  frames = new Map();
  ids = 0;
  seekable = { length: 0 };

  constructor({ clock, stream }) {
    super();
    this.clock = clock;
    this.stream = stream;
    this.buffered = {
      length: 1,
      start: () => Math.max(0, this.currentTime - 8),
      end: () => this.stream.loaded,
    };
  }

  canPlayType() {
    return "";
  }

  play() {
    this.paused = false;
    return this.clock.promise();
  }

  pause() {
    this.paused = true;
    this.isMoving = false;
    this.fire("pause");
  }

  requestVideoFrameCallback(work) {
    this.frames.set((this.ids += 1), work);
    return this.ids;
  }

  cancelVideoFrameCallback(id) {
    this.frames.delete(id);
  }

  pass(ms) {
    if (!this.isAttached || this.paused) return;
    const room = this.stream.loaded - this.currentTime;
    const moved = Math.max(0, Math.min((ms / 1000) * this.playbackRate, room));
    this.currentTime += moved;
    const isMoving = moved > 0.01;
    if (isMoving !== this.isMoving) {
      this.isMoving = isMoving;
      this.fire(isMoving ? "playing" : "waiting");
    }
    if (!isMoving) return;
    const works = [...this.frames.values()];
    this.frames.clear();
    for (const work of works) work();
  }
}

export function hlsOf({ clock, stream, alive }) {
  return class Hls {
    static Events = { ERROR: "hlsError", MANIFEST_PARSED: "hlsManifestParsed" };
    static isSupported = () => true;
    static made = 0;
    targetLatency = 1;
    listeners = new Map();

    constructor() {
      Hls.made += 1;
      alive.add(this);
    }

    on(name, work) {
      this.listeners.set(name, [...(this.listeners.get(name) ?? []), work]);
    }

    tell(name, ...words) {
      if (alive.has(this)) for (const work of this.listeners.get(name) ?? []) work(name, ...words);
    }

    loadSource() {}

    attachMedia(video) {
      this.video = video;
      clock.setTimeout(() => {
        if (!alive.has(this)) return;
        if (stream.lostAt !== null) {
          this.fail("manifestLoadError", { fatal: true });
          return;
        }
        video.isAttached = true;
        video.currentTime = stream.edge - 1.2;
        this.tell("hlsManifestParsed");
      }, 200);
    }

    fail(details, more = {}) {
      this.tell("hlsError", { details, type: "networkError", fatal: false, ...more });
    }

    recoverMediaError() {}

    destroy() {
      alive.delete(this);
      if (this.video) this.video.isAttached = this.video.isMoving = false;
    }

    get latency() {
      return stream.edge - this.video.currentTime;
    }

    get liveSyncPosition() {
      return stream.edge - 1;
    }

    get playingDate() {
      return new Date(NOON + this.video.currentTime * 1000);
    }
  };
}
