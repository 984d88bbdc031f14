import assert from "node:assert/strict";
import { test } from "node:test";

import { left, local } from "../../liveshop/static/liveshop/js/clocks.js";

const seconds = (number) => number * 1000;

test("minutes and seconds, as a timer shows them", () => {
  assert.equal(left(seconds(599)), "9:59");
  assert.equal(left(seconds(61)), "1:01");
});

test("a begun second is still there", () => {
  assert.equal(left(1), "0:01");
  assert.equal(left(0), "0:00");
});

test("what is over stays over", () => {
  assert.equal(left(seconds(-5)), "0:00");
});

test("hours, then days, when it is long", () => {
  assert.equal(left(seconds(3 * 3600 + 62)), "3:01:02");
  assert.equal(left(seconds(2 * 86400 + 5 * 3600)), "2 d 5 h");
});

test("a time of this year has its weekday, one of another year has the year", () => {
  const now = new Date("2026-11-22T12:00:00Z");

  const soon = local(new Date("2026-11-23T18:00:00Z"), now, "en-GB", "Europe/Rome");
  const long_ago = local(new Date("2025-11-23T18:00:00Z"), now, "en-GB", "Europe/Rome");

  assert.match(soon, /Mon.*23 Nov.*19:00/);
  assert.match(long_ago, /23 Nov 2025.*19:00/);
});

test("the year is that of the reader's zone", () => {
  const now = new Date("2026-06-01T12:00:00Z");

  assert.match(local(new Date("2025-12-31T23:30:00Z"), now, "en-GB", "Europe/Rome"), /Thu.*1 Jan/);
});
