// A chat's list of any length: only the lines near those in view are in the document. At its end it
// follows the chat; for a reader further up nothing moves, and a button tells how much is new.
//
// Heights are measured as lines are drawn, and guessed before; what turns out otherwise is made up
// for, so that the line that is read stays where it is.

import { Lines } from "../stage/lines.js";
import { make } from "./chat-line.js";

const BEYOND = 240; // px above and below the view that are drawn, too
const NEAR = 24; // px from the end that still are the end
const GUESS = 30;
const ROUNDS = 4;
const EXTRAS = 200;

// --- Pure -------------------------------------------------------------------------------------

// What is listed, in its order:
// [{ key, id, line } | { key, id, extra } | { key, id, gap } | { key: "unread", id }].
// An extra stands behind the line that was the last when it came; the mark of what is unread before
// the first line after `seen`.
export function listed(lines, extras, seen = null) {
  const items = [];
  let next = 0;
  let isMarked = seen === null;
  const add = (upTo) => {
    for (; next < extras.length && extras[next].after < upTo; next += 1) {
      items.push({ key: extras[next].key, id: extras[next].after, extra: extras[next] });
    }
  };
  for (const line of lines) {
    add(line.id);
    if (line.gap) items.push({ key: `gap ${line.id}`, id: line.id, gap: true });
    if (line.deleted) continue;
    if (!isMarked && line.id > seen) {
      items.push({ key: "unread", id: line.id });
      isMarked = true;
    }
    items.push({ key: line.id, id: line.id, line });
  }
  add(Infinity);
  return items;
}

export function unread(lines, seen) {
  let count = 0;
  for (let place = lines.length - 1; place >= 0; place -= 1) {
    const line = lines.at(place);
    if (line.id <= seen) break;
    if (!line.deleted) count += 1;
  }
  return count;
}

// Where each item begins, and where the last one ends, in px.
export function topsOf(items, heightOf) {
  const tops = new Float64Array(items.length + 1);
  items.forEach((item, at) => {
    tops[at + 1] = tops[at] + heightOf(item);
  });
  return tops;
}

// The item at a height: the last one that begins at or above it.
export function itemAt(tops, px) {
  let low = 0;
  let high = tops.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= px) low = middle;
    else high = middle - 1;
  }
  return Math.max(0, low);
}

// The items [from, to) that reach into a stretch.
export function windowOf(tops, begin, end) {
  if (tops.length < 2) return [0, 0];
  const from = itemAt(tops, begin);
  return [from, Math.max(from, itemAt(tops, end)) + 1];
}

// Where to scroll to so that the anchor stands where it stood: { key, id, offset }.
export function anchoredAt(items, tops, anchor) {
  let at = items.findIndex((item) => item.key === anchor.key);
  if (at === -1) at = items.findIndex((item) => item.id > anchor.id);
  if (at === -1) at = Math.max(0, items.length - 1);
  return tops[at] - anchor.offset;
}

// --- In the document --------------------------------------------------------------------------

