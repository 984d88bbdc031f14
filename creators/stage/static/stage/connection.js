// A page's line to the stage: keeps a state up to date over a websocket, comes back by itself where
// it was, and polls while sockets do not work.
//
//   const line = new Connection({
//     url: "/ws/live/7/", pollUrl: "/live/7/snapshot.json",
//     onState: (state, events) => …,     // after each change; `events` were new in it
//     // "connecting" | "live" | "reconnecting" | "offline" | "banned"
//     onStatus: (status, isPolling) => …,
//     onError: (error) => …,             // { code, text, re, ref } of the server
//     onSaid: (said) => …,               // { client_id, id, state, shown_at }: it is written down
//   });
//   line.start();
//   line.lag = () => …;                // ms that the page's picture is behind, or null
//
// The outside world (WebSocket, fetch, clock, chance) comes in by `world`, for the tests.

import { applyFrame, fromSnapshot, initial, withoutPosition } from "./state.js";

// Of other codes it comes back with back-off: a deploy (1012), idle (4408), a full server (4503), …
export const CLOSED = {
  signedOut: 4401,
  banned: 4403,
  noSuchShow: 4404,
  tooManySockets: 4409,
  tooMany: 4429,
};

const FIRST_DELAY = 500;
const LONGEST_DELAY = 20_000;
const LONG_PAUSE = 60_000;
const POLL_EVERY = 4_000;
const POLL_AFTER = 1_500;
const POLL_REFRESH = 1_100;
const PING_EVERY = 25_000;
const ANSWER_WITHIN = 10_000;
const HEARTS_EVERY = 300;
const MOST_HEARTS = 50;
const WATCHING_EVERY = 2_600;
const WATCHING_TIMES = 6;
const LAG_EVERY = 20_000;
const RESYNC_SPREAD = 500;
const RESUME_AGAIN = 2_000;

export function browserWorld() {
  return {
    WebSocket: globalThis.WebSocket,
    fetch: (...args) => globalThis.fetch(...args),
    setTimeout: (work, ms) => globalThis.setTimeout(work, ms),
    clearTimeout: (id) => globalThis.clearTimeout(id),
    clock: Date.now,
    random: Math.random,
    uuid: () => globalThis.crypto.randomUUID(),
    origin: () => globalThis.location.origin,
    isVisible: () => globalThis.document.visibilityState === "visible",
  };
}

export class Connection {
  constructor({ url, pollUrl = "", onState, onStatus, onError, onSaid, world = browserWorld() }) {
    this.url = url;
    this.pollUrl = pollUrl;
    this.state = initial();
    this.status = "connecting";
    this.isPolling = false;
    this.onState = onState ?? (() => {});
    this.onStatus = onStatus ?? (() => {});
    this.onError = onError ?? (() => {});
    this.onSaid = onSaid ?? (() => {});
    this.world = world;
    this.socket = null;
    this.timers = new Map();
    this.failures = 0;
    this.refusals = 0;
    this.isStopped = true;
    this.isResuming = false;
    this.isDegraded = false;
    this.isBehind = false;
    this.wasLive = false;
    this.unsaid = new Map(); // client id -> line or question that nobody has confirmed yet
    this.hearts = 0;
    this.watchings = 0;
    this.lag = () => null;
    this.skew = Infinity; // of this machine's clock against the server's, in ms
  }

  start() {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.#connect();
  }

  stop() {
    this.isStopped = true;
    for (const name of [...this.timers.keys()]) this.#cancel(name);
    this.isPolling = false;
    const socket = this.socket;
    this.socket = null;
    if (socket !== null) socket.close(1000);
  }

  // The browser knows at once what a silent socket would tell later.
  network(isThere) {
    if (this.isStopped) return;
    if (isThere) {
      this.failures = 0;
      if (this.socket === null) this.#again();
    } else if (this.socket !== null) {
      const { socket } = this;
      this.#closed(1006);
      socket.close();
    }
  }

