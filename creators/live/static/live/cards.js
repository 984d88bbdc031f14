// A product's card, pinned or in the bag: the server's markup, kept up to date in place, so that
// neither the focus nor what was chosen is ever lost.

import { available } from "../stage/bag.js";
import { money } from "./money.js";

const LOW_STOCK = 5;
const slot = (card, name) => card.querySelector(`[data-slot="${name}"]`);

function write(element, text) {
  if (element !== null && element.textContent !== text) element.textContent = text;
}

export function firstChoice(product) {
  return product.skus.find((sku) => sku.available > 0) ?? product.skus[0];
}

function fillPrice(place, product, say) {
  if (place === null) return;
  const prices = product.skus.map((sku) => sku.price_minor);
  const lowest = Math.min(...prices);
  const sku = firstChoice(product);
  const isRange = prices.some((price) => price !== lowest);
  const now = isRange
    ? say("from", { price: money(lowest, sku.currency) })
    : money(sku.price_minor, sku.currency);
  const was =
    !isRange && sku.compare_at_minor > sku.price_minor
      ? money(sku.compare_at_minor, sku.currency)
      : "";
  if (place.dataset.shown === now + was) return;
  place.dataset.shown = now + was;
  const strong = document.createElement("strong");
  strong.textContent = now;
  place.replaceChildren(strong);
  if (was !== "") {
    const before = document.createElement("s");
    before.textContent = was;
    place.append(" ", before);
  }
}

export function fillStock(place, product, say) {
  if (place === null) return;
  const left = available(product);
  write(place, left > 0 ? say("left", { n: left }) : say("soldOut"));
  place.classList.toggle("stock--out", left <= 0);
  place.classList.toggle("stock--low", left > 0 && left <= LOW_STOCK);
}

function fillOptions(select, product, say) {
  const prices = new Set(product.skus.map((sku) => sku.price_minor));
  const known = [...select.options].map((option) => Number(option.value));
  const isSame =
    known.length === product.skus.length && product.skus.every((sku, at) => sku.id === known[at]);
  if (!isSame) {
    const chosen = select.value;
    select.replaceChildren(...product.skus.map((sku) => new Option("", sku.id)));
    const isThere = product.skus.some((sku) => String(sku.id) === chosen && sku.available > 0);
    select.value = isThere ? chosen : String(firstChoice(product).id);
  }
  product.skus.forEach((sku, at) => {
    const parts = [sku.options || product.title];
    if (prices.size > 1) parts.push(money(sku.price_minor, sku.currency));
    if (sku.available <= 0) parts.push(say("soldOut").toLowerCase());
    write(select.options[at], parts.join(" · "));
    select.options[at].disabled = sku.available <= 0;
  });
  const chosen = product.skus.find((sku) => String(sku.id) === select.value);
  const isGone = chosen === undefined || chosen.available <= 0;
  if (isGone && document.activeElement !== select) select.value = String(firstChoice(product).id);
  select.hidden = product.skus.length < 2;
}

// Brings a card up to date with the product; `referral` credits a sale from it.
export function fill(card, product, { referral, say }) {
  card.dataset.product = product.id;
  const image = slot(card, "image");
  if (image.getAttribute("src") !== product.image) {
    if (product.image) image.src = product.image;
    image.hidden = !product.image;
  }
  write(slot(card, "title"), product.title);
  write(slot(card, "shop"), product.shop);
  fillPrice(slot(card, "price"), product, say);
  fillStock(slot(card, "stock"), product, say);
  slot(card, "referral").value = referral;
  fillOptions(slot(card, "options"), product, say);
  const isSoldOut = available(product) <= 0;
  card.classList.toggle("pin-card--sold-out", isSoldOut && card.classList.contains("pin-card"));
  // Not `disabled`: that would take the focus away from who stands on the button.
  for (const button of card.querySelectorAll("[data-offer-form] button")) {
    button.disabled = false;
    button.setAttribute("aria-disabled", String(isSoldOut));
  }
}

export function fromTemplate(name) {
  const template = document.querySelector(`template[data-template="${name}"]`);
  return template.content.firstElementChild.cloneNode(true);
}