export class ChatList {
  // `draw(line)` makes a line's element; `say` gives words.
  constructor(box, log, { draw, say }) {
    this.box = box;
    this.log = log;
    this.draw = draw;
    this.say = say;
    this.lines = new Lines();
    this.extras = []; // [{ key, after, text, kind, note, id }]: lines of the page's own
    this.made = 0;
    this.items = [];
    this.tops = new Float64Array(1);
    this.elements = new Map(); // key -> { element, of }
    this.heights = new Map();
    this.guess = GUESS;
    this.isFollowing = true;
    this.anchor = null;
    this.seen = null; // the last line that was there when the reader went up
    this.isAwaited = false;
    this.placed = 0; // where this list has scrolled to
    this.#makeButton();
    box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    box.addEventListener("keydown", (event) => this.#pressed(event));
    box.addEventListener("click", ({ target }) => {
      const quote = target.closest("[data-jump]");
      if (quote) this.reveal(Number(quote.dataset.jump));
    });
    this.width = 0;
    new ResizeObserver(() => this.#resized()).observe(box);
  }

  show(lines) {
    if (lines === this.lines) return;
    this.#begin();
    this.lines = lines;
    // What its author saw waiting is there now.
    const waits = (one) => one.id === undefined || lines.find(one.id) === undefined;
    if (!this.extras.every(waits)) this.extras = this.extras.filter(waits);
    this.#later();
  }

  get #hasBegun() {
    return "windowed" in this.box.dataset;
  }

  // What the server drew stays until there is something instead.
  #begin() {
    if (this.#hasBegun) return;
    this.log.replaceChildren();
    this.box.dataset.windowed = "";
    this.box.append(this.button);
  }

  // A line of the page's own, behind what is there: { text, kind, note, id }.
  add(extra) {
    if (extra.id !== undefined && this.lines.find(extra.id) !== undefined) return;
    const after = this.lines.at(-1)?.id ?? 0;
    this.extras = [...this.extras, { key: `x${(this.made += 1)}`, after, ...extra }].slice(-EXTRAS);
    this.#later();
  }

  // What is said beside a line of the page's own.
  note(id, note) {
    this.extras = this.extras.map((extra) => (extra.id === id ? { ...extra, note } : extra));
    this.#later();
  }

  // Draws all lines anew: the reader may do something else with them now.
  redraw() {
    for (const drawn of this.elements.values()) drawn.of = undefined;
    this.#later();
  }

  toEnd() {
    this.#follow(true);
    this.#render();
  }

  // Brings a line into view; false when the page does not have it (any more).
  reveal(id) {
    if (!this.items.some((item) => item.key === id)) return false;
    this.#follow(false);
    this.anchor = { key: id, id, offset: this.box.clientHeight / 3 };
    this.#render();
    this.#remember();
    const element = this.elements.get(id)?.element;
    element?.focus({ preventScroll: true });
    element?.classList.add("chat__line--found");
    return true;
  }

  itemOf(element) {
    const key = element?.closest("[data-line]")?.dataset.line;
    return key === undefined ? undefined : this.items.find((item) => item.key === Number(key));
  }

  // --- What the reader does ---------------------------------------------------------------

  #makeButton() {
    this.button = make("button", "chat__new");
    this.button.type = "button";
    this.button.hidden = true;
    this.button.addEventListener("click", () => {
      this.toEnd();
      this.box.focus({ preventScroll: true });
    });
  }

  #scrolled() {
    if (!this.#hasBegun) return;
    const { scrollTop, scrollHeight, clientHeight } = this.box;
    // When the box has become smaller, nobody went away from its end.
    const isLeft = this.isFollowing && scrollTop < this.placed - 1;
    const isNear = scrollHeight - clientHeight - scrollTop <= NEAR;
    this.#follow(isNear || (this.isFollowing && !isLeft));
    this.#remember();
    this.#later();
  }

