// What is asked of a camera, and how its picture is recorded.

// The first that the browser can record. H.264 goes to viewers as it is, so it comes first in either
// container; not every viewer's device can play VP9. VP8, which is all that some browsers have,
// can't be served as HLS.
const FORMATS = [
  "video/webm;codecs=h264,opus",
  "video/mp4;codecs=avc1.42E01F,mp4a.40.2",
  "video/mp4;codecs=avc1.42E01F,opus",
  "video/webm;codecs=vp9,opus",
  "video/mp4",
];

export const AUDIO_KBPS = 96;
const LEAST_KBPS = 300;
const FRAMES = 30;

// An upright picture is cut out of one that lies: recorders keep the size that the camera gives, so
// the height that is asked for is one that cameras have.
const SIZES = {
  "720p": { kbps: 2500, landscape: [1280, 720], portrait: [608, 1080] },
  "480p": { kbps: 900, landscape: [854, 480], portrait: [406, 720] },
};

// Returns { mime, container }, or null when the browser can't record.
export function formatFor(isSupported) {
  const mime = FORMATS.find((one) => isSupported(one));
  return mime === undefined ? null : { mime, container: mime.startsWith("video/mp4") ? "mp4" : "webm" };
}

// Returns what to ask getUserMedia for. A phone turns its picture as it is held, so there nothing is
// cut out. `microphone: null` means none.
export function constraintsFor({ camera, microphone, shape, quality, isHandheld = false }) {
  const isUpright = shape === "portrait" && !isHandheld;
  const [width, height] = SIZES[quality][isUpright ? "portrait" : "landscape"];
  const video = {
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: FRAMES, max: FRAMES },
    resizeMode: { ideal: isUpright ? "crop-and-scale" : "none" },
  };
  if (camera) video.deviceId = { exact: camera };
  else video.facingMode = { ideal: "user" };
  const audio = microphone === null ? false : { echoCancellation: true, noiseSuppression: true };
  if (microphone) audio.deviceId = { exact: microphone };
  return { video, audio };
}

// Kilobits a second for the picture: less after the uplink was too slow (`share` < 1), and below
// what the server takes, since encoders overshoot.
export function videoKbps(quality, { maxKbps = Infinity, share = 1 } = {}) {
  const wanted = Math.min(SIZES[quality].kbps * share, maxKbps * 0.75 - AUDIO_KBPS);
  return Math.max(LEAST_KBPS, Math.round(wanted));
}

// Whether another step down would change anything.
export function canGoLower(quality, share) {
  return SIZES[quality].kbps * share > LEAST_KBPS;
}
