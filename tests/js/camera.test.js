import assert from "node:assert/strict";
import { test } from "node:test";

import { list, open, remember, remembered, troubleOf } from "../../creators/media/static/media/devices.js";
import { constraintsFor, formatFor, videoKbps } from "../../creators/media/static/media/formats.js";
import { loudness } from "../../creators/media/static/media/level.js";
import { Presses } from "../../creators/media/static/media/presses.js";
import { Captions, dialect } from "../../creators/media/static/media/speech.js";

const known = (...types) => (mime) => types.includes(mime);

test("what viewers can play as it is is recorded first", () => {
  const [webm, mp4, vp9] = [
    "video/webm;codecs=h264,opus",
    "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
    "video/webm;codecs=vp9,opus",
  ];
  assert.deepEqual(formatFor(known(vp9, mp4, webm)), { mime: webm, container: "webm" });
  assert.deepEqual(formatFor(known(vp9, mp4)), { mime: mp4, container: "mp4" });
  assert.deepEqual(formatFor(known(vp9, "video/mp4")), { mime: vp9, container: "webm" });
  assert.deepEqual(formatFor(known("video/mp4")), { mime: "video/mp4", container: "mp4" });
  assert.equal(formatFor(known("video/webm", "video/webm;codecs=vp8,opus")), null, "VP8 is refused");
});

test("an upright picture is cut out on a desk; a phone is turned instead", () => {
  const asked = { camera: "", microphone: "", shape: "portrait", quality: "720p" };
  const desk = constraintsFor(asked).video;
  assert.ok(desk.height.ideal > desk.width.ideal);
  assert.equal(desk.resizeMode.ideal, "crop-and-scale");
  const phone = constraintsFor({ ...asked, isHandheld: true }).video;
  assert.deepEqual([phone.width.ideal, phone.height.ideal], [1280, 720]);
  assert.equal(phone.resizeMode.ideal, "none");
});

test("sizes are even, as encoders want them", () => {
  for (const quality of ["720p", "480p"]) {
    for (const shape of ["landscape", "portrait"]) {
      const { video } = constraintsFor({ camera: "", microphone: "", shape, quality });
      assert.deepEqual([video.width.ideal % 2, video.height.ideal % 2], [0, 0]);
    }
  }
});

test("a chosen device is meant exactly", () => {
  const { video, audio } = constraintsFor({ camera: "c", microphone: "m", shape: "landscape", quality: "480p" });
  assert.deepEqual([video.deviceId, audio.deviceId], [{ exact: "c" }, { exact: "m" }]);
  assert.equal(video.facingMode, undefined);
});

test("the bitrate stays below what the server takes", () => {
  assert.equal(videoKbps("720p"), 2500);
  assert.equal(videoKbps("720p", { maxKbps: 1000 }), 654);
  assert.equal(videoKbps("480p", { share: 0.1 }), 300);
});

const fails = (name) => Object.assign(new Error(name), { name });

// Devices that refuse what the test says; what was asked of them is kept.
function devices(refuse) {
  const asked = [];
  return {
    asked,
    async getUserMedia(wanted) {
      asked.push(wanted);
      const name = refuse(wanted);
      if (name) throw fails(name);
      return { wanted };
    },
  };
}

const choices = { camera: "c", microphone: "m", shape: "landscape", quality: "720p" };

test("a camera that is no longer there is not insisted on, but the microphone stays", async () => {
  const media = devices(({ video }) => video.deviceId && "OverconstrainedError");
  const { stream, isSilent } = await open(media, choices);
  assert.equal(isSilent, false);
  assert.deepEqual(stream.wanted.audio.deviceId, { exact: "m" });
});

test("who has no microphone is seen without being heard", async () => {
  const media = devices(({ audio }) => audio && "NotFoundError");
  const { stream, isSilent } = await open(media, choices);
  assert.equal(isSilent, true);
  assert.deepEqual(stream.wanted.video.deviceId, { exact: "c" });
});

test("a no is not asked about again", async () => {
  const media = devices(() => "NotAllowedError");
  await assert.rejects(open(media, choices), { name: "NotAllowedError" });
  assert.equal(media.asked.length, 1);
});

test("each failure has words of its own", () => {
  const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "TypeError"];
  assert.deepEqual(names.map((name) => troubleOf(fails(name))), ["denied", "none", "inUse", "unknown"]);
});

