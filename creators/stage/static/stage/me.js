// One's own things on every page but the live ones: the cart's count follows the other tabs.

import { Connection } from "./connection.js";
import { showOffers } from "./own.js";

function show(state, events) {
  showOffers(state);
  const isNews = state.positions.me !== undefined || events.some((event) => event.t === "cart");
  if (!isNews) return;
  for (const count of document.querySelectorAll("[data-cart-count]")) {
    count.textContent = state.cart.units;
    count.hidden = state.cart.units === 0;
  }
}

new Connection({ url: "/ws/me/", onState: show }).start();
