import assert from "node:assert/strict";
import { test } from "node:test";

import { Sender } from "../../creators/media/static/media/sender.js";

// A world whose clock moves when told; its sockets and recorders do what the test says.
function makeWorld() {
  const world = {
    at: 0,
    timers: [],
    sockets: [],
    recorders: [],
    addresses: 0,
    addressFails: false,
    refusedAddress: null,
    luck: 1,
    WebSocket: class {
      constructor(url) {
        this.url = url;
        this.readyState = 0;
        this.bufferedAmount = 0;
        this.said = [];
        this.sent = [];
        world.sockets.push(this);
      }
      send(data) {
        if (typeof data === "string") this.said.push(JSON.parse(data));
        else this.sent.push(data);
      }
      close(code) {
        this.closedWith = code;
        this.drop();
      }
      drop() {
        if (this.readyState === 3) return;
        this.readyState = 3;
        this.onclose({ code: this.closedWith ?? 1006 });
      }
      open() {
        this.readyState = 1;
        this.onopen();
      }
      hear(message) {
        this.onmessage({ data: JSON.stringify(message) });
      }
      ready() {
        this.open();
        this.hear({ t: "ready" });
      }
    },
    MediaRecorder: class {
      constructor(stream, options) {
        if (stream === "broken") throw new DOMException("no", "NotSupportedError");
        Object.assign(this, { stream, options, state: "inactive" });
        world.recorders.push(this);
      }
      start(slice) {
        this.state = "recording";
        this.slice = slice;
      }
      give(size) {
        this.ondataavailable?.({ data: { size } });
      }
      stop() {
        this.state = "inactive";
        world.setTimeout(() => {
          this.give(7);
          this.onstop?.();
        }, 5);
      }
    },
    setTimeout(work, ms) {
      const timer = { at: world.at + ms, work };
      world.timers.push(timer);
      return timer;
    },
    clearTimeout(timer) {
      world.timers = world.timers.filter((one) => one !== timer);
    },
    now: () => world.at,
    random: () => world.luck,
    uuid: () => "page-1234",
    language: () => "it",
    async fetchAddress() {
      world.addresses += 1;
      if (world.addressFails) throw new TypeError("network");
      if (world.refusedAddress) return { refused: world.refusedAddress };
      return { url: `wss://origin.test/ingest/${world.addresses}/`, maxKbps: 8000 };
    },
    async pass(ms) {
      const end = world.at + ms;
      await settle();
      for (;;) {
        const due = world.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        world.clearTimeout(due);
        world.at = due.at;
        due.work();
        await settle();
      }
      world.at = end;
    },
    get socket() {
      return world.sockets.at(-1);
    },
    get recorder() {
      return world.recorders.at(-1);
    },
  };
  return world;
}

async function settle() {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

const H264 = { mime: "video/webm;codecs=h264,opus", container: "webm" };
const picture = (stream = "front", quality = "720p") => ({ stream, format: H264, quality });

async function started(world, media = picture()) {
  const heard = { states: [], health: [] };
  const sender = new Sender({
    fetchAddress: world.fetchAddress,
    onState: (state) => heard.states.push(state),
    onHealth: (health) => heard.health.push(health),
    world,
  });
  sender.start(media);
  await world.pass(0);
  heard.names = () => heard.states.map((one) => one.name).filter((name, at, all) => name !== all[at - 1]);
  heard.last = () => heard.states.at(-1);
  return { sender, heard };
}

async function sending(world, media) {
  const made = await started(world, media);
  world.socket.ready();
  return made;
}

async function nextSocket(world) {
  const [began, before] = [world.at, world.sockets.length];
  while (world.sockets.length === before && world.at < began + 20_000) await world.pass(50);
  return world.at - began;
}

// An origin that is well says something each two seconds.
async function well(world, ms) {
  for (let passed = 0; passed < ms; passed += 1000) {
    await world.pass(1000);
    if (world.socket.readyState === 1) world.socket.hear({ t: "health", kbps: 2000, waited_ms: 0 });
  }
}

test("it says what it will send, and begins when the origin is ready", async () => {
  const world = makeWorld();
  const { heard } = await started(world);
  assert.equal(world.socket.url, "wss://origin.test/ingest/1/");
  world.socket.open();
  assert.deepEqual(world.socket.said, [
    { t: "hello", container: "webm", mime: H264.mime, sender: "page-1234", language: "it" },
  ]);
  assert.equal(world.recorders.length, 0);

  world.socket.hear({ t: "ready" });
  assert.equal(world.recorder.options.mimeType, H264.mime);
  assert.equal(world.recorder.options.videoKeyFrameIntervalDuration, 1000);
  assert.equal(world.recorder.options.videoBitsPerSecond, 2_500_000);
  assert.equal(world.recorder.slice, 100);
  world.recorder.give(50);
  world.recorder.give(0);
  assert.deepEqual(world.socket.sent, [{ size: 50 }]);
  assert.deepEqual(heard.names(), ["connecting", "sending"]);
});

test("after a drop it comes back with a new address, a new socket and a new recorder", async () => {
  const world = makeWorld();
  const { heard } = await sending(world);
  const [first] = world.recorders;
  world.socket.drop();
  assert.equal(heard.last().name, "reconnecting");
  assert.equal(first.state, "inactive");
  await world.pass(500);
  world.socket.ready();

  assert.equal(world.addresses, 2);
  assert.equal(world.socket.url, "wss://origin.test/ingest/2/");
  assert.notEqual(world.recorder, first);
  world.recorder.give(9);
  assert.deepEqual(world.socket.sent, [{ size: 9 }], "nothing of the earlier recorder");
  assert.deepEqual(heard.names(), ["connecting", "sending", "reconnecting", "sending"]);
});

test("the time until it tries again grows to a bound, and chance shortens it", async () => {
  const world = makeWorld();
  const { sender } = await started(world);
  const waits = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    world.socket.drop();
    waits.push(await nextSocket(world));
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10000, 10000]);

  world.luck = 0.5;
  world.socket.drop();
  const before = world.sockets.length;
  await world.pass(4950);
  assert.equal(world.sockets.length, before);
  await world.pass(50);
  assert.equal(world.sockets.length, before + 1);
  sender.stop();
});

