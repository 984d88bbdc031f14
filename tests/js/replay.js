// Reads cases from stdin and tells of each whether old snapshots + frames = fresh snapshots, by the
// page's own reducer; and, for each number of `without`, the same with those events left out. A line
// with cases is answered by a line.
//
//   [{ "old": [snapshot], "frames": [frame], "fresh": [snapshot], "without": [[room, seq], …] }, …]
//   -> [{ "equal": bool, "outcomes": […], "replayed": {…}, "fresh": {…}, "undetected": […] }, …]

import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

import "../../creators/stage/static/stage/host.js";
import "../../creators/stage/static/stage/mods.js";
import "../../creators/stage/static/stage/own.js";
import { applyFrame, fromSnapshot, initial } from "../../creators/stage/static/stage/state.js";

// As many as a snapshot of the server has.
const MESSAGES_SHOWN = 50;

// All that a fresh snapshot would tell, without bookkeeping (positions, revs).
function comparable(state) {
  const { positions: _positions, revs: _revs, left_out: _left_out, ...rest } = state;
  return { ...rest, messages: state.messages.slice(-MESSAGES_SHOWN) };
}

function replay(given, frames) {
  const outcomes = [];
  let state = given.old.reduce(fromSnapshot, initial());
  for (const frame of frames) {
    const result = applyFrame(state, frame);
    state = result.state;
    outcomes.push(result.outcome);
  }
  return { state: comparable(state), outcomes };
}

function without(frames, room, seqs) {
  return frames.map((frame) =>
    frame.room === room
      ? { ...frame, events: frame.events.filter((event) => !seqs.includes(event.seq)) }
      : frame,
  );
}

function answer(given) {
  const fresh = comparable(given.fresh.reduce(fromSnapshot, initial()));
  const { state, outcomes } = replay(given, given.frames);
  const undetected = (given.without ?? []).filter(([room, seqs]) =>
    isDeepStrictEqual(replay(given, without(given.frames, room, seqs)).state, fresh),
  );
  return { equal: isDeepStrictEqual(state, fresh), outcomes, replayed: state, fresh, undetected };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(JSON.parse(line).map(answer))}\n`);
}
