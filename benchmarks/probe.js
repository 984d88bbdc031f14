// Put into the viewer's page: notes what the picture says at the pictures and pins that are shown.
// It needs clock.js, and `videoBench.player`, which the bench takes out of hls.js.

globalThis.videoBench = (() => {
  const EVERY = 5; // pictures between two readings
  const bench = {
    player: null,
    readings: [], // { wall, clock, date }: this machine's time, the picture's, the playlist's (ms)
    pins: [], // { product, clock }
    unread: 0,
    stalls: 0,
  };

  function follow(video) {
    let pictures = 0;
    const look = (_now, { mediaTime }) => {
      video.requestVideoFrameCallback(look);
      pictures += 1;
      if (pictures % EVERY !== 0) return;
      const wall = Date.now();
      const clock = globalThis.pictureClock.read(video);
      if (clock === null) {
        bench.unread += 1;
        return;
      }
      // The playlist's date is of the player's position; this picture's own is beside it.
      const playing = bench.player?.playingDate?.getTime();
      const date = playing ? playing + (mediaTime - video.currentTime) * 1000 : null;
      bench.readings.push({ wall, clock, date });
    };
    video.requestVideoFrameCallback(look);
    video.addEventListener("waiting", () => {
      bench.stalls += 1;
    });
  }

  function watchPins(video, place) {
    new MutationObserver((changes) => {
      for (const { addedNodes } of changes) {
        for (const node of addedNodes) {
          const product = Number(node.dataset?.product);
          if (!product) continue;
          bench.pins.push({ product, clock: globalThis.pictureClock.read(video) });
        }
      }
    }).observe(place, { childList: true });
  }

  addEventListener("DOMContentLoaded", () => {
    const video = document.querySelector("[data-player-video]");
    const place = document.querySelector("[data-pinned-place]");
    if (video === null || place === null) return;
    follow(video);
    watchPins(video, place);
    bench.quality = () => {
      const { droppedVideoFrames, totalVideoFrames } = video.getVideoPlaybackQuality();
      return { dropped: droppedVideoFrames, total: totalVideoFrames };
    };
  });

  return bench;
})();
