import assert from "node:assert/strict";
import { test } from "node:test";

import "../../creators/stage/static/stage/host.js";
import "../../creators/stage/static/stage/own.js";
import { available, pinnedProduct } from "../../creators/stage/static/stage/bag.js";
import { ACTIONS_KEPT } from "../../creators/stage/static/stage/mods.js";
import {
  MESSAGES_KEPT,
  apply,
  applyFrame,
  canChat,
  fromSnapshot,
  initial,
  withoutPosition,
} from "../../creators/stage/static/stage/state.js";

const sku = { id: 5, options: "", price_minor: 100, currency: "EUR", available: 3, rev: 2 };
const product = { id: 1, title: "Scarf", sold: 4, skus: [sku] };
const you = { role: "viewer", user_id: 9, name: "Alice", may_chat: true, muted_until: null };

function snapshot(more = {}, position = { epoch: "e", seq: 10 }) {
  const state = {
    rev: 3,
    show: { id: 7, state: "live", creator_id: 3 },
    pin: null,
    bag: [product],
    messages: [],
    viewers: 1,
    hearts: 0,
    ...more,
  };
  return { t: "snapshot", room: "live", ...position, at: 0, state, you };
}

const state = () => fromSnapshot(initial(), snapshot());

function frame(from, events, epoch = "e") {
  const numbered = events.map((event, index) => ({ seq: from + index, at: 0, ...event }));
  return { room: "live", epoch, from, seq: from + events.length - 1, at: 0, events: numbered };
}

function freeze(value) {
  if (value !== null && typeof value === "object") Object.values(value).forEach(freeze);
  return Object.freeze(value);
}

test("a frame that follows is applied and moves the position", () => {
  const result = applyFrame(state(), frame(11, [{ t: "counts", viewers: 5, hearts: 2 }]));

  assert.equal(result.outcome, "applied");
  assert.equal(result.state.viewers, 5);
  assert.deepEqual(result.state.positions.live, { epoch: "e", seq: 11 });
});

test("a frame that was seen changes nothing", () => {
  const before = state();
  const result = applyFrame(before, frame(9, [{ t: "counts", viewers: 5, hearts: 2 }]));

  assert.equal(result.outcome, "old");
  assert.equal(result.state, before);
});

test("of a frame that overlaps only the new events count", () => {
  const events = [
    { t: "counts", viewers: 8, hearts: 0 },
    { t: "counts", viewers: 9, hearts: 0 },
  ];
  const result = applyFrame(state(), frame(10, events));

  assert.equal(result.events.length, 1);
  assert.equal(result.state.viewers, 9);
});

test("a frame after a gap, of another history, or of an unknown room is a gap", () => {
  const event = { t: "counts", viewers: 5, hearts: 2 };
  assert.equal(applyFrame(state(), frame(12, [event])).outcome, "gap");
  assert.equal(applyFrame(state(), frame(11, [event], "other")).outcome, "gap");
  assert.equal(applyFrame(initial(), frame(1, [event])).outcome, "gap");
});

test("a snapshot without an epoch is shown but keeps the position", () => {
  const next = fromSnapshot(state(), snapshot({ viewers: 77 }, { epoch: "", seq: 0 }));

  assert.equal(next.viewers, 77);
  assert.deepEqual(next.positions.live, { epoch: "e", seq: 10 });
});

test("a snapshot of the newest lines leaves what is older, and says where some may be missing", () => {
  const lines = (...ids) => ids.map((id) => ({ id, body: `Line ${id}`, rev: 0 }));
  const told = (before, ...ids) => fromSnapshot(before, snapshot({ messages: lines(...ids) }));
  const seen = ({ messages }) => [...messages].map(({ id, gap }) => (gap ? `gap ${id}` : id));
  const first = told(initial(), 1, 2, 3);
  const next = told(first, 3, 4, 5);
  assert.deepEqual(seen(next), [1, 2, 3, 4, 5]);
  const away = told(next, 8, 9);
  assert.deepEqual(seen(away), [1, 2, 3, 4, 5, "gap 8", 9]);
  assert.deepEqual(seen(told(away, 8, 9, 10)), [1, 2, 3, 4, 5, "gap 8", 9, 10]);
  const deleted = apply(away, { t: "chat_deleted", id: 8, rev: 1 });
  assert.deepEqual(seen(told(deleted, 9, 10)), [1, 2, 3, 4, 5, "gap 8", 9, 10]);
  // What is not told of any more between the newest ones is gone.
  assert.deepEqual(seen(told(next, 2, 4)), [1, 2, 4]);
  assert.deepEqual(seen(told(next)), []);
});

