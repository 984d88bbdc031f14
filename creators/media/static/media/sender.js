// Sends a camera's picture to the origin, and goes on by itself after a drop: a new recorder and a
// new address each time, since a container can't be resumed.
//
//   const sender = new Sender({
//     fetchAddress: async () => ({ url, maxKbps }),  // or { refused: { code, text } }; throws: try again
//     onState: (state) => …,   // { name, text, code, isSlow, kbps }; name: see NAMES
//     onHealth: (health) => …, // { kbps, waited_ms, behind_s } each 2 s
//   });
//   sender.start({ stream, format: { mime, container }, quality: "720p" });
//   sender.change({ … });      // another picture: begins anew at once
//   sender.stop();
//
// The outside world (WebSocket, MediaRecorder, clock, chance) comes in by `world`, for the tests.

import { AUDIO_KBPS, canGoLower, videoKbps } from "./formats.js";

export const NAMES = ["stopped", "connecting", "sending", "reconnecting", "refused"];

const SLICE = 100;
const KEY_FRAME_EVERY = 1_000;
const FIRST_DELAY = 500;
const LONGEST_DELAY = 10_000;
const READY_WITHIN = 12_000;
const NEWS_WITHIN = 8_000;
const WELL_AFTER = 10_000;
const MOST_REFUSALS = 5;
// Server and page agree on the time by the quickest of these questions.
const QUESTIONS = 3;
const QUESTION_EVERY = 120;
// What waits in the socket is pictures that viewers see late: seconds of it, and how often it is
// looked at.
const LOOK_EVERY = 500;
const BEHIND = 1;
const LOOKS_BEHIND = 6;
const FAR_BEHIND = 3;
const LOWER_BY = 0.6;

export function browserWorld() {
  return {
    WebSocket: globalThis.WebSocket,
    MediaRecorder: globalThis.MediaRecorder,
    setTimeout: (work, ms) => globalThis.setTimeout(work, ms),
    clearTimeout: (id) => globalThis.clearTimeout(id),
    now: () => globalThis.performance.timeOrigin + globalThis.performance.now(),
    random: Math.random,
    uuid: () => globalThis.crypto.randomUUID(),
    language: () => globalThis.document.documentElement.lang,
  };
}

export class Sender {
  constructor({ fetchAddress, onState, onHealth, world = browserWorld() }) {
    this.fetchAddress = fetchAddress;
    this.onState = onState ?? (() => {});
    this.onHealth = onHealth ?? (() => {});
    this.world = world;
    this.name = "stopped";
    this.id = world.uuid();
    this.media = null;
    // The attempt that counts; what an earlier one says is not listened to.
    this.attempt = null;
    this.timers = new Map();
    this.failures = 0;
    this.refusals = 0;
    this.share = 1;
    this.isSlow = false;
    this.hasSent = false;
    this.offset = null;
  }

  get isOn() {
    return ["connecting", "sending", "reconnecting"].includes(this.name);
  }

  // The server's time in ms, as far as it is known.
  serverNow() {
    return this.world.now() + (this.offset ?? 0);
  }

  start(media) {
    if (this.isOn) return this.change(media);
    this.media = media;
    this.failures = this.refusals = 0;
    this.share = 1;
    this.isSlow = this.hasSent = false;
    this.#tell("connecting");
    this.#connect();
  }

  // Sends another picture from now on. Who chose another quality gets it in full.
  change(media) {
    const isOther = media.quality !== this.media?.quality;
    this.media = media;
    if (isOther) {
      this.share = 1;
      this.isSlow = false;
    }
    if (this.isOn) this.#anew();
  }

  stop() {
    if (!this.isOn) return;
    this.#leave();
    this.#tell("stopped");
  }

  // The network is back: no reason to wait.
  hurry() {
    if (this.timers.has("connect")) this.#in("connect", 0, () => this.#connect());
  }

  // --- The connection -------------------------------------------------------------------------

