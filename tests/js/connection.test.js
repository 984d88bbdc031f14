import assert from "node:assert/strict";
import { test } from "node:test";

import { CLOSED, Connection } from "../../creators/stage/static/stage/connection.js";

// A world whose clock moves when told, whose sockets do what the test says.
function makeWorld({ answers = [] } = {}) {
  const world = {
    now: 0,
    timers: [],
    sockets: [],
    fetched: [],
    isBlocked: false,
    visible: true,
    luck: 0.5,
    ids: 0,
    WebSocket: class {
      constructor(url) {
        this.url = url;
        this.readyState = 0;
        this.said = [];
        world.sockets.push(this);
        if (world.isBlocked) world.setTimeout(() => this.drop(1006), 5);
      }
      send(text) {
        this.said.push(JSON.parse(text));
      }
      close(code) {
        this.drop(code);
      }
      open() {
        this.readyState = 1;
        this.onopen();
      }
      hear(message) {
        this.onmessage({ data: JSON.stringify(message) });
      }
      drop(code) {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose({ code });
      }
    },
    async fetch(url) {
      world.fetched.push([world.now, url]);
      const answer = answers.shift();
      if (answer === undefined) throw new TypeError("network");
      return { ok: true, json: async () => ({ snapshots: [answer] }) };
    },
    setTimeout(work, ms) {
      const timer = { at: world.now + ms, work };
      world.timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      world.timers = world.timers.filter((one) => one !== timer);
    },
    clock: () => 1_000 + world.now,
    random: () => world.luck,
    uuid: () => `id-${(world.ids += 1)}`,
    origin: () => "https://shop.test",
    isVisible: () => world.visible,
    async pass(ms) {
      const end = world.now + ms;
      for (;;) {
        const due = world.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        world.clearTimeout(due);
        world.now = due.at;
        due.work();
        for (let i = 0; i < 10; i += 1) await Promise.resolve();
      }
      world.now = end;
      for (let i = 0; i < 10; i += 1) await Promise.resolve();
    },
    get socket() {
      return world.sockets.at(-1);
    },
  };
  return world;
}

const you = { role: "viewer", user_id: 9, name: "Alice", may_chat: true, muted_until: null };

function snapshot(seq, { epoch = "e", viewers = 0, messages = [] } = {}) {
  const state = {
    rev: 1,
    show: { id: 7, state: "live" },
    pin: null,
    bag: [],
    messages,
    viewers,
    hearts: 0,
  };
  return { t: "snapshot", room: "live", epoch, seq, at: 0, state, you };
}

function counts(seq, viewers, epoch = "e") {
  const event = { seq, at: 0, t: "counts", viewers, hearts: 0 };
  return { room: "live", epoch, from: seq, seq, at: 0, events: [event] };
}

function connect(world, more = {}) {
  const heard = { statuses: [], states: [], errors: [] };
  const line = new Connection({
    url: "/ws/live/7/",
    pollUrl: "/live/7/snapshot.json",
    onState: (state, events) => heard.states.push([state, events]),
    onStatus: (status, isPolling) => heard.statuses.push(isPolling ? `${status} polling` : status),
    onError: (error) => heard.errors.push(error),
    world,
    ...more,
  });
  line.start();
  return { line, heard };
}

function live(world) {
  const made = connect(world);
  world.socket.open();
  world.socket.hear(snapshot(10));
  return made;
}

test("it opens a secure socket and says where it stands: nowhere", () => {
  const world = makeWorld();
  const { heard } = connect(world);
  world.socket.open();

  assert.equal(world.socket.url, "wss://shop.test/ws/live/7/");
  assert.deepEqual(world.socket.said[0], { t: "resume", rooms: {} });
  assert.deepEqual(heard.statuses, ["connecting"]);
});

test("a snapshot makes it live, and frames change the state", () => {
  const world = makeWorld();
  const { line, heard } = live(world);
  world.socket.hear(counts(11, 5));

  assert.deepEqual(heard.statuses, ["connecting", "live"]);
  assert.equal(line.state.viewers, 5);
  assert.equal(heard.states.at(-1)[1][0].t, "counts");
});