test("who has sent for a while begins again with short waits", async () => {
  const world = makeWorld();
  await sending(world);
  for (let i = 0; i < 3; i += 1) {
    world.socket.drop();
    await nextSocket(world);
  }
  world.socket.ready();
  await well(world, 11_000);
  world.socket.drop();
  assert.equal(await nextSocket(world), 500);
});

test("an address that can't be fetched is asked for again; a refusal of it is final", async () => {
  const world = makeWorld();
  world.addressFails = true;
  const { heard } = await started(world);
  await world.pass(3000);
  assert.ok(world.addresses >= 3);
  assert.equal(heard.last().name, "connecting");

  world.refusedAddress = { code: "show_over", text: "The show is over." };
  world.addressFails = false;
  await world.pass(10_000);
  const asked = world.addresses;
  await world.pass(60_000);
  assert.equal(world.addresses, asked);
  assert.equal(heard.last().name, "refused");
  assert.equal(heard.last().text, "The show is over.");
});

test("a refusal for good ends it, one for now does not", async () => {
  const world = makeWorld();
  const { heard, sender } = await started(world);
  world.socket.open();
  world.socket.hear({ t: "refused", code: "unavailable", text: "Later.", again: true });
  assert.deepEqual([heard.last().name, heard.last().text], ["connecting", "Later."]);
  await world.pass(500);
  world.socket.open();
  world.socket.hear({ t: "refused", code: "no_show", text: "No show.", again: false });
  world.socket.drop();
  await world.pass(60_000);

  assert.equal(world.sockets.length, 2);
  assert.deepEqual([heard.last().name, heard.last().code], ["refused", "no_show"]);
  assert.equal(sender.isOn, false);
});

test("somebody else's picture ends it, one's own that hangs does not", async () => {
  const already = { t: "refused", code: "already_publishing", text: "Already.", again: true };
  const newcomer = makeWorld();
  const first = await started(newcomer);
  newcomer.socket.open();
  newcomer.socket.hear(already);
  assert.equal(first.heard.last().name, "refused");

  const returning = makeWorld();
  const second = await sending(returning);
  returning.socket.drop();
  await returning.pass(500);
  returning.socket.open();
  returning.socket.hear(already);
  assert.equal(second.heard.last().name, "reconnecting");
  await returning.pass(1000);
  returning.socket.ready();
  assert.equal(second.heard.last().name, "sending");
});

test("what is refused again and again is given up", async () => {
  const world = makeWorld();
  const { heard } = await started(world);
  for (let i = 0; i < 5; i += 1) {
    world.socket.ready();
    world.socket.hear({ t: "refused", code: "no_video", text: "No video.", again: true });
    await nextSocket(world);
  }
  assert.equal(world.sockets.length, 5);
  assert.deepEqual([heard.last().name, heard.last().text], ["refused", "No video."]);
});

test("too many bits are answered with fewer", async () => {
  const world = makeWorld();
  await sending(world);
  world.socket.hear({ t: "refused", code: "too_many_bits", text: "Too many.", again: true });
  await world.pass(500);
  world.socket.ready();
  assert.equal(world.recorder.options.videoBitsPerSecond, 1_500_000);
});

test("an origin that falls silent is left", async () => {
  const world = makeWorld();
  await sending(world);
  await well(world, 20_000);
  assert.equal(world.sockets.length, 1);
  await world.pass(9000);
  assert.equal(world.sockets.length, 2);
});

test("an origin that does not answer is left, too", async () => {
  const world = makeWorld();
  await started(world);
  world.socket.open();
  await world.pass(13_000);
  assert.equal(world.sockets.length, 2);
});

