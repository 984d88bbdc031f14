// Hearts that rise over the picture, for those whom moving things do not disturb: one's own at once,
// those of others as they are counted.

const MOST_SHOWN = 6;

const sky = document.querySelector("[data-hearts]");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let own = 0; // rose already, and will be counted

export function sent() {
  own += 1;
  rise(1);
}

export function counted(more) {
  rise(more - own);
  own = Math.max(0, own - more);
}

function rise(number) {
  if (calm.matches || document.hidden) return;
  const room = MOST_SHOWN * 2 - sky.children.length;
  for (let i = 0; i < Math.min(number, MOST_SHOWN, room); i += 1) {
    const heart = document.createElement("span");
    heart.className = "live__heart";
    heart.textContent = "♥";
    heart.addEventListener("animationend", () => heart.remove());
    setTimeout(() => sky.append(heart), i * 120);
  }
}