test("after a drop it comes back and says where it stands", async () => {
  const world = makeWorld();
  const { heard } = live(world);
  world.socket.hear(counts(11, 5));
  world.socket.drop(1006);
  await world.pass(600);
  world.socket.open();

  assert.equal(world.sockets.length, 2);
  assert.deepEqual(world.socket.said[0], {
    t: "resume",
    rooms: { live: { epoch: "e", seq: 11 } },
  });
  assert.deepEqual(heard.statuses, ["connecting", "live", "reconnecting"]);
  world.socket.hear(counts(12, 6));
  assert.equal(heard.statuses.at(-1), "live");
});

test("the time until it tries again is anywhere from nothing to a growing bound", async () => {
  const world = makeWorld();
  const { line } = live(world);
  const waits = [];
  for (let attempt = 0; attempt < 9; attempt += 1) {
    world.luck = 1;
    world.socket.drop(1006);
    const began = world.now;
    const before = world.sockets.length;
    while (world.sockets.length === before) await world.pass(100);
    waits.push(world.now - began);
  }
  line.stop();

  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000, 20000]);
  world.luck = 0;
});

test("a gap is asked for once, and filled", () => {
  const world = makeWorld();
  const { line } = live(world);
  world.socket.hear(counts(13, 5));
  world.socket.hear(counts(14, 6));

  const asked = world.socket.said.filter((one) => one.t === "resume");
  assert.deepEqual(asked.slice(1), [{ t: "resume", rooms: { live: { epoch: "e", seq: 10 } } }]);
  world.socket.hear({ ...counts(14, 9), from: 11 });
  assert.equal(line.state.viewers, 9);
});

test("a resync asks for a snapshot of that room after a random moment", async () => {
  const world = makeWorld();
  live(world);
  world.socket.hear({ t: "resync", room: "live" });
  assert.equal(world.socket.said.filter((one) => one.t === "resume").length, 1);
  await world.pass(300);

  assert.deepEqual(world.socket.said.at(-1), { t: "resume", rooms: {} });
});

test("a resume that the server could not answer is tried again until it can", async () => {
  const world = makeWorld();
  const { line, heard } = live(world);
  const asked = () => world.socket.said.filter((one) => one.t === "resume").length;
  world.socket.hear({ t: "resync", room: "live" });
  await world.pass(300);
  for (const count of [3, 4]) {
    world.socket.hear({ t: "error", code: "failed", text: "…", re: "resume", ref: "" });
    world.socket.hear({ t: "pong", at: 1 });
    assert.equal(heard.statuses.at(-1), "reconnecting", "nothing arrives, and the page says so");
    await world.pass(3000);
    assert.equal(asked(), count);
  }

  world.socket.hear(snapshot(3, { epoch: "f", viewers: 8 }));
  assert.equal(heard.statuses.at(-1), "live");
  assert.equal(line.state.viewers, 8);
  assert.deepEqual(heard.errors, []);
  await world.pass(10_000);
  assert.equal(asked(), 4);
});

test("a resume that was too much at once is tried again", async () => {
  const world = makeWorld();
  const { line } = live(world);
  world.socket.drop(1006);
  await world.pass(600);
  world.socket.open();
  world.socket.hear({ t: "error", code: "too_many", text: "…", re: "", ref: "" });
  await world.pass(3000);

  assert.equal(world.socket.said.filter((one) => one.t === "resume").length, 2);
  line.stop();
});

test("who comes back and missed nothing is live at once", async () => {
  const world = makeWorld();
  const { heard } = live(world);
  world.socket.drop(1006);
  await world.pass(600);
  world.socket.open();

  assert.deepEqual(world.socket.said.slice(0, 2).map((one) => one.t), ["resume", "ping"]);
  world.socket.hear({ t: "pong", at: 1 });
  assert.equal(heard.statuses.at(-1), "live");
});

test("where sockets are blocked it polls, at most every 5 s, and says so", async () => {
  const polled = [1, 2, 3, 4].map((seq) => snapshot(seq, { viewers: seq }));
  const world = makeWorld({ answers: polled });
  world.isBlocked = true;
  const { line, heard } = connect(world);
  await world.pass(14_000);

  const times = world.fetched.map(([at]) => at);
  assert.ok(times[0] <= 5000);
  assert.ok(times.slice(1).every((at, index) => at - times[index] <= 5000));
  assert.ok(line.state.viewers >= 3);
  assert.equal(heard.statuses.at(-1), "reconnecting polling");
  line.stop();
});

