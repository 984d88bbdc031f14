import assert from "node:assert/strict";
import { test } from "node:test";

import { adviceOn, awayFor } from "../../creators/live/static/live/advice.js";

const good = {
  run: 1, kbps: 3000, fps: 30, frames: 900, dropped: 0, late_ms: 20, key_interval_s: 2, warnings: [],
};
const keys = (health, options) => adviceOn(health, options).map(([key]) => key);

test("of a good picture nothing is said", () => {
  assert.deepEqual(keys(good, { before: { ...good, frames: 600 }, mostKbps: 8000 }), []);
});

test("each fault has its advice", () => {
  assert.deepEqual(adviceOn({ ...good, key_interval_s: 8.33 }), [["adviceKey", { n: 8 }]]);
  assert.deepEqual(keys({ ...good, kbps: 12000 }, { mostKbps: 8000 }), ["adviceBitrate"]);
  assert.deepEqual(keys({ ...good, warnings: ["stalled", "silent"] }), [
    "adviceStalled",
    "adviceSilent",
  ]);
  assert.deepEqual(keys({ ...good, recording: "failing", disk: "full" }), [
    "adviceRecording",
    "adviceDisk",
  ]);
  assert.deepEqual(keys({ ...good, recording: "on", disk: "ok" }), []);
  assert.deepEqual(keys({ ...good, late_ms: 1500 }), ["adviceLate"]);
});

test("dropped frames are counted since a moment ago, within one run", () => {
  const before = { ...good, frames: 600, dropped: 40 };
  assert.deepEqual(keys({ ...good, dropped: 40 }, { before }), []);
  assert.deepEqual(keys({ ...good, dropped: 60 }, { before }), ["adviceDropped"]);
  assert.deepEqual(keys({ ...good, run: 2, dropped: 60 }, { before }), []);
});

test("a lost picture is on its way back for a minute, then away", () => {
  assert.equal(awayFor(null, 5_000, 60_000), null);
  assert.deepEqual(awayFor(1_000, 21_000, 60_000), { key: "reconnectingFor", seconds: 40 });
  assert.deepEqual(awayFor(1_000, 61_000, 60_000), { key: "noPicture", seconds: 0 });
});
