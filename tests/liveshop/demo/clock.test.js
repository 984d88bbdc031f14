import assert from "node:assert/strict";
import { test } from "node:test";

import "../../../benchmarks/clock.js";

const { cells, decode } = globalThis.pictureClock;
const shade = (rows, dark = 20, light = 230) =>
  rows.map((row) => row.map((isWhite) => (isWhite ? light : dark)));

test("an instant has the cells that the demo's picture draws", () => {
  const text = cells(1_790_000_000_123).map((row) => row.map(Number).join(""));
  assert.deepEqual(text, ["11010000011000100010100000", "00110110001111011010010101"]);
});

test("what is drawn is read, however dull the picture has become", () => {
  const now = Date.UTC(2031, 4, 5, 6, 7, 8, 9);
  assert.equal(decode(shade(cells(now)), now + 40_000), now);
  assert.equal(decode(shade(cells(now), 90, 170), now - 40_000), now);
});

test("one wrong cell is noticed, and a grey picture is no clock", () => {
  const now = 1_790_000_000_123;
  const rows = shade(cells(now));
  for (const row of [0, 1]) {
    for (let column = 1; column < 25; column += 1) {
      const wrong = structuredClone(rows);
      wrong[row][column] = wrong[row][column] > 100 ? 20 : 230;
      assert.equal(decode(wrong, now), null);
    }
  }
  assert.equal(decode(shade(cells(now), 120, 130), now), null);
});
