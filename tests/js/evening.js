// An evening of a show in virtual time: the page's own modules, and around them a server and a
// browser that do what four bad hours do.

import { mountPlayer } from "../../creators/media/static/media/player.js";
import { Held } from "../../creators/media/static/media/timing.js";
import { Connection } from "../../creators/stage/static/stage/connection.js";
import { NOON } from "./clock.js";
import { Element, Stream, Target, Video, hlsOf } from "./screen.js";
import { Stage, socketOf } from "./server.js";

const MINUTE = 60_000;

// Chance that is the same each time.
function chance(seed) {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

export function makePage(clock) {
  const random = chance(7);
  const stream = new Stream(clock);
  const alive = new Set();
  const page = new Target();
  Object.assign(page, { hidden: false, fullscreenElement: null, pictureInPictureEnabled: false });
  const timing = {
    setTimeout: (work, ms) => clock.setTimeout(work, ms),
    clearTimeout: (id) => clock.clearTimeout(id),
  };
  // The player's own timers, and what it asks the browser about.
  Object.assign(globalThis, { document: page, ...timing });
  if (globalThis.navigator === undefined) globalThis.navigator = {};
  const video = new Video({ clock, stream });
  const root = new Element();
  const parts = { "[data-player-video]": video };
  root.querySelector = (name) => (parts[name] ??= new Element());

  const stage = new Stage(clock);
  const Hls = hlsOf({ clock, stream, alive });
  const serverNow = () => NOON + clock.now;
  const shared = { ...timing, now: () => clock.now, random, isHidden: () => page.hidden };
  const engine = { loadHls: () => clock.promise(Hls), isNative: () => false, serverNow };
  const player = mountPlayer(root, { now: serverNow, world: { ...shared, ...engine } });
  const line = new Connection({
    url: "/ws/live/7/",
    pollUrl: "/live/7/snapshot.json",
    onState: take,
    world: {
      ...timing,
      WebSocket: socketOf(stage),
      fetch() {
        if (stage.isAway) return clock.promise(new TypeError("network"));
        const json = () => clock.promise({ snapshots: [stage.snapshot()] });
        return clock.promise({ ok: true, json });
      },
      clock: serverNow,
      random,
      uuid: () => `id-${Math.floor(random() * 1e9)}`,
      origin: () => "https://shop.test",
      isVisible: () => !page.hidden,
    },
  });
  const seen = { shown: null, most: 0, captions: 0, lags: [] };
  const held = new Held({
    at: player.at,
    show(state, events) {
      seen.shown = state;
      for (const event of events) {
        if (event.t !== "caption") continue;
        seen.captions += 1;
        player.caption(event.caption);
      }
    },
    world: { ...shared, onFrame: player.onFrame },
  });
  held.start(line.state);
  line.lag = () => player.lag();

  let known = null;
  function take(state, events) {
    if (state.picture !== known) {
      known = state.picture;
      player.picture(known);
      if (known.state !== "none") player.open(known.url);
    }
    held.take(state, events);
    seen.most = Math.max(seen.most, held.queue.length);
  }
  return { stage, stream, video, root, page, parts, alive, Hls, player, line, held, seen };
}

// What goes on in a show, for as long as the clock moves.
export function goOn(clock, { stage, stream, video, page, alive, line, player, seen }) {
  let number = 0;
  clock.every(200, () => video.pass(200));
  clock.every(500, () => stage.write(`What about scarf ${stage.lines}, is it warm enough?`));
  clock.every(1_000, () => {
    const viewers = 400 + (stage.seq % 90);
    stage.say({ t: "counts", viewers, hearts: stage.seq, grace_ms: 3_000, lag_ms: 900 });
  });
  clock.every(4_000, () => {
    // Now and then one of a clock that is wrong.
    const starts_at = stage.at + (number % 300 === 299 ? 10 * MINUTE : 300);
    const when = { starts_at, ends_at: starts_at + 2_000 };
    const words = { id: (number += 1), text: "This one is made of silk", lang: "en" };
    stage.say({ t: "caption", caption: { ...words, ...when } });
  });
  clock.every(10_000, () => stage.sell());
  clock.every(10_000, () => player.lag() !== null && seen.lags.push(player.lag()));
  clock.every(20_000, () => line.heart());
  clock.every(2 * MINUTE, () => stage.pin());
  clock.every(3 * MINUTE, () => line.chat("I like that"));
  // 40 drops of the encoder: some longer than a minute, some with errors that end the player.
  let drops = 0;
  clock.every(6 * MINUTE, () => {
    drops += 1;
    stream.lostAt = clock.now;
    clock.setTimeout(() => stage.picture("lost"), 2_000);
    const hls = [...alive][0];
    if (drops % 3 === 0) clock.setTimeout(() => hls.fail("levelLoadError", { fatal: true }), 4_000);
    const away = drops % 4 === 0 ? 75_000 : 12_000;
    clock.setTimeout(() => {
      stream.lostAt = null;
      stage.picture("on");
    }, away);
  });
  // The viewer's network: stalls, troubles with parts, a decoder that gives up.
  clock.every(7 * MINUTE, () => {
    stream.stuckAt = clock.now;
    clock.setTimeout(() => (stream.stuckAt = null), 3_000);
  });
  clock.every(97_000, () => [...alive][0]?.fail("fragLoadError"));
  clock.every(25 * MINUTE, () => {
    [...alive][0]?.fail("bufferAppendError", { type: "mediaError", fatal: true });
  });
  clock.every(10 * MINUTE, () => stage.drop());
  clock.every(37 * MINUTE, () => {
    stage.isAway = true;
    stage.drop();
    clock.setTimeout(() => (stage.isAway = false), 40_000);
  });
  clock.every(50 * MINUTE, () => stage.forget());
  clock.every(43 * MINUTE, () => {
    stage.tell({ t: "notice", kind: "degraded" });
    clock.setTimeout(() => stage.tell({ t: "notice", kind: "recovered" }), 20_000);
  });
  // Another tab for a while.
  clock.every(17 * MINUTE, () => {
    page.hidden = true;
    page.fire("visibilitychange");
    clock.setTimeout(() => {
      page.hidden = false;
      page.fire("visibilitychange");
    }, 30_000);
  });
}
