import assert from "node:assert/strict";
import { test } from "node:test";

import {
  Watched,
  chapterAt,
  clock,
  isAskedFor,
  linesBy,
  timeIn,
} from "../../creators/live/static/live/replay-time.js";
import { intoStretch } from "../../creators/media/static/media/vod.js";

test("a chapter lasts until the next begins", () => {
  const places = [1000, 5000, 5000, 9000];
  assert.deepEqual(
    [0, 999, 1000, 4999, 5000, 8999, 9000, 99_000].map((ms) => chapterAt(places, ms)),
    [-1, -1, 0, 0, 2, 2, 3, 3],
  );
  assert.equal(chapterAt([], 5000), -1);
});

test("the chat shows what was said by now, the last lines of it", () => {
  const lines = [100, 200, 200, 300, 400].map((at, id) => ({ at, id }));
  const ids = (ms, most) => linesBy(lines, ms, most).map((line) => line.id);
  assert.deepEqual(ids(50, 3), []);
  assert.deepEqual(ids(200, 3), [0, 1, 2]);
  assert.deepEqual(ids(350, 3), [1, 2, 3]);
  assert.deepEqual(ids(9999, 2), [3, 4]);
});

test("more of the chat is asked for after a jump and shortly before it ends", () => {
  const rules = { ahead: 10_000, length: 100_000 };
  const part = { since: 20_000, until: 60_000, asked: 25_000 };
  assert.equal(isAskedFor(null, 0, rules), true);
  assert.equal(isAskedFor(part, 30_000, rules), false);
  assert.equal(isAskedFor(part, 10_000, rules), true);
  assert.equal(isAskedFor(part, 51_000, rules), true);
  assert.equal(isAskedFor(part, 61_000, rules), true);
  assert.equal(isAskedFor({ ...part, until: 100_000 }, 99_000, rules), false);
});

test("where much was said the chat is not asked for at each picture", () => {
  const rules = { ahead: 10_000, length: 100_000 };
  // All that one answer holds was said within two seconds.
  const part = { since: 29_000, until: 32_000, asked: 30_000 };
  assert.deepEqual(
    [30_000, 30_250, 30_750, 31_000, 32_250].map((ms) => isAskedFor(part, ms, rules)),
    [false, false, false, true, true],
  );
  // Or in a pause of the picture, which is one place.
  const pause = { since: 20_000, until: 40_000, asked: 31_000 };
  assert.deepEqual(
    [31_250, 35_000, 35_750, 41_000].map((ms) => isAskedFor(pause, ms, rules)),
    [false, false, true, true],
  );
});

test("times are written and read as people do", () => {
  assert.deepEqual([0, 59_999, 83_000, 3_723_000].map(clock), ["0:00", "0:59", "1:23", "1:02:03"]);
  assert.deepEqual(
    ["83", "83s", "1m23s", "1:23", "1:02:03", "1h", "", "x", "-4", "1:2:3:4"].map(timeIn),
    [83_000, 83_000, 83_000, 83_000, 3_723_000, 3_600_000, null, null, null, null],
  );
});

test("only what was played counts as watched", () => {
  const watched = new Watched();
  for (const at of [0, 250, 500, 60_000, 60_250, 60_250, 30_000, 31_000]) watched.add(at);
  assert.equal(watched.ms, 250 + 250 + 250 + 1000);
});

test("the picture is kept within the stretch that is shown", () => {
  const stretch = { from: 4000, length: 10_000 };
  assert.equal(intoStretch(0, stretch), 4);
  assert.equal(intoStretch(3.9, stretch), null);
  assert.equal(intoStretch(9, stretch), null);
  assert.equal(intoStretch(14.1, stretch), 14);
});
