// Virtual time, for tests.

export const NOON = 1_800_000_000_000;

// A clock that moves when told. What is due at the same time goes in the order of its making.
export class Clock {
  now = 0;
  timers = []; // [{ at, work }], the next one first
  isAwaited = false;

  setTimeout(work, ms) {
    const timer = { at: this.now + Math.max(0, ms), work };
    let place = this.timers.length;
    while (place > 0 && this.timers[place - 1].at > timer.at) place -= 1;
    this.timers.splice(place, 0, timer);
    return timer;
  }

  clearTimeout(timer) {
    const place = this.timers.indexOf(timer);
    if (place !== -1) this.timers.splice(place, 1);
  }

  every(ms, work) {
    const again = () => {
      this.setTimeout(again, ms);
      work();
    };
    this.setTimeout(again, ms);
  }

  // What comes by a promise: it is waited for before anything else happens.
  promise(value) {
    this.isAwaited = true;
    return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
  }

  async until(end) {
    while (this.timers.length > 0 && this.timers[0].at <= end) {
      const { at, work } = this.timers.shift();
      this.now = at;
      work();
      while (this.isAwaited) {
        this.isAwaited = false;
        for (let i = 0; i < 8; i += 1) await null;
      }
    }
    this.now = end;
  }
}
