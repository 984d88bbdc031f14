// Leaving the page while something is being sent: asks first, and lets a page that is loaded anew go
// on by itself.

const STORE = "liveshop.camera.sending";
const GOES_ON_WITHIN = 30_000;
const MEANT_FOR = 3_000;

// `key` names what is sent; a page with another key does not go on with it.
export class Leaving {
  constructor({ key, isOn, stop }) {
    this.key = key;
    // Forms of this page lead back to it, and there it goes on.
    let isMeant = false;
    const meant = () => {
      isMeant = true;
      setTimeout(() => (isMeant = false), MEANT_FOR);
    };
    document.addEventListener("submit", (event) => event.defaultPrevented || meant());
    document.addEventListener("camera:leaving", meant);
    addEventListener("beforeunload", (event) => {
      if (isOn() && !isMeant) event.preventDefault();
    });
    addEventListener("pagehide", () => {
      if (!isOn()) return;
      this.#write(JSON.stringify({ key, at: Date.now() }));
      stop();
    });
  }

  // Whether it was being sent when the page was left a moment ago.
  wasOn() {
    try {
      const { key, at } = JSON.parse(sessionStorage.getItem(STORE) ?? "{}");
      this.#write("{}");
      return key === this.key && Date.now() - at < GOES_ON_WITHIN;
    } catch {
      return false;
    }
  }

  #write(text) {
    try {
      sessionStorage.setItem(STORE, text);
    } catch {
      // It has to be started by hand then.
    }
  }
}

// Keeps the screen on while it is wanted; browsers let go of it when the page is hidden.
export class Awake {
  #lock = null;
  #isWanted = false;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#ask());
  }

  want(isWanted) {
    this.#isWanted = isWanted;
    if (isWanted) return this.#ask();
    this.#lock?.release();
    this.#lock = null;
  }

  async #ask() {
    if (!this.#isWanted || document.visibilityState !== "visible") return;
    if (this.#lock !== null && !this.#lock.released) return;
    try {
      const lock = (await navigator.wakeLock?.request("screen")) ?? null;
      if (this.#isWanted) this.#lock = lock;
      else lock?.release();
    } catch {
      // Such as on a battery that is nearly empty.
    }
  }
}
