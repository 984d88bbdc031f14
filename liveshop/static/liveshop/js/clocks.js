// Times: counting down to an end (data-expires-at) or a start (data-countdown), and local time.

export function left(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor((seconds % 86400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

function tick(root) {
  const now = Date.now();
  for (const clock of root.querySelectorAll("[data-expires-at]")) {
    const rest = Date.parse(clock.dataset.expiresAt) - now;
    if (Number.isNaN(rest)) continue;
    const place = clock.querySelector("[data-clock]") ?? clock;
    if (rest > 0) {
      place.textContent = left(rest);
    } else if (!("expired" in clock.dataset)) {
      clock.dataset.expired = "";
      place.textContent = clock.dataset.expiredText ?? left(0);
      clock.dispatchEvent(new CustomEvent("liveshop:expired", { bubbles: true }));
    }
  }
  for (const clock of root.querySelectorAll("[data-countdown]")) {
    const rest = Date.parse(clock.dataset.countdown) - now;
    const whole = clock.closest("[data-soon]");
    if (rest <= 0 && whole) whole.textContent = whole.dataset.soon;
    else if (!Number.isNaN(rest)) clock.textContent = left(rest);
  }
}

// Write an instant as its reader would: with the weekday, or the year when it is another one.
export function local(instant, now, language, zone) {
  const year = new Intl.DateTimeFormat("en", { year: "numeric", timeZone: zone });
  const isOfThisYear = year.format(instant) === year.format(now);
  return new Intl.DateTimeFormat(language, {
    ...(isOfThisYear ? { weekday: "short" } : { year: "numeric" }),
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    timeZone: zone,
  }).format(instant);
}

// Rewrite times in the reader's own zone and language.
export function localize(root) {
  const language = document.documentElement.lang || undefined;
  for (const time of root.querySelectorAll("time[data-local-time]")) {
    const instant = new Date(time.dateTime);
    if (!Number.isNaN(instant.valueOf())) time.textContent = local(instant, new Date(), language);
  }
}

export function startClocks(root) {
  localize(root);
  tick(root);
  setInterval(() => tick(root), 1000);
  root.addEventListener("htmx:afterSettle", (event) => localize(event.target));
}
