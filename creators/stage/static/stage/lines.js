// The lines of a chat in the order of their ids. A value: `with` makes another list. What nearly
// always happens, a line at the end, copies nothing: the lists share what they have in common.

export const MESSAGES_KEPT = 10_000;

export class Lines {
  #all;
  #from;
  #to;

  constructor(all = [], from = 0, to = all.length) {
    this.#all = all;
    this.#from = from;
    this.#to = to;
  }

  static of(lines) {
    return new Lines([...lines].slice(-MESSAGES_KEPT));
  }

  get length() {
    return this.#to - this.#from;
  }

  *[Symbol.iterator]() {
    for (let place = this.#from; place < this.#to; place += 1) yield this.#all[place];
  }

  slice(from, to) {
    return this.#all.slice(this.#from, this.#to).slice(from, to);
  }

  at(place) {
    const found = place < 0 ? this.#to + place : this.#from + place;
    return found < this.#from || found >= this.#to ? undefined : this.#all[found];
  }

  find(id) {
    const line = this.at(this.#place(id) - this.#from);
    return line?.id === id ? line : undefined;
  }

  // The list with a line, in its place, instead of the one with its id.
  with(line) {
    const place = this.#place(line.id);
    if (place < this.#to || this.#to < this.#all.length) {
      const copy = this.slice();
      const isKnown = this.at(place - this.#from)?.id === line.id;
      copy.splice(place - this.#from, isKnown ? 1 : 0, line);
      return new Lines(copy.slice(-MESSAGES_KEPT));
    }
    if (this.#from > MESSAGES_KEPT) return new Lines(this.slice()).with(line);
    this.#all.push(line);
    const to = this.#to + 1;
    return new Lines(this.#all, Math.max(this.#from, to - MESSAGES_KEPT), to);
  }

  // The list with its newest lines as a server tells them; what is older stays. A line before which
  // some may be missing says so: `gap`.
  renewed(newest) {
    const [first, ...rest] = newest;
    if (first === undefined) return new Lines();
    const older = this.slice(0, this.#place(first.id) - this.#from);
    const gap = this.find(first.id)?.gap ?? (older.length > 0 && this.at(-1).id < first.id);
    return Lines.of([...older, gap ? { ...first, gap } : first, ...rest]);
  }

  map(change) {
    return new Lines(this.slice().map(change));
  }

  // Where the line with this id is, or would be.
  #place(id) {
    let low = this.#from;
    let high = this.#to;
    if (high > low && this.#all[high - 1].id < id) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#all[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