test("devices without a name yet are listed, those without an id are not", async () => {
  const media = {
    enumerateDevices: async () => [
      { kind: "videoinput", deviceId: "", label: "" },
      { kind: "audioinput", deviceId: "m", label: "Desk" },
      { kind: "audiooutput", deviceId: "o", label: "Speakers" },
    ],
  };
  assert.deepEqual(await list(media), { cameras: [], microphones: [{ id: "m", label: "Desk" }] });
});

test("choices are kept, and nonsense in the store is not believed", () => {
  const store = new Map();
  const storage = {
    getItem: (key) => store.get(key) ?? null,
    setItem: (key, value) => store.set(key, value),
  };
  assert.deepEqual(remembered(storage), { camera: "", microphone: "", shape: "", quality: "720p" });
  remember(storage, choices);
  assert.deepEqual(remembered(storage), choices);
  const [key] = store.keys();
  store.set(key, JSON.stringify({ camera: 5, quality: "8k", shape: "round" }));
  assert.deepEqual(remembered(storage), { camera: "", microphone: "", shape: "", quality: "720p" });
  store.set(key, "{");
  assert.equal(remembered(storage).quality, "720p");
});

test("a first press counts however soon after the page's beginning; one right after it does not", () => {
  const presses = new Presses();
  assert.equal(presses.isMeant(5), true);
  assert.equal(presses.isMeant(300), false);
  assert.equal(presses.isMeant(405), true);
});

test("loudness goes from nothing to full", () => {
  const wave = (peak) => Float32Array.from({ length: 1024 }, (_, at) => peak * Math.sin(at / 5));
  assert.equal(loudness(wave(0)), 0);
  assert.ok(loudness(wave(1)) > 0.9);
  const [quiet, normal] = [loudness(wave(0.01)), loudness(wave(0.2))];
  assert.ok(quiet > 0 && quiet < normal && normal < 1);
  assert.equal(loudness(Float32Array.from({ length: 8 }, () => 1)), 1);
});

test("the speaker's own dialect is preferred", () => {
  assert.equal(dialect("en", ["de-DE", "en-GB"]), "en-GB");
  assert.equal(dialect("it", ["en-GB"]), "it-IT");
});

function makeCaptions() {
  const made = { recognizers: [], phrases: [], troubles: [], waits: [], at: 10_000 };
  made.captions = new Captions({
    onPhrase: (phrase) => made.phrases.push(phrase),
    onTrouble: (code) => made.troubles.push(code),
    now: () => made.at,
    later: (work, ms) => {
      made.waits.push(ms);
      work();
    },
    Recognizer: class {
      constructor() {
        this.starts = 0;
        made.recognizers.push(this);
      }
      start() {
        this.starts += 1;
      }
      stop() {
        this.onend();
      }
    },
  });
  made.captions.start("it-IT");
  made.hear = (text, isFinal) =>
    made.recognizers.at(-1).onresult({
      resultIndex: 0,
      results: [Object.assign([{ transcript: text }], { isFinal })],
    });
  return made;
}

test("a phrase is told once, whole, with the time at which it began", () => {
  const made = makeCaptions();
  made.hear("ciao", false);
  made.at += 2000;
  made.hear(" ciao a tutti ", true);
  made.at += 5000;
  made.hear("  ", true);
  made.hear("ecco", true);

  assert.deepEqual(made.phrases, [
    { text: "ciao a tutti", at: 9600 },
    { text: "ecco", at: 16_600 },
  ]);
});

test("after a silence it listens on, and after a stop it does not", () => {
  const made = makeCaptions();
  const [one] = made.recognizers;
  one.onerror({ error: "no-speech" });
  one.onend();
  assert.equal(one.starts, 2);
  made.captions.stop();
  assert.equal(one.starts, 2);
  assert.deepEqual(made.troubles, []);
});

test("a no ends it at once, a network that is away after some tries", () => {
  const refused = makeCaptions();
  refused.recognizers[0].onerror({ error: "not-allowed" });
  refused.recognizers[0].onend();
  assert.deepEqual(refused.troubles, ["not-allowed"]);
  assert.equal(refused.recognizers[0].starts, 1);

  const away = makeCaptions();
  const [one] = away.recognizers;
  for (let i = 0; i < 10; i += 1) {
    one.onerror({ error: "network" });
    one.onend();
  }
  assert.deepEqual(away.troubles, ["network"]);
  assert.equal(one.starts, 6);
  assert.ok(away.waits[4] > away.waits[0]);
});
