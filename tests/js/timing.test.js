import assert from "node:assert/strict";
import { test } from "node:test";

import { Held, LONGEST_HELD } from "../../creators/media/static/media/timing.js";
import { applyFrame, fromSnapshot, initial } from "../../creators/stage/static/stage/state.js";

const you = { role: "viewer", user_id: 9, name: "Alice", may_chat: true, muted_until: null };

function snapshot(more = {}, seq = 10) {
  const state = {
    rev: 3,
    show: { id: 7, state: "live" },
    pin: null,
    bag: [],
    messages: [],
    picture: { state: "on", since: 1, url: "u", rev: 1 },
    caption: null,
    viewers: 1,
    hearts: 0,
    ...more,
  };
  return { t: "snapshot", room: "live", epoch: "e", seq, at: 0, state, you };
}

// A page whose picture is at `world.at`, and its connection: `hear` is a frame of the server.
function makePage() {
  const world = {
    time: 0,
    at: 0,
    hidden: false,
    timers: [],
    frames: new Set(),
    now: () => world.time,
    setTimeout(work, ms) {
      const timer = { due: world.time + ms, work };
      world.timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      world.timers = world.timers.filter((one) => one !== timer);
    },
    isHidden: () => world.hidden,
    onFrame(work) {
      world.frames.add(work);
      return () => world.frames.delete(work);
    },
    // Time passes in the room; the picture goes along unless it stands.
    pass(ms, { stands = false } = {}) {
      const end = world.time + ms;
      while (world.time < end) {
        world.time += 10;
        if (!stands && world.at !== null) world.at += 10;
        for (const timer of world.timers.filter((one) => one.due <= world.time)) {
          world.clearTimeout(timer);
          timer.work();
        }
        if (!stands) for (const work of [...world.frames]) work();
      }
    },
  };
  const page = {
    world,
    state: fromSnapshot(initial(), snapshot()),
    shown: [],
    seq: 10,
    told: [],
    get pin() {
      return page.shown.at(-1).pin?.id ?? null;
    },
    hear(...events) {
      const numbered = events.map((event) => ({ seq: (page.seq += 1), ...event }));
      const frame = { room: "live", epoch: "e", from: numbered[0].seq, seq: page.seq };
      const next = applyFrame(page.state, { ...frame, events: numbered });
      assert.equal(next.outcome, "applied");
      page.state = next.state;
      page.held.take(next.state, next.events);
    },
    look(more) {
      page.state = fromSnapshot(page.state, snapshot(more, (page.seq += 1)));
      page.held.take(page.state, []);
    },
  };
  page.held = new Held({
    at: () => world.at,
    show(state, events) {
      page.shown.push(state);
      page.told.push(...events.map((event) => event.t));
    },
    world,
  });
  page.held.start(page.state);
  return page;
}

const pinned = (id, rev, at) => ({ t: "pinned", rev, at, pin: { id, product_id: id } });
const unpinned = (rev, at) => ({ t: "unpinned", rev, at, pin_id: 1 });
const sold = (at) => ({ t: "sold", at, product_id: 1, sold: 1 });

test("a pin waits for its picture, and the price does not", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 1200), { t: "counts", at: 1200, viewers: 5, hearts: 0 });

  assert.equal(page.pin, null);
  assert.equal(page.state.pin.id, 1, "the truth is not held");
  assert.equal(page.shown.at(-1).viewers, 5);
  page.world.pass(1190);
  assert.equal(page.pin, null);
  page.world.pass(10);
  assert.equal(page.pin, 1);
  assert.deepEqual(page.told, ["counts", "pinned"]);
});

test("with the picture's own frames it is exact, and nothing runs while nothing waits", () => {
  const page = makePage();
  assert.equal(page.world.frames.size + page.world.timers.length, 0);
  page.hear(pinned(1, 4, 730));
  page.world.pass(720);
  assert.equal(page.pin, null);
  page.world.pass(10);

  assert.equal(page.pin, 1);
  assert.equal(page.world.frames.size + page.world.timers.length, 0);
});

test("it is never held for longer than five seconds", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 60_000));
  page.world.pass(LONGEST_HELD - 110, { stands: true });
  assert.equal(page.pin, null);
  page.world.pass(220, { stands: true });

  assert.equal(page.pin, 1);
});

test("what waits keeps its order", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 300), sold(310));
  page.hear(pinned(2, 5, 305), unpinned(6, 900));
  const pins = [];
  for (let i = 0; i < 100; i += 1) {
    page.world.pass(10);
    if (page.shown.length > 0 && pins.at(-1) !== page.pin) pins.push(page.pin);
  }

  assert.deepEqual(page.told, ["pinned", "sold", "pinned", "unpinned"]);
  assert.deepEqual(pins.slice(-3), [1, 2, null]);
});

test("where no picture moves nothing is held, and what was is shown at once", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 3000));
  page.world.at = null;
  page.hear(sold(3010));
  assert.deepEqual(page.told, ["pinned", "sold"]);

  page.world.at = 100;
  page.world.hidden = true;
  page.hear(pinned(2, 5, 3000));
  assert.equal(page.pin, 2);
});

test("a snapshot is shown at once, and what it knew already is not shown again", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 2000), sold(2000));
  page.look({ rev: 9, pin: { id: 7, product_id: 7 } });
  assert.equal(page.pin, 7);
  page.hear(pinned(2, 5, 500));
  page.world.pass(2500);

  assert.equal(page.pin, 7, "a pin of an older rev changes nothing");
  assert.deepEqual(page.told, ["sold", "pinned"]);
});

test("the end of the show takes the pin off at once", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 2000));
  page.hear({ t: "show_ended", rev: 5, at: 10, started_at: 1, ended_at: 10 });

  assert.equal(page.pin, null);
  page.world.pass(3000);
  assert.equal(page.pin, null);
});

test("a caption waits for the picture in which it was said, not for when it was told", () => {
  const page = makePage();
  const caption = { id: 1, text: "hello", lang: "en", starts_at: 400, ends_at: 900 };
  page.hear({ t: "caption", at: 1500, caption });
  page.world.pass(390);
  assert.deepEqual(page.told, []);
  page.world.pass(20);
  assert.deepEqual(page.told, ["caption"]);
});

test("who stops shows all that waits", () => {
  const page = makePage();
  page.hear(pinned(1, 4, 3000));
  page.held.stop();

  assert.equal(page.pin, 1);
  assert.equal(page.world.timers.length, 0);
});
