// "It is your turn": what is kept for somebody who waited for it, until its time is over.

const shown = new Map(); // id -> its element
const CLOSED = "offers-closed"; // ids that were put aside, for as long as the tab is open

const closed = () => (sessionStorage.getItem(CLOSED) || "").split(" ");

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
  const close = document.createElement("button");
  close.type = "button";
  close.className = "toast__close";
  close.textContent = "×";
  close.ariaLabel = place.dataset.sayClose;
  close.addEventListener("click", () => {
    item.remove();
    sessionStorage.setItem(CLOSED, [...closed(), offer.id].join(" "));
  });
  item.append(link, close);
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
    if (!shown.has(offer.id) && !closed().includes(`${offer.id}`)) shown.set(offer.id, element(offer));
  }
}