test("a snapshot that is older than what is known is ignored", () => {
  const before = state();

  assert.equal(fromSnapshot(before, snapshot({ viewers: 77 }, { epoch: "e", seq: 9 })), before);
});

test("without a position the next frame is a gap", () => {
  const result = applyFrame(withoutPosition(state(), "live"), frame(11, []));

  assert.equal(result.outcome, "gap");
});

test("older revs are ignored, part by part", () => {
  let now = apply(state(), { t: "bag_changed", rev: 7, products: [] });
  now = apply(now, { t: "pinned", rev: 6, pin: { id: 2, product_id: 1 } });
  assert.equal(now.pin.id, 2, "a newer bag says nothing about the pin");
  now = apply(now, { t: "unpinned", rev: 5, pin_id: 1 });
  assert.equal(now.pin.id, 2);
  now = apply(now, { t: "bag_changed", rev: 6, products: [product] });
  assert.deepEqual(now.bag, []);
});

test("an older stock figure is ignored, in an event and in a bag", () => {
  let now = apply(state(), { t: "stock", product_id: 1, sku_id: 5, available: 1, rev: 9 });
  assert.equal(available(now.bag[0]), 1);
  now = apply(now, { t: "stock", product_id: 1, sku_id: 5, available: 8, rev: 8 });
  now = apply(now, { t: "bag_changed", rev: 9, products: [product] });
  assert.equal(available(now.bag[0]), 1);
});

test("stock and sales of products that are not in the bag change no bag", () => {
  const before = state();
  assert.equal(
    apply(before, { t: "stock", product_id: 4, sku_id: 5, available: 1, rev: 9 }).bag,
    before.bag,
  );
  assert.equal(apply(before, { t: "sold", product_id: 4, sold: 9 }).bag, before.bag);
});

test("what was sold only grows", () => {
  const sale = { product_id: 1, title: "Scarf", buyer: "Alice R.", quantity: 2 };
  let now = apply(state(), { t: "sold", seq: 1, sold: 6, ...sale });
  now = apply(now, { t: "sold", seq: 2, sold: 5, ...sale });
  assert.equal(now.bag[0].sold, 6);
});

const line = (id) => ({ id, author: "A", body: `line ${id}`, sent_at: id, deleted: false });

test("chat lines stand in the order of their ids, each once", () => {
  const now = [3, 1, 2, 3].reduce((all, id) => apply(all, { t: "chat", line: line(id) }), state());

  assert.deepEqual([...now.messages].map((one) => one.id), [1, 2, 3]);
});

test("a deletion that comes before its line wins", () => {
  let now = apply(state(), { t: "chat_deleted", id: 4 });
  now = apply(now, { t: "chat", line: line(4) });

  assert.deepEqual([...now.messages].map((one) => [one.id, one.deleted]), [[4, true]]);
});

test("a deleted line comes back only with a newer rev, in its place", () => {
  let now = [1, 2, 3].reduce((all, id) => apply(all, { t: "chat", line: line(id) }), state());
  now = apply(now, { t: "chat_deleted", id: 2, rev: 1 });
  now = apply(now, { t: "chat", line: { ...line(2), rev: 1 } });
  assert.equal(now.messages.find(2).deleted, true);
  now = apply(now, { t: "chat", line: { ...line(2), rev: 2 } });
  assert.deepEqual([...now.messages].map((one) => one.body), ["line 1", "line 2", "line 3"]);
  assert.equal(apply(now, { t: "chat_deleted", id: 2, rev: 1 }), now);
});

test("the list of lines is bounded", () => {
  let now = state();
  for (let id = 1; id <= MESSAGES_KEPT + 50; id += 1) now = apply(now, { t: "chat", line: line(id) });

  assert.equal(now.messages.length, MESSAGES_KEPT);
  assert.equal(now.messages.at(-1).id, MESSAGES_KEPT + 50);
});

const mute = {
  ...{ id: 4, rev: 1, kind: "mute", scope: "show", piece_id: 7, creator_id: 3, user_id: 9 },
  ...{ name: "Alice", reason: "rude", at: 0, until: 1000, lifted: false, appeal: "" },
};
const sanctioned = (now, change) =>
  apply(now, { t: "sanction", at: 1, sanction: { ...mute, ...change } });

