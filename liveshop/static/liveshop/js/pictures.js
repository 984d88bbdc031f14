// Pictures of the home page that move: stills of what is on are renewed, previews of replays play
// where one points or looks, moments play without sound. Whoever wants little motion or little
// data sees the stills.

const EVERY = 20_000;

const calm =
  matchMedia("(prefers-reduced-motion: reduce)").matches || navigator.connection?.saveData === true;
const hasPointer = matchMedia("(hover: hover)").matches;

// --- What is on -------------------------------------------------------------------------------

const stills = document.querySelectorAll("img[data-still]");

function renew() {
  if (document.hidden) return;
  for (const still of stills) {
    const address = `${still.dataset.still}?at=${Math.floor(Date.now() / EVERY)}`;
    // Only a picture that has come takes the old one's place.
    const next = new Image();
    next.onload = () => {
      still.src = address;
    };
    next.src = address;
  }
}

if (stills.length > 0 && navigator.connection?.saveData !== true) setInterval(renew, EVERY);

// --- Replays ----------------------------------------------------------------------------------

function start(card) {
  if (card.querySelector("[data-moving]")) return;
  const moving = new Image();
  moving.className = "show-card__poster";
  moving.alt = "";
  moving.dataset.moving = "";
  moving.onload = () => {
    if (card.dataset.isSeen) card.querySelector(".show-card__top").before(moving);
  };
  card.dataset.isSeen = "true";
  moving.src = card.dataset.preview;
}

function stop(card) {
  delete card.dataset.isSeen;
  card.querySelector("[data-moving]")?.remove();
}

if (!calm) {
  const cards = document.querySelectorAll("[data-preview]");
  for (const card of cards) {
    if (hasPointer) {
      card.addEventListener("pointerenter", () => start(card));
      card.addEventListener("pointerleave", () => stop(card));
    }
    card.addEventListener("focusin", () => start(card));
    card.addEventListener("focusout", () => stop(card));
  }
  if (!hasPointer) {
    // Under a finger nothing is pointed at: what stands in the middle of the screen plays.
    const looked = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) (isIntersecting ? start : stop)(target);
      },
      { rootMargin: "-35% 0px -35% 0px", threshold: 0.01 },
    );
    for (const card of cards) looked.observe(card);
  }
}

// --- Moments ----------------------------------------------------------------------------------

for (const moment of document.querySelectorAll("[data-moment]")) {
  const video = moment.querySelector("video");
  const button = moment.querySelector("[data-moment-play]");
  let isHovered = false;
  video.tabIndex = -1;
  button.hidden = false;
  button.addEventListener("click", () => {
    isHovered = false;
    if (video.paused) play(video);
    else video.pause();
  });
  video.addEventListener("play", () => {
    for (const other of document.querySelectorAll("[data-moment] video")) {
      if (other !== video) other.pause();
    }
    button.setAttribute("aria-pressed", "true");
  });
  video.addEventListener("pause", () => button.setAttribute("aria-pressed", "false"));
  if (!hasPointer || calm) continue;
  moment.addEventListener("pointerenter", () => {
    isHovered = video.paused;
    if (isHovered) play(video);
  });
  moment.addEventListener("pointerleave", () => {
    if (isHovered) video.pause();
  });
}

function play(video) {
  video.muted = true;
  // It may be paused again before it has begun.
  video.play().catch(() => {});
}
