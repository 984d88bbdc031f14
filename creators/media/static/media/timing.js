// Holds what belongs to a moment of the picture until the viewer's own picture is there: pins,
// sales, captions. All else goes through at once, snapshots too. It stands between the connection
// and what shows a page:
//
//   const held = new Held({ at: player.at, show, world });
//   new Connection({ onState: (state, events) => held.take(state, events) });
//
// `at()` is the server's clock (ms) of the picture now shown, null when none moves: then nothing is
// held. The state that `show` gets is the true one but for its pin; what is bought is judged by the
// server, whose truth about price and stock no page can delay.

export const LONGEST_HELD = 5_000;
const TICK = 100;
const HELD = new Set(["pinned", "unpinned", "sold", "caption"]);

// When an event is due, by the server's clock: when it was said, or when it came about.
const momentOf = (event) => event.caption?.starts_at ?? event.at;

export class Held {
  // world: { now(), setTimeout, clearTimeout, isHidden(), onFrame(work) → stop }
  constructor({ at, show, world }) {
    this.at = at;
    this.show = show;
    this.world = world;
    this.queue = []; // [{ event, arrived }], in the order in which they came
    this.state = null;
    this.pin = null;
    this.rev = -1; // of the pin that is shown
    this.stopFrames = null;
    this.timer = null;
  }

  // What is shown already when this begins.
  start(state) {
    this.state = state;
    this.pin = state.pin;
    this.rev = state.revs.pin;
  }

  take(state, events) {
    this.state = state;
    const arrived = this.world.now();
    const through = [];
    for (const event of events) {
      if (HELD.has(event.t)) this.queue.push({ event, arrived });
      else through.push(event);
    }
    const known = this.queue.reduce((rev, { event }) => Math.max(rev, pinRev(event)), this.rev);
    if (state.revs.pin !== known) {
      // A snapshot, or the end of the show, which takes the pin off: that is shown at once.
      this.queue = this.queue.filter(({ event }) => pinRev(event) < 0);
      this.#setPin(state.pin, state.revs.pin);
    }
    this.#release(through);
  }

  // Looks whether something is due now.
  tick() {
    if (this.queue.length > 0) this.#release(null);
  }

  stop() {
    this.at = () => null;
    this.tick();
    this.#sleep();
  }

  #setPin(pin, rev) {
    this.pin = pin;
    this.rev = rev;
  }

  // An event that is older than what a snapshot told changes nothing.
  #pinned(event) {
    if (pinRev(event) > this.rev) this.#setPin(event.pin ?? null, event.rev);
  }

  #isDue({ event, arrived }, at) {
    return at === null || at >= momentOf(event) || this.world.now() - arrived >= LONGEST_HELD;
  }

  // `through` is null when nothing new came: then only what is due is shown, if any.
  #release(through) {
    const at = this.world.isHidden() ? null : this.at();
    const due = [];
    // In their order: what is behind one that waits, waits, too.
    while (this.queue.length > 0 && this.#isDue(this.queue[0], at)) {
      const { event } = this.queue.shift();
      due.push(event);
      this.#pinned(event);
    }
    if (through !== null || due.length > 0) {
      const { state, pin } = this;
      const shown = state.pin === pin ? state : { ...state, pin };
      this.show(shown, [...(through ?? []), ...due]);
    }
    if (this.queue.length > 0) this.#wake();
    else this.#sleep();
  }

  #wake() {
    // At each picture, and by the clock for when the pictures stop.
    this.stopFrames ??= this.world.onFrame(() => this.tick());
    this.timer ??= this.world.setTimeout(() => {
      this.timer = null;
      this.tick();
    }, TICK);
  }

  #sleep() {
    this.stopFrames?.();
    this.stopFrames = null;
    if (this.timer !== null) this.world.clearTimeout(this.timer);
    this.timer = null;
  }
}

function pinRev(event) {
  return event.t === "pinned" || event.t === "unpinned" ? event.rev : -1;
}
