// Where things are in a replay: chapters, chat lines, times as people write them. Pure.

// The index of the chapter that is on at `ms`; -1 before the first. `places` are in order.
export function chapterAt(places, ms) {
  let found = -1;
  for (let at = 0; at < places.length && places[at] <= ms; at += 1) found = at;
  return found;
}

// The lines that have been said by `ms`, the last `most` of them. `lines` are in order.
export function linesBy(lines, ms, most) {
  let end = lines.length;
  while (end > 0 && lines[end - 1].at > ms) end -= 1;
  return lines.slice(Math.max(0, end - most), end);
}

// Whether the lines that are there don't suffice for `ms`: they end before it, or begin after it.
// Shortly before they end more are needed, too; at the end of the replay (`length`) none are. Where
// so much was said that an answer always ends shortly after it was asked for (at `asked`), it is
// not asked again before a part of it was seen.
export function isAskedFor(part, ms, { ahead, length }) {
  if (part === null || ms < part.since || ms > part.until) return true;
  const isNearEnd = part.until < length && ms + ahead > part.until;
  return isNearEnd && ms - part.asked >= Math.min(ahead, part.until - part.asked) / 2;
}

// 83000 → "1:23", 3723000 → "1:02:03".
export function clock(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

// What ?t= asks for: "83", "1m23s" or "1:23", as ms; null for anything else.
export function timeIn(text) {
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?$/.exec(text);
  const colons = /^(?:(\d+):)?(\d+):(\d+)$/.exec(text);
  const parts = text === "" ? null : (units ?? colons);
  if (parts === null) return null;
  const [hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0));
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

// Adds up what was really watched: each step of the picture, but no jumps and no pauses.
export class Watched {
  #before = null;
  ms = 0;

  add(at) {
    const step = this.#before === null ? 0 : at - this.#before;
    if (step > 0 && step <= 1500) this.ms += step;
    this.#before = at;
    return this.ms;
  }
}