test("a slow uplink: the host is told, and the next beginning sends less", async () => {
  const world = makeWorld();
  const { heard } = await sending(world);
  const second = (2500 + 96) * 125;
  world.socket.bufferedAmount = 0.5 * second;
  await well(world, 5000);
  assert.equal(heard.last().isSlow, false);

  world.socket.bufferedAmount = 1.5 * second;
  await well(world, 4000);
  assert.equal(heard.last().isSlow, true);
  assert.equal(heard.last().name, "sending");
  assert.equal(world.sockets.length, 1);
  assert.ok(heard.health.at(-1).behind_s > 1.4);

  world.socket.drop();
  await world.pass(500);
  world.socket.ready();
  assert.equal(world.recorder.options.videoBitsPerSecond, 1_500_000);
});

test("pictures that would come far too late are dropped for new ones", async () => {
  const world = makeWorld();
  const { heard } = await sending(world);
  world.socket.bufferedAmount = 4 * (2500 + 96) * 125;
  const [first] = world.recorders;
  await world.pass(600);

  assert.equal(world.sockets.length, 2);
  assert.equal(world.sockets[0].sent.length, 0, "not even the last ones");
  assert.equal(heard.last().isSlow, true);
  world.socket.ready();
  assert.equal(world.recorder.options.videoBitsPerSecond, 1_500_000);
  assert.equal(first.state, "inactive");
});

test("it never goes below what can still be seen", async () => {
  const world = makeWorld();
  await sending(world, picture("front", "480p"));
  for (let i = 0; i < 8; i += 1) {
    world.socket.bufferedAmount = 1e9;
    await world.pass(600);
    world.socket.ready();
  }
  assert.equal(world.recorder.options.videoBitsPerSecond, 300_000);
});

test("another camera: the last pictures of the first go out, then it begins anew", async () => {
  const world = makeWorld();
  const { sender } = await sending(world);
  const [first] = world.sockets;
  sender.change(picture("back"));
  await world.pass(10);

  assert.deepEqual(first.sent, [{ size: 7 }]);
  assert.equal(first.closedWith, 1000);
  assert.equal(world.sockets.length, 2);
  world.socket.ready();
  assert.equal(world.recorder.stream, "back");
  assert.equal(world.sockets.length, 2);
});

test("who chooses another quality gets it in full", async () => {
  const world = makeWorld();
  const { sender, heard } = await sending(world);
  world.socket.bufferedAmount = 1e9;
  await world.pass(600);
  world.socket.ready();
  assert.equal(heard.last().isSlow, true);
  sender.change(picture("front", "480p"));
  await world.pass(10);
  world.socket.ready();
  assert.equal(world.recorder.options.videoBitsPerSecond, 900_000);
  assert.equal(heard.last().isSlow, false);
});

test("it tells when its picture began, by the server's clock", async () => {
  const world = makeWorld();
  const { sender } = await started(world);
  await world.pass(1000);
  world.socket.ready();
  const offset = 5_000_000;
  const answer = (took) => {
    const { c } = world.socket.said.filter((one) => one.t === "clock").at(-1);
    world.at = c + took;
    world.socket.hear({ t: "clock", c, s: c + took / 4 + offset });
  };
  answer(80);
  await world.pass(120);
  answer(8);
  await world.pass(120);
  answer(40);

  const began = world.socket.said.find((one) => one.t === "began");
  // The quickest answer is trusted; it was 8 ms, so it is 2 ms off.
  assert.deepEqual(began, { t: "began", at: 1000 + offset - 2 });
  assert.equal(sender.serverNow(), world.at + offset - 2);
});

test("a recorder that can't be made ends it", async () => {
  const world = makeWorld();
  const { heard } = await sending(world, picture("broken"));
  assert.deepEqual([heard.last().name, heard.last().code], ["refused", "unrecordable"]);
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
});

test("what was stopped stays silent", async () => {
  const world = makeWorld();
  const { sender, heard } = await sending(world);
  sender.stop();
  await world.pass(60_000);

  assert.equal(world.sockets.length, 1);
  assert.equal(world.socket.closedWith, 1000);
  assert.equal(world.recorder.state, "inactive");
  assert.equal(heard.last().name, "stopped");
  assert.equal(world.timers.length, 0);
});

test("what was stopped while it connected does not connect", async () => {
  const world = makeWorld();
  const { sender } = await started(world);
  sender.stop();
  sender.start(picture());
  sender.stop();
  await world.pass(60_000);
  assert.equal(world.sockets.filter((one) => one.readyState !== 3).length, 0);
  assert.equal(world.recorders.length, 0);
});

test("a network that is back is used at once", async () => {
  const world = makeWorld();
  const { sender } = await sending(world);
  for (let i = 0; i < 5; i += 1) {
    world.socket.drop();
    if (i < 4) await world.pass(10_000);
  }
  const before = world.sockets.length;
  sender.hurry();
  await world.pass(0);
  assert.equal(world.sockets.length, before + 1);
});