test("a mute closes the chat until its time, and its end opens it", () => {
  const muted = sanctioned(state(), {});
  assert.equal(canChat(muted, 999), false);
  assert.equal(canChat(muted, 1001), true);
  assert.equal(muted.you.mute.reason, "rude");
  const free = sanctioned(muted, { rev: 2, lifted: true });
  assert.equal(canChat(free, 0), true);
  assert.equal(sanctioned(free, {}), free, "the same mute again is old news");
  assert.equal(canChat(sanctioned(state(), { until: null }), 9e15), false);
});

test("a mute elsewhere, of others, and a ban of somebody are not this page's", () => {
  const others = [
    { piece_id: 8 },
    { piece_id: null, scope: "creator", creator_id: 5 },
    { user_id: 10 },
    { kind: "ban" },
  ];
  for (const other of others) assert.equal(canChat(sanctioned(state(), other), 0), true);
  const everywhere = { piece_id: null, scope: "creator" };
  assert.equal(canChat(sanctioned(state(), everywhere), 0), false);
});

test("of two mutes the longer one is told, and the other one is left when it ends", () => {
  const long = { id: 5, piece_id: null, scope: "creator", until: null };
  const both = sanctioned(sanctioned(state(), {}), long);
  assert.equal(both.you.mute.id, 5);
  const one = sanctioned(both, { ...long, rev: 2, lifted: true });
  assert.equal(one.you.mute.id, 4);
  const told = fromSnapshot(initial(), { ...snapshot(), you: { ...you, mute } });
  assert.equal(sanctioned(told, { rev: 2, lifted: true }).you.mute, null);
});

test("what moderators see is a list of each kind, by id, of what is open", () => {
  const part = { sanctions: [mute], held: [], actions: [], appeals: [{ id: 2, rev: 1, state: "open" }] };
  const mods = { t: "snapshot", room: "mods", epoch: "m", seq: 1, at: 0, state: part, you };
  let now = fromSnapshot(state(), mods);
  now = sanctioned(now, { id: 3, kind: "ban", user_id: 5, until: null });
  assert.deepEqual(now.sanctions.map((one) => one.id), [3, 4]);
  now = sanctioned(now, { rev: 2, lifted: true });
  assert.deepEqual(now.sanctions.map((one) => one.id), [3]);
  now = apply(now, { t: "held", held: { id: 9, rev: 1, state: "withheld" } });
  assert.equal(now.held.length, 1);
  now = apply(now, { t: "held", held: { id: 9, rev: 2, state: "shown" } });
  assert.deepEqual(now.held, []);
  assert.deepEqual(apply(now, { t: "held", held: { id: 9, rev: 1, state: "held" } }).held, []);
  now = apply(now, { t: "appeal", appeal: { id: 2, rev: 2, state: "denied" } });
  assert.deepEqual(now.appeals, []);
  for (let id = 1; id <= 90; id += 1) now = apply(now, { t: "action", action: { id, rev: 0 } });
  assert.equal(now.actions.length, ACTIONS_KEPT);
  now = apply(now, { t: "action", action: { id: 90, rev: 1, undone: true } });
  assert.equal(now.actions.at(-1).undone, true);
});

test("questions are kept by id; what was deleted stays away", () => {
  const asked = (id, rev, more) => ({ t: "question", question: { id, rev, votes: rev, ...more } });
  let now = [asked(2, 1), asked(1, 1), asked(2, 3), asked(2, 2)].reduce(apply, state());
  assert.deepEqual(now.questions.map((one) => [one.id, one.votes]), [[1, 1], [2, 3]]);
  now = apply(now, asked(2, 4, { deleted: true }));
  assert.deepEqual(apply(now, asked(2, 3)).questions.map((one) => one.id), [1]);
  assert.equal(apply(now, asked(2, 5)).questions.length, 2);
});

test("the pinned line and the rules follow their own revs", () => {
  let now = fromSnapshot(initial(), snapshot({ pinned_line_rev: 2, rules_rev: 5 }));
  now = apply(now, { t: "chat_pinned", rev: 2, line: line(1) });
  assert.equal(now.pinned_line, null);
  now = apply(now, { t: "chat_pinned", rev: 3, line: line(1) });
  assert.equal(now.pinned_line.id, 1);
  now = apply(now, { t: "chat_rules", rev: 6, rules: { slow_seconds: 30 } });
  now = apply(now, { t: "chat_rules", rev: 5, rules: { slow_seconds: 0 } });
  assert.equal(now.rules.slow_seconds, 30);
});

