import assert from "node:assert/strict";
import { test } from "node:test";

import { initial } from "../../creators/stage/static/stage/state.js";
import "./rooms.js";

globalThis.document = { documentElement: { lang: "en" } };
const { Chat } = await import("../../creators/live/static/live/chat.js");

// As much of a document as a log of lines needs.
class Element {
  children = [];
  dataset = {};
  classList = { add() {} };
  parent = null;
  scrollTop = 0;

  get parentElement() {
    return this.parent;
  }

  get firstElementChild() {
    return this.children[0] ?? null;
  }

  #take(item, place) {
    item.parent = this;
    this.children.splice(place, 0, item);
  }

  append(...items) {
    for (const item of items) if (item instanceof Element) this.#take(item, this.children.length);
  }

  before(item) {
    this.parent.#take(item, this.parent.children.indexOf(this));
  }

  remove() {
    this.parent.children = this.parent.children.filter((one) => one !== this);
  }

  querySelectorAll() {
    return this.children.filter((one) => one.dataset.line !== undefined);
  }

  querySelector(selector) {
    const id = Number(/\d+/.exec(selector)[0]);
    return this.children.find((one) => one.dataset.line === id) ?? null;
  }
}

function makeChat() {
  const made = [];
  document.createElement = () => {
    made.push(new Element());
    return made.at(-1);
  };
  const log = new Element();
  new Element().append(log);
  const root = { dataset: {}, querySelector: (name) => (name === "[data-chat]" ? log : null) };
  return { chat: new Chat(root, { connection: {}, say: (name) => name }), log, made };
}

const line = (id) => ({ id, author: "Alice", body: `Line ${id}`, client_id: null });
const upTo = (last, { from = 1 } = {}) => ({
  ...initial(),
  messages: Array.from({ length: last - from + 1 }, (_one, at) => line(from + at)),
});

test("a line that made room for a remark stays away: nothing is made anew at each event", () => {
  const { chat, log, made } = makeChat();
  chat.show(upTo(200));
  assert.equal(log.children.length, 200);
  for (let sale = 0; sale < 30; sale += 1) chat.remark("Erin bought a scarf");
  assert.equal(log.children[0].dataset.line, 31);
  const before = made.length;
  for (let event = 0; event < 10; event += 1) chat.show(upTo(200));

  assert.equal(made.length, before);
  assert.equal(log.children.length, 200);
});

test("a line that was late goes to its place, and the log keeps the newest", () => {
  const { chat, log } = makeChat();
  const late = upTo(100);
  chat.show({ ...late, messages: late.messages.filter((one) => one.id !== 50) });
  chat.show(late);
  assert.deepEqual(
    log.children.map((one) => one.dataset.line),
    late.messages.map((one) => one.id),
  );
  for (let last = 101; last <= 600; last += 1) {
    chat.show(upTo(last, { from: Math.max(1, last - 199) }));
  }
  assert.equal(log.children.length, 200);
  assert.equal(log.children.at(-1).dataset.line, 600);
  assert.equal(log.children[0].dataset.line, 401);
});
