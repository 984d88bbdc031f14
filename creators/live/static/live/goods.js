// What is sold in a show, on the viewer's page: the pinned card, the bag, the cart.

import { showOffers } from "../stage/own.js";
import { pinnedProduct } from "../stage/bag.js";
import { fill, fromTemplate } from "./cards.js";
import { mention } from "./mention.js";

// A finger that was on its way to the card before must not buy what has just replaced it.
const SETTLE = 300;

const find = (name) => document.querySelector(`[data-${name}]`);

export function startGoods(root, { connection, say }) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // --- The pinned card --------------------------------------------------------------------------

  const place = find("pinned-place");
  let pinShownAt = -SETTLE;

  function showPin(state) {
    const product = pinnedProduct(state);
    const isOver = state.show.state === "ended" || state.show.state === "cancelled";
    const cards = [...place.querySelectorAll("[data-card]")];
    const wanted = product !== null && !isOver ? String(product.id) : "";
    let card = cards.find((one) => one.dataset.product === wanted && !one.dataset.retired);
    for (const old of cards) if (old !== card) retire(old);
    if (wanted === "") return;
    const isNew = card === undefined;
    if (isNew) card = fromTemplate("pin");
    fill(card, product, { referral: state.pin.referral, say });
    if (isNew) {
      card.dataset.new = "";
      const link = card.querySelector("[data-open-product]");
      link.href = "#bag-list";
      pinShownAt = cards.length > 0 ? performance.now() : -SETTLE;
      place.prepend(card);
    }
  }

  // A card goes when it is no longer pinned; who stands on it with the focus may finish first.
  function retire(card) {
    if (!card.contains(document.activeElement)) return card.remove();
    if (card.dataset.retired) return;
    card.dataset.retired = "true";
    card.addEventListener("focusout", (event) => {
      if (!card.contains(event.relatedTarget)) card.remove();
    });
  }

  // --- The bag ----------------------------------------------------------------------------------

  const list = find("bag");

  function showBag(state) {
    const pinned = state.pin?.product_id;
    const products = [...state.bag].sort((a, b) => (b.id === pinned) - (a.id === pinned));
    const known = new Map([...list.children].map((item) => [Number(item.dataset.product), item]));
    const wanted = new Set(products.map((product) => product.id));
    for (const [id, item] of known) if (!wanted.has(id)) item.remove();
    products.forEach((product, at) => {
      const isPinned = product.id === pinned;
      const item = known.get(product.id) ?? fromTemplate("bag");
      fill(item, product, { referral: isPinned ? state.pin.referral : state.show.referral, say });
      item.toggleAttribute("data-pinned", isPinned);
      if (list.children[at] === item) return;
      // Moving an element takes its focus; one that has it stays, the others move around it.
      if (!item.contains(document.activeElement)) list.insertBefore(item, list.children[at] ?? null);
    });
    find("bag-count").textContent = products.length || "";
    find("bag-empty").hidden = products.length > 0;
  }

  const sheet = find("bag-sheet");
  sheet.append(find("bag-content"));
  find("bag-place").hidden = true;
  sheet.querySelector("[data-script-only]").hidden = false;

  function openBag(productId) {
    if (!sheet.open) sheet.showModal();
    const item = productId && list.querySelector(`[data-product="${productId}"]`);
    if (!item) return;
    item.querySelector("details").open = true;
    item.scrollIntoView({ block: "nearest" });
  }

  // --- The cart ---------------------------------------------------------------------------------

  let cart = null;
  let opening = null;

  // What the cart needs comes when it is needed.
  function cartSheet() {
    opening ??= import("./cart.js").then(({ Cart }) => {
      cart = new Cart({ sheet: find("cart-sheet"), connection, say, showCart });
      return cart;
    });
    return opening;
  }

  function showCart(units) {
    // A guest without a cart has no room of their own; what the server wrote stays.
    if (connection.state.positions.me === undefined && units === 0) return;
    for (const count of document.querySelectorAll("[data-cart-count]")) {
      count.textContent = units;
      count.hidden = units === 0;
    }
    cart?.refresh();
  }

  // --- What people do ---------------------------------------------------------------------------

  const counted = new Set();

  function count(productId) {
    if (!productId || counted.has(productId)) return;
    counted.add(productId);
    mention(root.dataset.clickUrl, { product: productId });
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.matches("[data-open-bag]")) {
      event.preventDefault();
      openBag();
    } else if (link.matches("[data-open-product]")) {
      event.preventDefault();
      openBag(link.closest("[data-card]").dataset.product);
    } else if (link.matches("[data-open-cart], [data-cart-link]") && window.htmx) {
      event.preventDefault();
      cartSheet().then((it) => it.open());
    }
  });

  // A product that was opened counts as a click; `toggle` does not bubble.
  document.addEventListener(
    "toggle",
    (event) => {
      if (event.target.matches?.("[data-open-counts][open]")) {
        count(event.target.closest("[data-card]").dataset.product);
      }
    },
    true,
  );

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-offer-form]")) return;
    const isTooSoon =
      place.contains(form) && performance.now() - pinShownAt < SETTLE && !calm.matches;
    if (isTooSoon || event.submitter?.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    count(form.closest("[data-card]").dataset.product);
    if (!event.submitter?.matches("[data-add]")) return;
    event.preventDefault();
    const { action } = form;
    const fields = new FormData(form);
    cartSheet().then((it) => it.add(action, fields));
  });

  return {
    // `before` is what was shown last, null at first.
    show(state, before) {
      if (state.bag !== before?.bag || state.pin !== before.pin || state.show !== before.show) {
        showPin(state);
        showBag(state);
      }
      if (state.cart !== before?.cart) showCart(state.cart.units);
      showOffers(state);
    },
  };
}
