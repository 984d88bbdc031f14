import assert from "node:assert/strict";
import { test } from "node:test";

import { left } from "../../liveshop/static/liveshop/js/clocks.js";

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