test("lines that a frame lacks are told, with the time", () => {
  const { state: now } = applyFrame(state(), { ...frame(11, []), seq: 11, at: 70, left_out: 12 });
  assert.deepEqual(now.left_out, { count: 12, at: 70 });
});

test("the end of the show takes the pin off and closes the chat", () => {
  let now = apply(state(), { t: "pinned", rev: 4, pin: { id: 2, product_id: 1 } });
  assert.equal(pinnedProduct(now).title, "Scarf");
  now = apply(now, { t: "show_ended", rev: 5, started_at: 1, ended_at: 2 });
  assert.equal(now.pin, null);
  assert.equal(canChat(now, 2), false);
});

test("right after the end the chat stays open as long as pictures are late", () => {
  let now = apply(state(), { t: "counts", viewers: 3, hearts: 0, grace_ms: 1500, lag_ms: 1000 });
  now = apply(now, { t: "show_ended", rev: 5, started_at: 1, ended_at: 10_000 });

  assert.equal(canChat(now, 11_499), true);
  assert.equal(canChat(now, 11_500), false);
  assert.equal(canChat(apply(now, { t: "show_cancelled", rev: 6 }), 10_001), false);
});

test("a picture that is older than the known one is ignored", () => {
  const lost = { state: "lost", since: 5, url: "u", rev: 5 };
  const now = apply(state(), { t: "picture", picture: lost });

  assert.equal(now.picture, lost);
  assert.equal(apply(now, { t: "picture", picture: { ...lost, state: "on", rev: 4 } }), now);
  const back = { ...lost, state: "on", rev: 6 };
  assert.equal(apply(now, { t: "picture", picture: back }).picture, back);
});

test("the caption is the one that was said last", () => {
  const said = (id, starts_at) => ({ t: "caption", caption: { id, text: "…", starts_at } });
  const now = apply(apply(state(), said(1, 100)), said(2, 200));

  assert.equal(now.caption.id, 2);
  assert.equal(apply(now, said(3, 150)), now);
});

test("older carts, orders, figures and scores are ignored", () => {
  let now = apply(initial(), { t: "cart", version: 4, units: 2 });
  assert.equal(apply(now, { t: "cart", version: 3, units: 9 }).cart.units, 2);
  const order = { number: "LS-1", state: "awaiting_shipment", rev: 2 };
  now = apply(now, { t: "order", order });
  now = apply(now, { t: "order", order: { ...order, state: "unpaid", rev: 1 } });
  assert.deepEqual(now.orders, [order]);
  now = apply(now, { t: "figures", orders: 3, rev: 5 });
  assert.equal(apply(now, { t: "figures", orders: 2, rev: 4 }).figures.orders, 3);
  now = apply(now, { t: "scores", rev: 5, scores: ["new"] });
  assert.deepEqual(apply(now, { t: "scores", rev: 4, scores: [] }).scores.scores, ["new"]);
});

test("an event of a newer server is ignored", () => {
  const before = state();

  assert.equal(apply(before, { t: "constructor" }), before);
  assert.equal(apply(before, { t: "fireworks" }), before);
});

test("nothing is changed in place, and every event may come twice", () => {
  const events = [
    { t: "pinned", rev: 4, pin: { id: 2, product_id: 1 } },
    { t: "stock", product_id: 1, sku_id: 5, available: 1, rev: 9 },
    { t: "sold", product_id: 1, title: "Scarf", buyer: "A", quantity: 1, sold: 9 },
    { t: "chat", line: line(3) },
    { t: "chat_deleted", id: 3 },
    { t: "sanction", at: 1, sanction: mute },
    { t: "question", question: { id: 1, rev: 1 } },
    { t: "question", question: { id: 1, rev: 2, deleted: true } },
    { t: "chat_pinned", rev: 3, line: line(3) },
    { t: "held", held: { id: 9, rev: 1, state: "held" } },
    { t: "bag_changed", rev: 8, products: [product] },
    { t: "show_ended", rev: 9, started_at: 1, ended_at: 2 },
  ];
  let now = freeze(state());
  for (const event of events) {
    now = freeze(apply(now, freeze(event)));
    assert.deepEqual(apply(now, event), now, event.t);
  }
});
