// "It is your turn": what is kept for somebody who waited for it, until its time is over.

const shown = new Map(); // id -> its element

function element(offer) {
  const place = document.querySelector("[data-toasts]");
  const item = document.createElement("p");
  item.className = "toast toast--stays";
  const link = document.createElement("a");
  link.href = offer.url;
  const time = new Date(offer.until).toLocaleTimeString(document.documentElement.lang || [], {
    hour: "numeric",
    minute: "2-digit",
  });
  const words = { title: offer.title, quantity: offer.quantity, time };
  link.textContent = place.dataset.sayOffer.replace(/{(\w+)}/g, (_, name) => words[name]);
  item.append(link);
  place.append(item);
  // The server tells when it is over; a page without the network sees it by its own clock.
  setTimeout(() => item.remove(), Math.max(0, offer.until - Date.now()));
  return item;
}

export function draw(offers) {
  const open = new Set(offers.map((offer) => offer.id));
  for (const [id, item] of shown) {
    if (open.has(id)) continue;
    item.remove();
    shown.delete(id);
  }
  for (const offer of offers) {
    if (!shown.has(offer.id)) shown.set(offer.id, element(offer));
  }
}
