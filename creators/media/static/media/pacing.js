// How near the live edge a <video> plays, and what brings it nearer: a little faster, or a jump.
// `hls` is the hls.js that feeds the video, null where the browser plays HLS itself.

export const LONGEST_BEHIND = 6; // seconds: further back it jumps
const NEAR = 0.12;
const FAR = 0.25;
const FASTEST = 1.25;
const LEAST_BUFFERED = 0.6;

// How fast to play when the picture is `late` seconds behind where it should be, with `buffered`
// seconds at hand: gently faster, and never so that the buffer runs dry.
export function rateFor({ late, buffered, rate = 1 }) {
  if (buffered < LEAST_BUFFERED || late < NEAR || (rate === 1 && late < FAR)) return 1;
  return Math.min(FASTEST, Math.round((1.05 + late / 10) * 100) / 100);
}

// Seconds behind the live edge, and where to be: { behind, target, position }.
function edgeOf({ hls, video }) {
  if (hls !== null) {
    const position = hls.liveSyncPosition;
    if (position === null || !hls.latency) return null;
    return { behind: hls.latency, target: hls.targetLatency ?? 2, position };
  }
  const { seekable } = video;
  if (seekable.length === 0) return null;
  const end = seekable.end(seekable.length - 1);
  return { behind: end - video.currentTime, target: 2, position: end - 1 };
}

function bufferedIn({ buffered, currentTime }) {
  for (let at = 0; at < buffered.length; at += 1) {
    if (buffered.start(at) <= currentTime && currentTime <= buffered.end(at)) {
      return buffered.end(at) - currentTime;
    }
  }
  return 0;
}

function jump(video, edge) {
  if (edge.behind > edge.target + 1) video.currentTime = edge.position;
}

export function jumpToEdge({ hls, video }) {
  const edge = edgeOf({ hls, video });
  if (edge !== null) jump(video, edge);
}

export function setRate(video, rate) {
  if (rate !== video.playbackRate) video.playbackRate = rate;
}

// To be called now and then while the picture moves.
export function keepNear({ hls, video }) {
  const edge = edgeOf({ hls, video });
  if (edge === null) return setRate(video, 1);
  if (edge.behind > LONGEST_BEHIND) return jump(video, edge);
  // Safari paces its own low-latency playback.
  if (hls === null) return;
  const late = edge.behind - edge.target;
  setRate(video, rateFor({ late, buffered: bufferedIn(video), rate: video.playbackRate }));
}
