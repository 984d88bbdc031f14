import assert from "node:assert/strict";
import { test } from "node:test";

import { wishOf } from "../../creators/media/static/media/controls.js";
import { Engine } from "../../creators/media/static/media/engine.js";
import { rateFor } from "../../creators/media/static/media/pacing.js";
import { lighterIn } from "../../creators/media/static/media/saving.js";

// A <video>, hls.js and a clock that do what the test says.
function makeWorld({ native = false, supported = true } = {}) {
  const listeners = {};
  const video = {
    muted: true,
    paused: true,
    ended: false,
    currentTime: 0,
    playbackRate: 1,
    refusal: () => null,
    buffered: { length: 1, start: () => 0, end: () => video.currentTime + 1.5 },
    seekable: { length: 0 },
    canPlayType: () => (native ? "maybe" : ""),
    addEventListener: (name, work) => (listeners[name] = work),
    removeAttribute: () => delete video.src,
    load() {},
    async play() {
      const error = video.refusal();
      if (error !== null) throw Object.assign(new Error(error), { name: error });
      video.paused = false;
    },
    pause() {
      video.paused = true;
      listeners.pause();
    },
    fire: (name) => listeners[name](),
  };
  const players = [];
  class Hls {
    static Events = { ERROR: "hlsError", MANIFEST_PARSED: "hlsManifestParsed" };
    static isSupported = () => supported;
    constructor(config) {
      Object.assign(this, { config, listeners: {}, latency: 1, targetLatency: 1 });
      Object.assign(this, { liveSyncPosition: 100, playingDate: null, recovered: 0 });
      players.push(this);
    }
    on(name, work) {
      this.listeners[name] = work;
    }
    loadSource(url) {
      this.url = url;
    }
    attachMedia() {}
    recoverMediaError() {
      this.recovered += 1;
    }
    destroy() {
      this.isDestroyed = true;
    }
    parsed() {
      this.listeners.hlsManifestParsed();
    }
    fail(details, more = {}) {
      this.listeners.hlsError("hlsError", { details, type: "networkError", fatal: false, ...more });
    }
  }
  const world = {
    time: 0,
    timers: [],
    hidden: false,
    fails: 0,
    video,
    players,
    states: [],
    loadHls: async () => {
      if (world.fails > 0) {
        world.fails -= 1;
        throw new TypeError("network");
      }
      return Hls;
    },
    isNative: () => native,
    setTimeout(work, ms) {
      const timer = { due: world.time + ms, work };
      world.timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      world.timers = world.timers.filter((one) => one !== timer);
    },
    now: () => world.time,
    serverNow: () => 50_000 + world.time,
    random: () => 1,
    isHidden: () => world.hidden,
    get hls() {
      return players.at(-1);
    },
    async pass(ms, { moves = true } = {}) {
      const end = world.time + ms;
      while (world.time < end) {
        world.time += 100;
        if (moves) video.currentTime += 0.1;
        for (const timer of world.timers.filter((one) => one.due <= world.time)) {
          world.clearTimeout(timer);
          timer.work();
        }
        for (let i = 0; i < 8; i += 1) await Promise.resolve();
      }
    },
  };
  world.engine = new Engine({ video, world, onState: (name) => world.states.push(name) });
  return world;
}

async function playing(world) {
  world.engine.open("https://o/live/x/index.m3u8");
  await world.pass(100);
  world.hls.parsed();
  await world.pass(100);
  world.video.fire("playing");
  return world;
}

test("it plays with low latency, and catches up by itself, not by hls.js", async () => {
  const world = await playing(makeWorld());

  assert.deepEqual(world.states, ["loading", "playing"]);
  assert.equal(world.hls.config.lowLatencyMode, true);
  assert.equal(world.hls.config.maxLiveSyncPlaybackRate, 1);
  assert.equal("liveSyncDurationCount" in world.hls.config, false);
  world.hls.latency = 2.5;
  await world.pass(600);
  assert.equal(world.video.playbackRate, 1.2);
  world.hls.latency = 1.1;
  await world.pass(600);
  assert.equal(world.video.playbackRate, 1);
});

test("how fast it plays: gently, not for little, and never with an empty buffer", () => {
  assert.equal(rateFor({ late: 0.2, buffered: 1 }), 1);
  assert.equal(rateFor({ late: 0.3, buffered: 1, rate: 1.1 }), 1.08);
  assert.equal(rateFor({ late: 0.1, buffered: 1, rate: 1.1 }), 1);
  assert.equal(rateFor({ late: 1, buffered: 1 }), 1.15);
  assert.equal(rateFor({ late: 5, buffered: 3 }), 1.25);
  assert.equal(rateFor({ late: 5, buffered: 0.5 }), 1);
});

test("more than six seconds behind it jumps", async () => {
  const world = await playing(makeWorld());
  world.hls.latency = 5.9;
  await world.pass(500);
  assert.ok(world.video.currentTime < 2);
  world.hls.latency = 6.1;
  await world.pass(500);

  assert.ok(world.video.currentTime >= 100);
});

