// Draws the console anew in place: what depends on the show's state comes from the server again,
// while the picture, the camera that sends, and what is being typed stay as they are.
//
// The parts are marked data-part="<name>". `prepare` gets what was drawn before it is put in.

// Says whether it is drawn; "elsewhere" when the server has another page to show now.
export async function redraw(root, { prepare }) {
  let drawn;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (response.redirected) return "elsewhere";
    if (!response.ok) return "not yet";
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    drawn = page.querySelector("[data-console]");
  } catch {
    return "not yet";
  }
  const find = (name) => drawn?.querySelector(`[data-part="${name}"]`) ?? null;
  const parts = [...root.querySelectorAll("[data-part]")].map((old) => [old, find(old.dataset.part)]);
  if (parts.some(([, fresh]) => fresh === null)) return "elsewhere";
  prepare(drawn);
  for (const [old, fresh] of parts) window.Idiomorph.morph(old, fresh, { morphStyle: "outerHTML" });
  const camera = root.querySelector("[data-camera]");
  if (camera !== null) camera.dataset.onAir = drawn.querySelector("[data-camera]").dataset.onAir;
  root.dataset.state = drawn.dataset.state;
  return "drawn";
}

const language = document.documentElement.lang || undefined;
const time = new Intl.DateTimeFormat(language, { timeStyle: "medium" });

// Writes times of day (data-clock-time) in the reader's own zone.
export function localizeTimes(whole) {
  for (const one of whole.querySelectorAll("time[data-clock-time]")) {
    const instant = new Date(one.dateTime);
    if (!Number.isNaN(instant.valueOf())) one.textContent = time.format(instant);
  }
}