test("what was written over HTTP is polled for soon", async () => {
  const world = makeWorld({ answers: [1, 2, 3].map((seq) => snapshot(seq)) });
  world.isBlocked = true;
  const { line } = connect(world);
  line.refresh();
  await world.pass(1_600);
  assert.equal(world.fetched.length, 1);
  line.refresh();
  await world.pass(1_200);
  assert.equal(world.fetched.length, 2);
  line.stop();
});

test("when polling fails too it is offline, and it comes back", async () => {
  const world = makeWorld();
  world.isBlocked = true;
  const { heard } = connect(world);
  await world.pass(3000);
  assert.equal(heard.statuses.at(-1), "offline polling");

  world.isBlocked = false;
  const before = world.sockets.length;
  while (world.sockets.length === before) await world.pass(100);
  world.socket.open();
  world.socket.hear(snapshot(20));
  assert.equal(heard.statuses.at(-1), "live");
  const fetched = world.fetched.length;
  await world.pass(20_000);
  assert.equal(world.fetched.length, fetched, "nobody polls beside a socket");
});

test("a degraded server means polling until it says that it is well", async () => {
  const world = makeWorld({ answers: [snapshot(0, { epoch: "", viewers: 4 })] });
  const { line, heard } = live(world);
  world.socket.hear({ t: "notice", kind: "degraded" });
  await world.pass(10);

  assert.equal(line.state.viewers, 4);
  assert.deepEqual(line.state.positions.live, { epoch: "e", seq: 10 });
  assert.equal(heard.statuses.at(-1), "reconnecting polling");
  world.socket.hear({ t: "notice", kind: "live" });
  assert.equal(heard.statuses.at(-1), "live");
});

test("a chat line is said again until it is confirmed", async () => {
  const world = makeWorld();
  const { line } = live(world);
  const id = line.chat("hello");
  world.socket.drop(1006);
  await world.pass(600);
  world.socket.open();
  assert.deepEqual(
    world.socket.said.find((one) => one.t === "chat"),
    { t: "chat", client_id: id, body: "hello" },
  );

  const event = { seq: 11, at: 0, t: "chat", line: { id: 1, client_id: id, body: "hello" } };
  world.socket.hear({ room: "live", epoch: "e", from: 11, seq: 11, at: 0, events: [event] });
  world.socket.drop(1006);
  await world.pass(2000);
  world.socket.open();
  assert.ok(!world.socket.said.some((one) => one.t === "chat"));
});

test("a line that the server wrote down is not said again, seen or not", async () => {
  const world = makeWorld();
  const said = [];
  const { line } = connect(world, { onSaid: (message) => said.push(message) });
  world.socket.open();
  world.socket.hear(snapshot(10));
  const client_id = line.chat("hello", { reply_to: 5 });
  const question = line.say({ t: "ask", body: "Is it silk?", product_id: 1 });
  world.socket.hear({ t: "said", client_id, id: 8, state: "held", shown_at: 99 });
  world.socket.drop(1006);
  await world.pass(600);
  world.socket.open();

  assert.equal(said[0].state, "held");
  const again = world.socket.said.filter((one) => ["chat", "ask"].includes(one.t));
  assert.deepEqual(again.map((one) => one.client_id), [question]);
});

test("who is banned is told so and does not come back", async () => {
  const world = makeWorld();
  const { heard } = live(world);
  world.socket.drop(CLOSED.banned);
  await world.pass(100_000);

  assert.equal(heard.statuses.at(-1), "banned");
  assert.equal(world.sockets.length, 1);
});

test("too many open sockets mean a pause of a minute, a full server only patience", async () => {
  for (const [code, least] of [[CLOSED.tooManySockets, 60_000], [4503, 0], [4408, 0]]) {
    const world = makeWorld();
    live(world);
    world.socket.drop(code);
    while (world.sockets.length === 1) await world.pass(10);
    assert.ok(world.now >= least && world.now <= least + 500, `${code}: ${world.now} ms`);
  }
});