test("it tells when the picture that is shown came to the server", async () => {
  const world = await playing(makeWorld());
  assert.equal(world.engine.at(), null);
  world.hls.playingDate = new Date(49_000);
  assert.equal(world.engine.at(), 49_000);
  assert.equal(world.engine.lag(), 50_000 + world.time - 49_000);

  world.video.fire("waiting");
  assert.equal(world.engine.stalls, 1);
  assert.equal(world.engine.state, "stalled");
  assert.equal(world.engine.at(), 49_000, "a picture that stands for a moment has its time");
  world.engine.pause();
  assert.equal(world.engine.at(), null);
});

test("blocking reloads and parts that fail again and again end in plain HLS", async () => {
  const world = await playing(makeWorld());
  for (let i = 0; i < 3; i += 1) world.hls.fail("levelLoadTimeOut");
  await world.pass(40_000);
  world.hls.fail("levelLoadTimeOut");
  assert.equal(world.players.length, 1, "a few in a minute are nothing");
  for (let i = 0; i < 3; i += 1) world.hls.fail("fragLoadError");
  await world.pass(100);

  assert.equal(world.players.length, 2);
  assert.equal(world.hls.config.lowLatencyMode, false);
  assert.equal(world.players[0].isDestroyed, true);
});

test("after a fatal error it tries again, later each time, and begins anew when it is well", async () => {
  const world = await playing(makeWorld());
  const waits = [];
  for (let i = 0; i < 6; i += 1) {
    const before = world.players.length;
    const began = world.time;
    world.hls.fail("manifestLoadError", { fatal: true });
    while (world.players.length === before) await world.pass(100);
    waits.push(world.time - began);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 8000]);
  world.hls.parsed();
  world.video.fire("playing");
  await world.pass(11_000);
  assert.equal(world.engine.failures, 0);
});

test("hls.js itself that could not be loaded is asked for again", async () => {
  const world = makeWorld();
  world.fails = 2;
  world.engine.open("https://o/live/x/index.m3u8");
  await world.pass(2_000);

  assert.equal(world.players.length, 1);
});

test("a media error is healed once, then it begins anew", async () => {
  const world = await playing(makeWorld());
  world.hls.fail("bufferAppendError", { type: "mediaError", fatal: true });
  assert.equal(world.hls.recovered, 1);
  world.hls.fail("bufferAppendError", { type: "mediaError", fatal: true });
  await world.pass(600);

  assert.equal(world.players.length, 2);
});

test("a lost picture is waited for, and goes on by itself", async () => {
  const world = await playing(makeWorld());
  world.engine.picture("lost");
  assert.equal(world.engine.state, "playing", "what is at hand is shown to its end");
  world.video.fire("waiting");
  assert.equal(world.engine.state, "lost");
  assert.equal(world.engine.stalls, 0);
  await world.pass(40_000, { moves: false });
  assert.equal(world.players.length, 1);

  world.engine.picture("on");
  await world.pass(1_000);
  world.video.fire("playing");
  await world.pass(5_000);
  assert.equal(world.players.length, 1, "over the gap, with the same player");
});

test("a lost picture that does not go on when it is back is begun anew", async () => {
  const world = await playing(makeWorld());
  world.engine.picture("lost");
  world.video.fire("waiting");
  world.hls.fail("levelLoadError", { fatal: true });
  await world.pass(20_000, { moves: false });
  assert.equal(world.players.length, 1, "nobody is there to ask");
  world.engine.picture("on");
  await world.pass(100, { moves: false });
  assert.equal(world.players.length, 2);

  world.engine.picture("lost");
  world.engine.picture("on");
  await world.pass(3_100, { moves: false });
  assert.equal(world.players.length, 3);
});

test("a picture that stops or goes on without a word of the browser is noticed", async () => {
  const world = await playing(makeWorld());
  world.engine.picture("lost");
  await world.pass(1_000);
  assert.equal(world.engine.state, "playing");
  await world.pass(2_000, { moves: false });
  assert.equal(world.engine.state, "lost");
  world.engine.picture("on");
  await world.pass(1_000);
  assert.equal(world.engine.state, "playing");
  assert.equal(world.players.length, 1);
});

test("a picture that stands still for no reason is begun anew", async () => {
  const world = await playing(makeWorld());
  await world.pass(10_000, { moves: false });

  assert.equal(world.players.length, 2);
});

test("a picture that stands while the stream goes on jumps to its edge, once", async () => {
  const world = await playing(makeWorld());
  world.hls.latency = 6;
  await world.pass(2_000, { moves: false });
  assert.notEqual(world.video.currentTime, 100);
  await world.pass(1_500, { moves: false });
  assert.equal(world.video.currentTime, 100);
  assert.equal(world.engine.state, "stalled");
  world.hls.liveSyncPosition = 102;
  await world.pass(2_000, { moves: false });
  assert.equal(world.video.currentTime, 100);
  await world.pass(1_000);
  assert.equal(world.engine.state, "playing");
  assert.equal(world.players.length, 1);
});

