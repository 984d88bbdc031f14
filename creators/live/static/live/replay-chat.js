// The chat of a replay: what had been said by the moment that is shown, fetched part by part.

import { isAskedFor, linesBy } from "./replay-time.js";

const SHOWN = 60;
const AHEAD = 15_000;
const AGAIN_AFTER = 4_000;

export class ReplayChat {
  #part = null;
  #isLoading = false;
  #failedAt = -Infinity;
  #shown = "";
  #wanted = 0;

  constructor(place, { url, length }) {
    this.place = place;
    this.url = url;
    this.length = length;
  }

  show(ms) {
    this.#wanted = ms;
    if (isAskedFor(this.#part, ms, { ahead: AHEAD, length: this.length })) this.#load(ms);
    const lines = this.#part === null ? [] : linesBy(this.#part.lines, ms, SHOWN);
    const key = lines.length === 0 ? "" : `${lines[0].id}-${lines.at(-1).id}`;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#draw(lines);
  }

  async #load(ms) {
    if (this.#isLoading || performance.now() - this.#failedAt < AGAIN_AFTER) return;
    this.#isLoading = true;
    try {
      const response = await fetch(`${this.url}?at=${Math.max(0, Math.floor(ms))}`);
      if (!response.ok) throw new Error(response.status);
      this.#part = { ...(await response.json()), asked: ms };
      this.#shown = null;
    } catch {
      this.#failedAt = performance.now();
    } finally {
      this.#isLoading = false;
    }
    if (this.#shown === null) this.show(this.#wanted);
  }

  // Lines that stay keep their element, so that what a reader has marked or stands on remains.
  #draw(lines) {
    const known = new Map([...this.place.children].map((line) => [line.dataset.line, line]));
    const wanted = new Set(lines.map((line) => String(line.id)));
    for (const [id, line] of known) if (!wanted.has(id)) line.remove();
    lines.forEach((line, at) => {
      const element = known.get(String(line.id)) ?? this.#element(line);
      if (this.place.children[at] !== element) {
        this.place.insertBefore(element, this.place.children[at] ?? null);
      }
    });
  }

  #element(line) {
    const element = document.createElement("div");
    element.className = line.badge ? `chat__line chat__line--${line.badge}` : "chat__line";
    element.dataset.line = line.id;
    const name = document.createElement("b");
    name.className = "chat__name";
    name.textContent = line.name;
    const text = document.createElement("span");
    text.className = "chat__text";
    text.textContent = line.text;
    element.append(name, " ", text);
    return element;
  }
}
