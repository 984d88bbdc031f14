// How loud the microphone is, for a <meter> from 0 to 1.

const QUIETEST_DB = -60;
const EVERY_MS = 66;
const FALLS_PER_SECOND = 0.9;

// Returns the loudness of samples (-1 … 1) on a scale from 0 (silent) to 1 (as loud as can be).
export function loudness(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / samples.length);
  const db = rms > 0 ? 20 * Math.log10(rms) : -Infinity;
  return Math.min(1, Math.max(0, 1 - db / QUIETEST_DB));
}

// Shows a stream's loudness on a meter until the returned function is called.
export function watchLevel(stream, meter) {
  if (stream.getAudioTracks().length === 0) return () => {};
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let shown = 0;
  let before = performance.now();
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const now = performance.now();
    // Rises at once and falls slowly, so that the eye can follow; by the clock, since a busy page's
    // timers come late.
    shown = Math.max(loudness(samples), shown - (FALLS_PER_SECOND * (now - before)) / 1000, 0);
    before = now;
    meter.value = shown;
  }, EVERY_MS);
  // A page that came back from a reload may have to wait for a touch.
  context.resume().catch(() => {});
  return () => {
    clearInterval(timer);
    meter.value = 0;
    context.close();
  };
}
