// Presses on buttons that take each other's place.

// A second press in this time was meant for the button that stood there before.
const PAUSE_MS = 400;

export class Presses {
  // Events count their time from the page's beginning: a page may be pressed right after that.
  #lastAt = -Infinity;

  // `at` is an event's timeStamp.
  isMeant(at) {
    if (at - this.#lastAt < PAUSE_MS) return false;
    this.#lastAt = at;
    return true;
  }
}
