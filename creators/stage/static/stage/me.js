// One's own things on every page but the live ones: the cart's count follows the other tabs.

import { Connection } from "./connection.js";

const isOnALivePage = document.querySelector("[data-live-page], [data-console]") !== null;

function show(state, events) {
  const isNews = state.positions.me !== undefined || events.some((event) => event.t === "cart");
  if (!isNews) return;
  for (const count of document.querySelectorAll("[data-cart-count]")) {
    count.textContent = state.cart.units;
    count.hidden = state.cart.units === 0;
  }
}

// The live pages have a line of their own, which tells them this, too.
if (!isOnALivePage) new Connection({ url: "/ws/me/", onState: show }).start();
