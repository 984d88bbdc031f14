// Put into the host's page: its camera is a canvas that draws the machine-readable clock, since
// Chromium's own fake camera plays a file, which can't know what time it is. Its microphone is a
// quiet tone. All behind getUserMedia is the page's own. It needs clock.js.

(() => {
  const FPS = 25;

  function picture(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d", { alpha: false });
    const side = Math.round(height / 6);
    const draw = () => {
      const now = Date.now();
      context.fillStyle = "#f4b13a";
      context.fillRect(0, 0, width, height);
      // Something that moves, so that there is something to encode.
      const way = (now % 4000) / 4000;
      context.fillStyle = "#2c5a47";
      context.fillRect(way * (width - side), height / 3, side, side);
      context.fillStyle = "#2b1826";
      context.font = `${side / 2}px monospace`;
      context.fillText(new Date(now).toISOString().slice(11, 23), side / 2, side);
      globalThis.pictureClock.draw(context, width, height, now);
    };
    draw();
    setInterval(draw, 1000 / FPS);
    return canvas.captureStream(FPS);
  }

  function sound() {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 220 });
    const volume = new GainNode(context, { gain: 0.02 });
    const out = new MediaStreamAudioDestinationNode(context);
    tone.connect(volume).connect(out);
    tone.start();
    context.resume();
    return out.stream;
  }

  const { mediaDevices } = navigator;
  if (!mediaDevices) return;
  mediaDevices.getUserMedia = async ({ audio, video }) => {
    const tracks = [];
    if (video) tracks.push(...picture(...globalThis.fakeCameraSize).getVideoTracks());
    if (audio) tracks.push(...sound().getAudioTracks());
    return new MediaStream(tracks);
  };
})();