test("when the browser loses the network it says so at once, and is back with it at once", async () => {
  const world = makeWorld();
  const { line, heard } = live(world);
  world.isBlocked = true;
  line.network(false);
  assert.equal(heard.statuses.at(-1), "reconnecting");
  await world.pass(40_000);
  world.isBlocked = false;
  const before = world.sockets.length;
  line.network(true);
  await world.pass(500);
  assert.equal(world.sockets.length, before + 1);
  world.socket.open();
  world.socket.hear({ t: "pong", at: 1 });
  assert.equal(heard.statuses.at(-1), "live");
});

test("a refused line is not said again", async () => {
  const world = makeWorld();
  const { line, heard } = live(world);
  const id = line.chat("");
  world.socket.hear({ t: "error", code: "empty_message", text: "…", re: "chat", ref: id });

  assert.equal(line.unsaid.size, 0);
  assert.equal(heard.errors[0].code, "empty_message");
});

test("hearts are added up before they are sent", async () => {
  const world = makeWorld();
  const { line } = live(world);
  for (let i = 0; i < 80; i += 1) line.heart();
  await world.pass(400);

  assert.deepEqual(world.socket.said.filter((one) => one.t === "heart"), [
    { t: "heart", count: 50 },
  ]);
});

test("it says that somebody watches, but only while the page is seen", async () => {
  const world = makeWorld();
  world.visible = false;
  live(world);
  await world.pass(10_000);
  assert.ok(!world.socket.said.some((one) => one.t === "watching"));
  world.visible = true;
  await world.pass(6_000);
  assert.ok(world.socket.said.filter((one) => one.t === "watching").length >= 2);
});

test("who has a picture goes on to say how far behind it is", async () => {
  const world = makeWorld();
  const { line } = live(world);
  await world.pass(20_000);
  const said = () => world.socket.said.filter((one) => one.t === "watching");
  const before = said().length;
  assert.ok(said().every((one) => !("lag_ms" in one)));
  line.lag = () => 1234;
  for (let i = 0; i < 8; i += 1) {
    await world.pass(9_000);
    world.socket.hear({ t: "pong", at: 1 });
  }

  const later = said().slice(before);
  assert.ok(later.length >= 3 && later.length <= 5);
  assert.ok(later.every((one) => one.lag_ms === 1234));
});

test("the clock's skew is read off what came fastest", () => {
  const world = makeWorld();
  const { line } = connect(world);
  world.socket.open();
  for (const at of [700, 940, 400]) world.socket.hear({ t: "pong", at });

  assert.equal(line.skew, 60);
});

test("a server that does not answer a ping is left", async () => {
  const world = makeWorld();
  const { heard } = live(world);
  await world.pass(36_000);

  assert.ok(world.sockets.length > 1);
  assert.equal(heard.statuses.at(-1).split(" ")[0] === "live", false);
});

test("a show that is not there is not asked for again", async () => {
  const world = makeWorld();
  const { heard } = connect(world);
  world.socket.open();
  world.socket.drop(CLOSED.noSuchShow);
  await world.pass(60_000);

  assert.equal(world.sockets.length, 1);
  assert.equal(heard.statuses.at(-1), "offline");
});

test("after signing out it comes back once as a guest", async () => {
  const world = makeWorld();
  live(world);
  world.socket.drop(CLOSED.signedOut);
  await world.pass(1000);
  assert.equal(world.sockets.length, 2);
  world.socket.open();
  world.socket.drop(CLOSED.signedOut);
  await world.pass(60_000);
  assert.equal(world.sockets.length, 2);
});

test("who was too fast waits a minute", async () => {
  const world = makeWorld({ answers: [] });
  live(world);
  world.socket.drop(CLOSED.tooMany);
  await world.pass(59_000);
  assert.equal(world.sockets.length, 1);
  await world.pass(2000);
  assert.equal(world.sockets.length, 2);
});

test("what was stopped stays silent", async () => {
  const world = makeWorld();
  const { line, heard } = live(world);
  line.stop();
  const told = heard.statuses.length;
  await world.pass(100_000);

  assert.equal(world.sockets.length, 1);
  assert.equal(heard.statuses.length, told);
});
