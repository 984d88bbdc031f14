// What an owner is told besides the cart: the newest orders, what is kept for who waited for it, and
// a creator's scores.

import { learn } from "./state.js";

const ORDERS_KEPT = 10;

learn({
  handlers: {
    order(state, event) {
      const { order } = event;
      const at = state.orders.findIndex((one) => one.number === order.number);
      if (at === -1) return { ...state, orders: [order, ...state.orders].slice(0, ORDERS_KEPT) };
      if (order.rev < state.orders[at].rev) return state;
      return { ...state, orders: state.orders.with(at, order) };
    },
    offer(state, { offer }) {
      const others = state.offers.filter((one) => one.id !== offer.id);
      const open = offer.state === "offered" ? [...others, offer] : others;
      return { ...state, offers: open.toSorted((a, b) => a.until - b.until || a.id - b.id) };
    },
    scores(state, event) {
      if (state.scores !== null && event.rev < state.scores.rev) return state;
      return { ...state, scores: { rev: event.rev, scores: event.scores } };
    },
  },
  parts: {
    me(state, part) {
      const scores =
        part.scores === null ? null : { rev: part.scores.rev, scores: part.scores.scores };
      const cart = { version: part.cart.version, units: part.cart.units };
      return { ...state, cart, orders: part.orders, offers: part.offers, scores };
    },
  },
});

let offering = null;

// What shows them comes when there is something to show.
export async function showOffers({ offers }) {
  if (offering === null && offers.length === 0) return;
  offering ??= import("./offers.js");
  (await offering).draw(offers);
}