  #follow(isFollowing) {
    if (isFollowing === this.isFollowing) return;
    this.isFollowing = isFollowing;
    if (!isFollowing) this.seen = this.lines.at(-1)?.id ?? 0;
    else if (unread(this.lines, this.seen) === 0) this.seen = null;
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#hasBegun) return;
    const { key } = event;
    const page = this.box.clientHeight * 0.9;
    if (key === "ArrowUp") this.#step(-1);
    else if (key === "ArrowDown") this.#step(1);
    else if (key === "PageUp") this.box.scrollTop -= page;
    else if (key === "PageDown") this.box.scrollTop += page;
    else if (key === "Home") this.box.scrollTop = 0;
    else if (key === "End" || key === "Escape") {
      if (this.log.contains(document.activeElement)) this.box.focus({ preventScroll: true });
      this.toEnd();
    } else return;
    event.preventDefault();
  }

  // From line to line; from the list itself to the last one in view.
  #step(by) {
    const standing = this.items.indexOf(this.itemOf(document.activeElement));
    const bottom = this.box.scrollTop + this.box.clientHeight - 1;
    let at = standing === -1 ? itemAt(this.tops, bottom) + (by < 0 ? 1 : 0) : standing;
    do at += by;
    while (this.items[at] !== undefined && this.items[at].line === undefined);
    const item = this.items[at];
    if (item === undefined) return;
    const view = this.box.clientHeight;
    const [top, end] = [this.tops[at], this.tops[at + 1]];
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    else if (end > this.box.scrollTop + view) this.box.scrollTop = end - view;
    this.#scrolled();
    this.#render();
    this.elements.get(item.key)?.element.focus({ preventScroll: true });
  }

  // --- Drawing ----------------------------------------------------------------------------

  #later() {
    if (this.isAwaited) return;
    this.isAwaited = true;
    requestAnimationFrame(() => {
      this.isAwaited = false;
      this.#render();
    });
  }

  #resized() {
    if (this.box.clientWidth !== this.width) this.heights.clear();
    this.width = this.box.clientWidth;
    this.gap = Number.parseFloat(getComputedStyle(this.log).rowGap) || 0;
    this.#render();
  }

  #heightOf = ({ key }) => this.heights.get(key) ?? this.guess;

  #remember() {
    if (this.items.length === 0) return;
    const item = this.items[itemAt(this.tops, this.box.scrollTop)];
    const offset = this.tops[this.items.indexOf(item)] - this.box.scrollTop;
    this.anchor = { key: item.key, id: item.id, offset };
  }

  #render() {
    const view = this.box.clientHeight;
    if (view === 0 || !this.#hasBegun) return;
    const before = this.items.length;
    this.items = listed(this.lines, this.extras, this.seen);
    if (this.items.length < before) this.#forget();
    let target = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      this.tops = topsOf(this.items, this.#heightOf);
      target =
        this.isFollowing || this.anchor === null
          ? this.tops.at(-1) - view
          : anchoredAt(this.items, this.tops, this.anchor);
      const [from, to] = windowOf(this.tops, target - BEYOND, target + view + BEYOND);
      this.#put(from, to);
      if (!this.#measure(from, to)) break;
    }
    if (this.isFollowing) this.box.scrollTop = this.box.scrollHeight;
    else if (Math.abs(this.box.scrollTop - target) >= 1) this.box.scrollTop = target;
    this.placed = this.box.scrollTop;
    const count = this.isFollowing ? 0 : unread(this.lines, this.seen);
    this.button.hidden = this.isFollowing;
    const words = count === 0 ? this.say("toEnd") : this.say("newLines", { n: count });
    if (this.button.textContent !== words) this.button.textContent = words;
  }

  #put(from, to) {
    const wanted = this.items.slice(from, to).map((item) => this.#elementOf(item));
    const { activeElement } = document;
    const kept = new Set(wanted);
    const focused = this.log.contains(activeElement) ? activeElement.closest("[data-line]") : null;
    for (const [key, { element }] of this.elements) {
      if (kept.has(element)) {
        element.classList.remove("chat__line--away");
        element.style.top = "";
      } else if (element === focused && this.#isListed(key)) {
        // Who stands on a line that leaves the view goes on standing on it.
        element.classList.add("chat__line--away");
        element.style.top = `${this.tops[this.items.findIndex((item) => item.key === key)]}px`;
      } else {
        if (element === focused) this.box.focus({ preventScroll: true });
        element.remove();
        this.elements.delete(key);
      }
    }
    let next = this.log.firstChild;
    for (const element of wanted) {
      while (next !== null && next !== element && !kept.has(next)) next = next.nextSibling;
      if (next === element) next = next.nextSibling;
      else this.log.insertBefore(element, next);
    }
    this.log.style.paddingTop = `${this.tops[from]}px`;
    this.log.style.paddingBottom = `${this.tops.at(-1) - this.tops[to]}px`;
  }

  #isListed(key) {
    return this.items.some((item) => item.key === key);
  }

  #elementOf(item) {
    const of = item.line ?? item.extra ?? null;
    const known = this.elements.get(item.key);
    if (known !== undefined && known.of === of) return known.element;
    const element = this.#make(item);
    if (known !== undefined) {
      const hadFocus = known.element.contains(document.activeElement);
      known.element.replaceWith(element);
      if (hadFocus) element.focus({ preventScroll: true });
    }
    this.elements.set(item.key, { element, of });
    return element;
  }

  #make({ line, extra, gap }) {
    if (line) return this.draw(line);
    if (gap) return make("div", "chat__line chat__line--system", this.say("gap"));
    if (!extra) return make("div", "chat__unread", this.say("unread"));
    const element = make("div", `chat__line chat__line--${extra.kind}`, extra.text);
    if (extra.note) element.append(" ", make("span", "chat__note", extra.note));
    return element;
  }

  // True when something is not as high as was thought.
  #measure(from, to) {
    let isOther = false;
    for (const item of this.items.slice(from, to)) {
      const { element } = this.elements.get(item.key);
      const height = element.getBoundingClientRect().height + this.gap;
      if (Math.abs((this.heights.get(item.key) ?? -1) - height) < 0.5) continue;
      isOther ||= Math.abs(this.#heightOf(item) - height) >= 0.5;
      this.heights.set(item.key, height);
    }
    return isOther;
  }

  // Lines that made room need no height any more.
  #forget() {
    const keys = new Set(this.items.map((item) => item.key));
    for (const key of this.heights.keys()) if (!keys.has(key)) this.heights.delete(key);
  }
}
