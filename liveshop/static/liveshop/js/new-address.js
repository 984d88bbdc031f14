// At the checkout: the choice of an address and the fields for another one follow each other.

export function startNewAddress(root) {
  const place = root.querySelector("[data-new-address]");
  const form = place.closest("form");
  const fields = () => place.querySelectorAll("input, select, textarea");
  const isNew = () => form.elements.address_choice.value === "new";

  form.addEventListener("change", (event) => {
    if (event.target.name === "address_choice") place.open = isNew();
  });
  place.addEventListener("input", () => {
    form.elements.address_choice.value = "new";
  });
  // What was typed in before an address was chosen after all is not sent.
  form.addEventListener("submit", () => {
    for (const field of fields()) field.disabled = !isNew();
  });
  addEventListener("pageshow", () => {
    for (const field of fields()) field.disabled = false;
  });
}
