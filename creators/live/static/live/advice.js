// What a host can do about how the picture comes in: from the origin's figures to words. Pure.

const LONGEST_KEY = 2.5; // s between key frames: above it, viewers wait for their first picture
const DROPPED_SHARE = 0.01;
const LATE = 1000; // ms

// `before` are the figures of some seconds ago, of the same run; returns [[key of a text, values]].
export function adviceOn(health, { before = null, mostKbps = 0 } = {}) {
  const found = [];
  const warned = (name) => health.warnings?.includes(name) ?? false;
  const key = health.key_interval_s;
  if (key > LONGEST_KEY) found.push(["adviceKey", { n: Math.round(key) }]);
  if (warned("bitrate") || (mostKbps > 0 && health.kbps > mostKbps * 1.25)) {
    found.push(["adviceBitrate", { n: health.kbps, most: health.limits?.kbps ?? mostKbps }]);
  }
  if (warned("stalled")) found.push(["adviceStalled", {}]);
  if (warned("silent")) found.push(["adviceSilent", {}]);
  if (health.late_ms > LATE) found.push(["adviceLate", { n: (health.late_ms / 1000).toFixed(1) }]);
  if (health.recording === "failing") found.push(["adviceRecording", {}]);
  if ((health.disk ?? "ok") !== "ok") found.push(["adviceDisk", { what: health.disk }]);
  if (before !== null && before.run === health.run) {
    const frames = health.frames - before.frames;
    const dropped = health.dropped - before.dropped;
    if (frames > 0 && dropped / frames > DROPPED_SHARE) found.push(["adviceDropped", {}]);
  }
  return found;
}

// What to say of a picture that is away since `lost` (ms); null: it is there, or never was.
export function awayFor(lost, now, reconnecting) {
  if (lost === null) return null;
  const left = Math.ceil((lost + reconnecting - now) / 1000);
  return left > 0 ? { key: "reconnectingFor", seconds: left } : { key: "noPicture", seconds: 0 };
}