test("sound that the browser refuses is turned off; a refusal of all waits for a tap", async () => {
  const world = makeWorld();
  world.video.muted = false;
  world.video.refusal = () => (world.video.muted ? null : "NotAllowedError");
  await playing(world);
  assert.equal(world.video.muted, true);
  assert.equal(world.engine.state, "playing");

  const strict = makeWorld();
  strict.video.refusal = () => "NotAllowedError";
  strict.engine.open("https://o/live/x/index.m3u8");
  await strict.pass(100);
  strict.hls.parsed();
  await strict.pass(100);
  assert.equal(strict.engine.state, "blocked");
  strict.video.refusal = () => null;
  strict.engine.play();
  await strict.pass(100);
  strict.video.fire("playing");
  assert.equal(strict.engine.state, "playing");
});

test("who paused stays paused; a phone's pause in the background is not a wish", async () => {
  const world = await playing(makeWorld());
  world.engine.pause();
  await world.pass(30_000, { moves: false });
  assert.equal(world.engine.state, "paused");
  assert.equal(world.players.length, 1);
  world.hls.latency = 31;
  world.engine.play();
  assert.ok(world.video.currentTime >= 100, "it goes on live");
  world.video.fire("playing");

  world.hidden = true;
  world.video.pause();
  world.hidden = false;
  world.engine.seen();
  await world.pass(100);
  assert.equal(world.video.paused, false);
});

test("a data saver takes the lowest of several renditions", async () => {
  const world = makeWorld();
  world.engine.save(true);
  await playing(world);
  assert.equal(world.hls.autoLevelCapping, 0);
  world.engine.save(false);
  assert.equal(world.hls.autoLevelCapping, -1);
});

test("Safari plays by itself, and jumps when it is far behind", async () => {
  const world = makeWorld({ native: true });
  world.video.getStartDate = () => new Date(40_000);
  world.engine.open("https://o/live/x/index.m3u8");
  await world.pass(100);
  assert.equal(world.video.src, "https://o/live/x/index.m3u8");
  assert.equal(world.players.length, 0);
  world.video.fire("playing");
  world.video.currentTime = 2;
  assert.equal(world.engine.at(), 42_000);
  world.video.seekable = { length: 1, end: () => 30 };
  await world.pass(600);
  assert.ok(world.video.currentTime >= 29);
});

test("a browser without any of it is told so", async () => {
  const world = makeWorld({ supported: false });
  world.engine.open("https://o/live/x/index.m3u8");
  await world.pass(100);

  assert.equal(world.engine.state, "unsupported");
});

test("what is closed is silent", async () => {
  const world = await playing(makeWorld());
  world.engine.picture("none");
  assert.equal(world.engine.state, "idle");
  assert.equal(world.hls.isDestroyed, true);
  assert.equal(world.timers.length, 0);
});

// --- What saves data --------------------------------------------------------------------------

const HEAD = "#EXTM3U\n#EXT-X-VERSION:9\n";
const variant = (address, attributes) => `#EXT-X-STREAM-INF:${attributes}\n${address}\n`;
const source = variant(
  "source/media.m3u8",
  'BANDWIDTH=3000000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=720x1280',
);
const small = variant(
  "480p/media.m3u8",
  'BANDWIDTH=900000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=480x854',
);
const audio = variant("audio/media.m3u8", 'BANDWIDTH=128000,CODECS="mp4a.40.2"');
const URL_OF = "https://o/live/x/index.m3u8";

test("the smallest picture, else the sound, else a still saves data", () => {
  assert.deepEqual(lighterIn(HEAD + source + small + audio, URL_OF), {
    url: URL_OF,
    isStill: false,
    isCapped: true,
  });
  assert.deepEqual(lighterIn(HEAD + source + audio, URL_OF), {
    url: "https://o/live/x/audio/media.m3u8",
    isStill: false,
    isCapped: false,
    isSoundOnly: true,
  });
  assert.deepEqual(lighterIn(HEAD + source, URL_OF), { url: "", isStill: true, isCapped: false });
});

// --- Keys -------------------------------------------------------------------------------------

test("keys work where nothing takes text, and space not on a button", () => {
  const on = (...kinds) => ({
    closest: (selector) => (kinds.some((kind) => selector.includes(kind)) ? {} : null),
  });
  const press = (key, target = on(), more = {}) => wishOf({ key, target, ...more });

  assert.equal(press("m"), "sound");
  assert.equal(press("F"), "full");
  assert.equal(press(" "), "pause");
  assert.equal(press("k", on("button")), "pause");
  assert.equal(press(" ", on("button")), "");
  assert.equal(press("m", on("input")), "");
  assert.equal(press("m", on("dialog[open]")), "");
  assert.equal(press("m", on(), { ctrlKey: true }), "");
  assert.equal(press("x"), "");
});
