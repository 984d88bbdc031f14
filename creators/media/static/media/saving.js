// What a data saver plays instead of the whole picture: the smallest of several renditions, the
// sound with a still, or only the still.

// `playlist` is the text of the multivariant playlist at `url`.
export function lighterIn(playlist, url) {
  const lines = playlist.split(/\r?\n/).map((line) => line.trim());
  const variants = [];
  lines.forEach((line, at) => {
    if (!line.startsWith("#EXT-X-STREAM-INF:")) return;
    const address = lines.slice(at + 1).find((next) => next !== "" && !next.startsWith("#"));
    if (address === undefined) return;
    const codecs = /CODECS="([^"]*)"/.exec(line)?.[1] ?? "";
    const hasVideo = /RESOLUTION=/.test(line) || /\b(avc|hvc|hev|vp0|av0)/.test(codecs);
    variants.push({ address, hasVideo, bits: Number(/[:,]BANDWIDTH=(\d+)/.exec(line)?.[1] ?? 0) });
  });
  const pictures = variants.filter((one) => one.hasVideo);
  if (pictures.length > 1) return { url, isStill: false, isCapped: true };
  const sound = variants.find((one) => !one.hasVideo);
  if (sound !== undefined) {
    const address = new URL(sound.address, url).href;
    return { url: address, isStill: false, isCapped: false, isSoundOnly: true };
  }
  return { url: "", isStill: true, isCapped: false };
}

export async function lighter(url) {
  try {
    const response = await fetch(url);
    if (response.ok) return lighterIn(await response.text(), url);
  } catch {
    // As when there is nothing lighter.
  }
  return { url: "", isStill: true, isCapped: false };
}
