// Hearts that rise over the picture, for those whom moving things do not disturb.

const MOST_SHOWN = 6;

export function rise(sky, number) {
  const room = MOST_SHOWN * 2 - sky.children.length;
  for (let i = 0; i < Math.min(number, MOST_SHOWN, room); i += 1) {
    const heart = document.createElement("span");
    heart.className = "live__heart";
    heart.textContent = "♥";
    heart.addEventListener("animationend", () => heart.remove());
    setTimeout(() => sky.append(heart), i * 120);
  }
}