  async #connect() {
    this.#cancel("connect");
    const attempt = { socket: null, recorder: null, maxKbps: Infinity, looks: 0, clocks: [] };
    this.attempt = attempt;
    this.#in("ready", READY_WITHIN, () => this.#again());
    let address;
    try {
      address = await this.fetchAddress();
    } catch {
      if (attempt === this.attempt) this.#again();
      return;
    }
    if (attempt !== this.attempt) return;
    if (address.refused) return this.#refuse(address.refused);
    attempt.maxKbps = address.maxKbps;
    let socket;
    try {
      socket = new this.world.WebSocket(address.url);
    } catch {
      return this.#again();
    }
    attempt.socket = socket;
    socket.onopen = () => {
      const { mime, container } = this.media.format;
      const language = this.world.language().slice(0, 2);
      this.#say(attempt, { t: "hello", container, mime, sender: this.id, language });
    };
    socket.onmessage = (event) =>
      attempt === this.attempt && this.#hear(attempt, JSON.parse(event.data));
    socket.onclose = () => attempt === this.attempt && this.#again();
  }

  #say(attempt, message) {
    if (attempt.socket?.readyState === 1) attempt.socket.send(JSON.stringify(message));
  }

  #hear(attempt, message) {
    if (attempt.recorder !== null) this.#in("news", NEWS_WITHIN, () => this.#again());
    switch (message.t) {
      case "ready":
        this.#record(attempt);
        break;
      case "clock":
        this.#agreeOnTime(attempt, message);
        break;
      case "health":
        this.onHealth({ ...message, behind_s: this.#behind(attempt) });
        break;
      case "refused":
        this.#refused(message);
        break;
    }
  }

  // --- The recorder ---------------------------------------------------------------------------

  #record(attempt) {
    const { stream, format, quality } = this.media;
    attempt.kbps = videoKbps(quality, { maxKbps: attempt.maxKbps, share: this.share });
    let recorder;
    try {
      recorder = new this.world.MediaRecorder(stream, {
        mimeType: format.mime,
        videoBitsPerSecond: attempt.kbps * 1000,
        audioBitsPerSecond: AUDIO_KBPS * 1000,
        videoKeyFrameIntervalDuration: KEY_FRAME_EVERY,
      });
      recorder.ondataavailable = (event) => {
        if (event.data.size > 0 && attempt.socket.readyState === 1) attempt.socket.send(event.data);
      };
      recorder.onerror = () => attempt === this.attempt && this.#again();
      attempt.recorder = recorder;
      attempt.beganAt = this.world.now();
      recorder.start(SLICE);
    } catch {
      return this.#refuse({ code: "unrecordable", text: "" });
    }
    this.hasSent = true;
    this.#cancel("ready");
    this.#tell("sending");
    this.#in("news", NEWS_WITHIN, () => this.#again());
    this.#in("well", WELL_AFTER, () => (this.failures = this.refusals = 0));
    this.#in("look", LOOK_EVERY, () => this.#look(attempt));
    this.#ask(attempt, QUESTIONS);
  }

  // --- The time -------------------------------------------------------------------------------

  #ask(attempt, left) {
    this.#say(attempt, { t: "clock", c: this.world.now() });
    if (left > 1) this.#in("ask", QUESTION_EVERY, () => this.#ask(attempt, left - 1));
  }

  #agreeOnTime(attempt, { c, s }) {
    const now = this.world.now();
    attempt.clocks.push({ took: now - c, offset: s - (c + now) / 2 });
    const quickest = attempt.clocks.reduce((best, one) => (one.took < best.took ? one : best));
    this.offset = quickest.offset;
    if (attempt.clocks.length === QUESTIONS) {
      this.#say(attempt, { t: "began", at: attempt.beganAt + this.offset });
    }
  }

  // --- A slow uplink --------------------------------------------------------------------------

  // How many seconds of pictures wait in the socket.
  #behind(attempt) {
    return attempt.socket.bufferedAmount / ((attempt.kbps + AUDIO_KBPS) * 125);
  }

  #look(attempt) {
    const behind = this.#behind(attempt);
    attempt.looks = behind > BEHIND ? attempt.looks + 1 : 0;
    if (behind > FAR_BEHIND) {
      // What waits is too old to be worth sending.
      this.#lower(attempt);
      return this.#anew({ atOnce: true });
    }
    if (attempt.looks >= LOOKS_BEHIND) this.#lower(attempt);
    this.#in("look", LOOK_EVERY, () => this.#look(attempt));
  }

  // Takes effect when sending begins anew; once per connection.
  #lower(attempt) {
    if (attempt.isLowered) return;
    attempt.isLowered = true;
    this.isSlow = true;
    if (canGoLower(this.media.quality, this.share)) this.share *= LOWER_BY;
    this.#tell(this.name);
  }

  // --- Ends and new beginnings ----------------------------------------------------------------

  #refused({ code, text, again }) {
    // Whoever is sending is not this page, unless the server has not noticed yet that it had gone.
    const isAnother = code === "already_publishing" && !this.hasSent;
    if (!again || isAnother) return this.#refuse({ code, text });
    if (code !== "unavailable") this.refusals += 1;
    if (this.refusals >= MOST_REFUSALS) return this.#refuse({ code, text });
    if (code === "too_many_bits") this.share *= LOWER_BY;
    this.#again(text);
  }

  #refuse({ code, text }) {
    this.#leave();
    this.#tell("refused", { code, text });
  }

  // Full jitter: an origin that restarts is not met by all cameras at the same moment.
  #again(text = "") {
    this.#leave({ atOnce: true });
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    this.#tell(this.hasSent ? "reconnecting" : "connecting", { text });
    this.#in("connect", this.world.random() * ceiling, () => this.#connect());
  }

  #anew(how) {
    this.#leave(how);
    this.#tell(this.hasSent ? "reconnecting" : "connecting");
    this.#connect();
  }

  // Lets the attempt go. The last pictures are still sent, unless they are not wanted any more.
  #leave({ atOnce = false } = {}) {
    const attempt = this.attempt;
    this.attempt = null;
    for (const name of [...this.timers.keys()]) this.#cancel(name);
    if (attempt === null) return;
    const { socket, recorder } = attempt;
    const isRecording = recorder !== null && recorder.state !== "inactive";
    if (atOnce && recorder !== null) recorder.ondataavailable = null;
    if (isRecording) {
      if (!atOnce) recorder.onstop = () => socket.close(1000);
      recorder.stop();
    }
    if (socket !== null && (atOnce || !isRecording)) socket.close(1000);
  }

  // --- Small things ---------------------------------------------------------------------------

  #tell(name, { code = "", text = "" } = {}) {
    this.name = name;
    const kbps = this.attempt?.kbps ?? 0;
    this.onState({ name, code, text, isSlow: this.isSlow, kbps });
  }

  #in(name, ms, work) {
    this.#cancel(name);
    const id = this.world.setTimeout(() => {
      this.timers.delete(name);
      work();
    }, ms);
    this.timers.set(name, id);
  }

  #cancel(name) {
    if (this.timers.has(name)) this.world.clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }
}
