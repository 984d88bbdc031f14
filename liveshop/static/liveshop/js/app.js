// What every page can do. Pages work without it; hooks are data-* attributes.
import { startDialogs } from "./dialogs.js";

const CLOCKS = "[data-expires-at], [data-countdown], time[data-local-time]";

startDialogs(document);

// What only some pages have is loaded when it is there.
if (document.querySelector("[data-theme-toggle]")) {
  import("./theme-toggle.js").then(({ startThemeToggle }) => startThemeToggle(document));
}
if (document.querySelector("[data-new-address]")) {
  import("./new-address.js").then(({ startNewAddress }) => startNewAddress(document));
}
if (document.querySelector("details[data-menu]")) import("./menus.js");
// On phones, rows of tabs and chips are wider than the screen: show where one is.
for (const row of document.querySelectorAll(".tabs, .chips")) {
  const here = row.querySelector("[aria-current]");
  if (here) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;
}
let clocks;
function wakeClocks() {
  if (!document.querySelector(CLOCKS)) return;
  clocks ??= import("./clocks.js").then(({ startClocks }) => startClocks(document));
}
wakeClocks();
document.addEventListener("htmx:afterSettle", wakeClocks);