  // --- What the page says -----------------------------------------------------------------

  get isOpen() {
    return this.socket !== null && this.socket.readyState === 1;
  }

  // Says it now, or returns false.
  send(message) {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  // Sends a chat line, and sends it again after a reconnect until it is confirmed or refused;
  // the client id makes it one line however often it arrives. Returns the client id.
  chat(body, more = {}) {
    return this.say({ t: "chat", body, ...more });
  }

  say(words) {
    const message = { ...words, client_id: this.world.uuid() };
    this.unsaid.set(message.client_id, message);
    this.send(message);
    return message.client_id;
  }

  heart() {
    this.hearts = Math.min(this.hearts + 1, MOST_HEARTS);
    if (!this.timers.has("hearts")) this.#in("hearts", HEARTS_EVERY, () => this.#flushHearts());
  }

  #flushHearts() {
    const count = this.hearts;
    this.hearts = 0;
    if (count > 0) this.send({ t: "heart", count });
  }

  // --- The socket -------------------------------------------------------------------------

  #connect() {
    if (this.isStopped) return;
    if (this.status !== "offline") {
      this.#tell(this.wasLive || this.failures > 0 ? "reconnecting" : "connecting");
    }
    this.#pollSoon();
    const address = new URL(this.url, this.world.origin());
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    let socket;
    try {
      socket = new this.world.WebSocket(address.href);
    } catch {
      this.#again();
      return;
    }
    this.socket = socket;
    socket.onopen = () => socket === this.socket && this.#opened();
    socket.onmessage = (event) => socket === this.socket && this.#take(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.socket && this.#closed(event.code);
  }

  #opened() {
    this.isResuming = false;
    this.#resume();
    // Who missed nothing is told nothing; the answer to this comes after that of the resume.
    this.send({ t: "ping" });
    for (const message of this.unsaid.values()) this.send(message);
    this.#in("ping", PING_EVERY, () => this.#ping());
    if (this.pollUrl !== "") this.#watching();
  }

  #closed(code) {
    this.socket = null;
    for (const name of ["ping", "answer", "watching", "resync"]) this.#cancel(name);
    this.isDegraded = this.isBehind = false;
    if (code === CLOSED.noSuchShow) return this.#giveUp();
    if (code === CLOSED.banned) return this.#giveUp("banned");
    if (code === CLOSED.signedOut) {
      // Once more as who we are now; who is refused again has nothing to follow.
      this.refusals += 1;
      if (this.refusals > 1) return this.#giveUp();
    }
    const isTooMuch = code === CLOSED.tooMany || code === CLOSED.tooManySockets;
    this.#again(isTooMuch ? LONG_PAUSE : 0);
  }

  #giveUp(status = "offline") {
    this.#tell(status);
    this.stop();
  }

  // Full jitter: a restart of the server is not followed by everybody at the same moment.
  #again(atLeast = 0) {
    this.#tell(this.status === "offline" ? "offline" : "reconnecting");
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    this.#in("connect", atLeast + this.world.random() * ceiling, () => this.#connect());
    this.#pollSoon();
  }

  #resume() {
    if (this.isResuming) return;
    this.isResuming = this.send({ t: "resume", rooms: this.state.positions });
  }

  // The server has no state for us now, such as while its database is away; nothing comes meanwhile.
  #resumeLater() {
    this.isResuming = false;
    this.isBehind = true;
    this.#tell("reconnecting");
    this.#in("resync", RESUME_AGAIN * (0.5 + this.world.random()), () => {
      this.isBehind = false;
      this.#resume();
      this.send({ t: "ping" });
    });
  }

  #ping() {
    this.send({ t: "ping" });
    this.#in("answer", ANSWER_WITHIN, () => this.socket?.close(4000));
    this.#in("ping", PING_EVERY, () => this.#ping());
  }

  // The server counts a view that lasted; a few words are enough for that. Who has a picture goes
  // on to say how far behind it is.
  #watching() {
    const lag = this.lag();
    const isNew = this.watchings < WATCHING_TIMES;
    const isSeen = this.world.isVisible() && this.state.show?.state === "live";
    const message = lag === null ? { t: "watching" } : { t: "watching", lag_ms: lag };
    if (isSeen && (isNew || lag !== null) && this.send(message)) this.watchings += 1;
    this.#in("watching", isNew ? WATCHING_EVERY : LAG_EVERY, () => this.#watching());
  }

  // --- What the server says ---------------------------------------------------------------

  #take(message) {
    this.#cancel("answer");
    // What came fastest tells most about the clocks.
    if (message.at) this.skew = Math.min(this.skew, this.world.clock() - message.at);
    if (message.events !== undefined) {
      const { state, outcome, events } = applyFrame(this.state, message);
      if (outcome === "gap") this.#resume();
      else this.isResuming = false;
      if (outcome === "applied") {
        for (const event of events) {
          if (event.t === "chat") this.unsaid.delete(event.line.client_id);
        }
        this.#set(state, events);
      }
      this.#nowLive();
      return;
    }
    switch (message.t) {
      case "snapshot":
        this.isResuming = false;
        for (const line of message.state.messages ?? []) this.unsaid.delete(line.client_id);
        this.#set(fromSnapshot(this.state, message), []);
        if (message.epoch !== "") this.#nowLive();
        break;
      case "resync":
        this.isResuming = false;
        this.state = withoutPosition(this.state, message.room);
        this.#in("resync", this.world.random() * RESYNC_SPREAD, () => this.#resume());
        break;
      case "notice":
        this.isDegraded = message.kind === "degraded";
        if (this.isDegraded) {
          this.#tell("reconnecting");
          this.#poll();
        } else this.#nowLive();
        break;
      case "error":
        if (message.ref !== "") this.unsaid.delete(message.ref);
        // What was too much was not even read: perhaps it was that.
        if (message.re === "resume" || (message.code === "too_many" && this.isResuming)) {
          this.#resumeLater();
        } else this.onError(message);
        break;
      case "said":
        this.unsaid.delete(message.client_id);
        this.onSaid(message);
        break;
      case "pong":
        // A room that could not be resumed is silent, and that is not live.
        if (this.isBehind) break;
        this.isResuming = false;
        this.#nowLive();
        break;
    }
  }

  #nowLive() {
    if (this.isDegraded) return;
    this.isBehind = false;
    this.failures = 0;
    this.refusals = 0;
    this.wasLive = true;
    this.isPolling = false;
    this.#cancel("poll");
    this.#tell("live");
  }

  #set(state, events) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state, events);
  }

  // --- Without a socket -------------------------------------------------------------------

  #pollSoon() {
    if (this.timers.has("poll") || this.isPolling) return;
    this.#in("poll", POLL_AFTER, () => this.#poll());
  }

  // What was just written over HTTP is seen soon; the server keeps what it tells for a second.
  refresh() {
    if (this.isPolling) this.#in("poll", POLL_REFRESH, () => this.#poll());
  }

  async #poll() {
    this.#cancel("poll");
    if (this.isStopped || this.pollUrl === "") return;
    this.isPolling = true;
    try {
      const response = await this.world.fetch(this.pollUrl, {
        headers: { Accept: "application/json" },
      });
      if (!response.ok) throw new Error(`status ${response.status}`);
      const { snapshots } = await response.json();
      if (this.isStopped || !this.isPolling) return;
      this.#set(snapshots.reduce(fromSnapshot, this.state), []);
      this.#tell("reconnecting");
    } catch {
      if (this.isStopped || !this.isPolling) return;
      this.#tell("offline");
    }
    this.#in("poll", POLL_EVERY, () => this.#poll());
  }

  // --- Small things -----------------------------------------------------------------------

  #tell(status) {
    const said = `${status} ${this.isPolling}`;
    this.status = status;
    if (said === this.said) return;
    this.said = said;
    this.onStatus(status, this.isPolling);
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
