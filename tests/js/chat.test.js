import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Lines, MESSAGES_KEPT } from "../../creators/stage/static/stage/lines.js";
import "./rooms.js";

const { cutLinks } = await import("../../creators/live/static/live/chat-line.js");
const { anchoredAt, itemAt, listed, topsOf, unread, windowOf } = await import(
  "../../creators/live/static/live/chat-list.js"
);

const { namesFor, typedName } = await import("../../creators/live/static/live/chat-names.js");
const { sorted } = await import("../../creators/live/static/live/questions.js");

const line = (id, more = {}) => ({ id, author: "Alice", body: `Line ${id}`, rev: 0, ...more });
const upTo = (last, from = 1) =>
  Lines.of(Array.from({ length: last - from + 1 }, (_one, at) => line(from + at)));
const keys = (items) => items.map((item) => item.key);

// --- The lines --------------------------------------------------------------------------------

test("lists that have lines in common do not see each other's", () => {
  const first = upTo(3);
  const [one, other] = [first.with(line(4)), first.with(line(5))];
  const more = one.with(line(6));

  assert.deepEqual([...first].map(({ id }) => id), [1, 2, 3]);
  assert.deepEqual([...one].map(({ id }) => id), [1, 2, 3, 4]);
  assert.deepEqual([...other].map(({ id }) => id), [1, 2, 3, 5]);
  assert.deepEqual(more.slice(-2).map(({ id }) => id), [4, 6]);
});

test("a line that was late goes to its place, and one that changed to its own", () => {
  const late = [5, 1, 3, 2, 4].reduce((lines, id) => lines.with(line(id)), new Lines());
  const changed = late.with(line(3, { body: "other" }));

  assert.deepEqual([...late].map(({ id }) => id), [1, 2, 3, 4, 5]);
  assert.equal(changed.find(3).body, "other");
  assert.equal(late.find(3).body, "Line 3");
  assert.equal(changed.length, 5);
  assert.equal(changed.find(6), undefined);
});

test("a line at the end copies nothing, however many there are", () => {
  let lines = upTo(MESSAGES_KEPT);
  const copied = Array.prototype.slice;
  let copies = 0;
  Array.prototype.slice = function slice(...of) {
    copies += 1;
    return copied.apply(this, of);
  };
  for (let id = MESSAGES_KEPT + 1; id <= MESSAGES_KEPT * 2; id += 1) lines = lines.with(line(id));
  Array.prototype.slice = copied;

  assert.ok(copies <= 2, `${copies} copies for ${MESSAGES_KEPT} lines`);
  assert.equal(lines.length, MESSAGES_KEPT);
  assert.equal(lines.at(0).id, MESSAGES_KEPT + 1);
  assert.equal(lines.at(-1).id, MESSAGES_KEPT * 2);
});

// --- The list ---------------------------------------------------------------------------------

test("deleted lines are not listed, and remarks stand where they came", () => {
  const lines = upTo(4).with(line(2, { deleted: true }));
  const extras = [
    { key: "x1", after: 1 },
    { key: "x2", after: 4 },
  ];

  assert.deepEqual(keys(listed(lines, extras)), [1, "x1", 3, 4, "x2"]);
});

test("the mark stands before the first line that is new, if there is one", () => {
  const lines = upTo(5).with(line(4, { deleted: true }));

  assert.deepEqual(keys(listed(lines, [], 3)), [1, 2, 3, "unread", 5]);
  assert.deepEqual(keys(listed(lines, [], 5)), [1, 2, 3, 5]);
  assert.equal(unread(lines, 3), 1);
  assert.equal(unread(lines, 5), 0);
});

test("the window holds all that reaches into the view and little more", () => {
  const heights = Array.from({ length: 10_000 }, (_one, at) => 20 + ((at * 7) % 60));
  const items = heights.map((height, key) => ({ key, height }));
  const tops = topsOf(items, (item) => item.height);
  for (let begin = -500; begin < tops.at(-1) + 500; begin += 7_919) {
    const [from, to] = windowOf(tops, begin, begin + 400);
    const inside = items.filter(({ key }) => tops[key] <= begin + 400 && tops[key + 1] > begin);
    if (inside.length === 0) continue;
    assert.deepEqual([from, to], [inside[0].key, inside.at(-1).key + 1], `at ${begin}`);
  }
  assert.deepEqual(windowOf(topsOf([], () => 1), 0, 100), [0, 0]);
});

test("what is read stays where it is, whatever changes above it", () => {
  const before = listed(upTo(100), []);
  const tops = topsOf(before, () => 30);
  const at = itemAt(tops, 1_510);
  const anchor = { key: before[at].key, id: before[at].id, offset: tops[at] - 1_510 };
  assert.equal(anchoredAt(before, tops, anchor), 1_510);

  // Ten lines made room, one is higher than was thought, and others came below.
  const after = listed(upTo(140, 11), []);
  const others = topsOf(after, ({ key }) => (key === 20 ? 90 : 30));
  assert.equal(anchoredAt(after, others, anchor), 1_510 - 10 * 30 + 60);

  // It is gone itself: the next one stands in its place.
  const rest = listed(upTo(140).with(line(anchor.id, { deleted: true })), []);
  assert.equal(anchoredAt(rest, topsOf(rest, () => 30), anchor), 1_510);
});

// --- Names and questions ----------------------------------------------------------------------

test("a name is offered after an @ that begins a word", () => {
  assert.deepEqual(typedName("hello @al", 9), { at: 6, word: "al" });
  assert.deepEqual(typedName("@", 1), { at: 0, word: "" });
  assert.deepEqual(typedName("@Alice Ro", 9), { at: 0, word: "Alice Ro" });
  assert.equal(typedName("mail@al", 7), null);
  assert.equal(typedName("hello", 5), null);
});

test("names are of those who wrote last, and never one's own", () => {
  const lines = Lines.of(
    ["Alice", "Albert", "Bob", "Alice", "Al"].map((author, at) => line(at + 1, { author })),
  );
  assert.deepEqual(namesFor("AL", lines, { host: "Alma", own: "Al" }), ["Alma", "Alice", "Albert"]);
  assert.deepEqual(namesFor("x", lines, { host: "Alma", own: "Al" }), []);
  const more = lines.with(line(9, { author: "Almira", badge: "host" }));
  assert.deepEqual(namesFor("alm", more, { host: "Alma", own: "Al" }), ["Almira"]);
});

test("questions stand by product and by votes; those about what is no more in the bag last", () => {
  const asked = (id, product_id, votes, answered_at = null) => ({ id, product_id, votes, answered_at });
  const questions = [asked(1, 7, 1), asked(2, null, 9), asked(3, 7, 4), asked(4, 8, 2, 50)];
  const { groups, answered } = sorted([...questions, asked(5, 99, 3), asked(6, 8, 1, 90)], [
    { id: 8 },
    { id: 7 },
  ]);
  const ids = groups.map(([product, group]) => [product, group.map(({ id }) => id)]);
  assert.deepEqual(ids, [[7, [3, 1]], [null, [2, 5]]]);
  assert.deepEqual(answered.map(({ id }) => id), [6, 4]);
});

// --- Links ------------------------------------------------------------------------------------

const cases = JSON.parse(readFileSync(new URL("../chat_links.json", import.meta.url)));

for (const [body, links] of cases) {
  test(`links in: ${body}`, () => {
    const parts = cutLinks(body);
    assert.equal(parts.map(([text]) => text).join(""), body);
    assert.deepEqual(parts.filter(([, isLink]) => isLink).map(([text]) => text), links);
  });
}
