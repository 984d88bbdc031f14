// A viewer who stays for four hours: nothing may grow. What is there after the first hour is what
// is there after the fourth. A real browser's page is weighed by tests/browser/test_soak.py.

import assert from "node:assert/strict";
import { test } from "node:test";
import v8 from "node:v8";
import vm from "node:vm";

import { LONGEST_HELD } from "../../creators/media/static/media/timing.js";
import "../../creators/stage/static/stage/mods.js";
import { MESSAGES_KEPT, apply, initial } from "../../creators/stage/static/stage/state.js";
import { Clock, NOON } from "./clock.js";
import { goOn, makePage } from "./evening.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const sizeOf = (value) => v8.serialize(value).length;
// What a line of the chat takes of the heap.
const LINE = 700;

function measure(clock, { stage, video, root, page, parts, alive, line, held }) {
  const targets = new Set([video, root, page, ...Object.values(parts)]);
  return {
    state: sizeOf(line.state),
    shown: sizeOf(held.state),
    messages: line.state.messages.length,
    mutes: Object.keys(line.state.revs.mutes).length,
    unsaid: line.unsaid.size,
    queue: held.queue.length,
    lineTimers: line.timers.size,
    timers: clock.timers.length,
    listeners: [...targets].reduce((sum, one) => sum + one.count, 0),
    frames: video.frames.size,
    players: alive.size,
    server: stage.frames.length,
  };
}

v8.setFlagsFromString("--expose-gc");
const collect = vm.runInNewContext("gc");

function heap() {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

test("four hours of a show with all its drops leave no more behind than one", async () => {
  const clock = new Clock();
  const all = makePage(clock);
  const { stage, line, held, seen, root, player, Hls } = all;
  goOn(clock, all);
  line.start();

  const measured = [];
  for (let hour = 1; hour <= 4; hour += 1) {
    // Some minutes after the hour: it is quiet then, nothing is lost just now.
    await clock.until(hour * HOUR + 4.5 * MINUTE + 250);
    measured.push({ ...measure(clock, all), heap: heap() });
    assert.equal(line.status, "live", `hour ${hour}`);
    assert.equal(root.dataset.state, "playing", `hour ${hour}`);
    assert.equal(line.state.messages.at(-1).id, stage.lines, `hour ${hour}`);
    assert.equal(held.pin?.id, stage.state.pin?.id, `hour ${hour}`);
    assert.ok(player.lag() < 2_000, `lag ${player.lag()} ms in hour ${hour}`);
  }
  const [first, ...others] = measured;
  const figures = JSON.stringify(measured);

  // It was not a quiet evening.
  assert.ok(stage.lines > 4 * 7_200 && seen.captions > 3_000 && stage.opened > 30, figures);
  assert.ok(Hls.made > 10 && player.stalls > 20, `${Hls.made} players, ${player.stalls} stalls`);
  for (const one of measured) {
    assert.ok(one.messages <= MESSAGES_KEPT, figures);
    assert.equal(one.players, 1);
    assert.equal(one.unsaid, 0);
    assert.equal(one.mutes, 0);
    assert.ok(one.lineTimers <= 8 && one.queue <= 10 && one.frames <= 1, figures);
    assert.equal(one.listeners, first.listeners);
  }
  const late = seen.lags.filter((lag) => lag > 2_000).length;
  assert.ok(late < seen.lags.length / 20, `${late} of ${seen.lags.length} looks were late`);
  // What is held waits five seconds at most, and there is not more of it than comes in those.
  assert.ok(seen.most <= LONGEST_HELD / 500, `${seen.most} were held`);
  for (const one of others) {
    assert.ok(one.timers <= first.timers + 5, figures);
    // Numbers grow by a digit; nothing else does.
    assert.ok(one.state <= first.state + 2_000 && one.shown <= first.shown + 2_000, figures);
    const lines = Math.max(0, one.messages - first.messages) * LINE;
    assert.ok(one.heap <= first.heap + lines + 500_000, figures);
  }
  player.destroy();
  line.stop();
});

test("a host who mutes for four hours keeps in mind who is muted, and little of who was", () => {
  const you = { role: "host", user_id: 1, name: "Bob", may_chat: true, muted_until: null };
  const positions = { mods: { epoch: "m", seq: 1 } };
  let state = { ...initial(), you, positions, show: { id: 7, state: "live", creator_id: 3 } };
  const mute = (id, at, change) => {
    const of = { kind: "mute", scope: "show", piece_id: 7, creator_id: 3, user_id: id, lifted: false };
    const until = at + 10 * MINUTE;
    const sanction = { id, rev: 1, name: `Viewer ${id}`, at, until, ...of, ...change };
    state = apply(state, { t: "sanction", at, sanction });
  };
  for (let id = 1; id <= 1_000; id += 1) {
    const at = NOON + id * 14_400;
    mute(id, at);
    if (id % 4 === 0) mute(id, at, { rev: 2, lifted: true });
  }

  const muted = state.sanctions;
  assert.ok(muted.length > 20 && muted.length < 50, `${muted.length} are muted`);
  assert.ok(muted.every((one) => one.until > NOON + 996 * 14_400));
  assert.ok(Object.keys(state.revs.sanctions).length <= 200);
  assert.ok(Object.keys(state.revs.mods).length <= 200);
  mute(1_000, NOON + 9e9);
  assert.ok(state.sanctions.every((one) => one.id !== 1_000), "the same mute again is old news");
});
