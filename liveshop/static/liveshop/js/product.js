// A product's page: choosing a variant shows its price and stock. Without it, the form still works.
for (const product of document.querySelectorAll("[data-product]")) {
  product.addEventListener("change", (event) => {
    if (!event.target.matches("[data-sku]")) return;
    const option = event.target.closest("label");
    for (const name of ["price", "stock"]) {
      const shown = option.querySelector(`[data-${name}-of]`).content.cloneNode(true);
      product.querySelector(`[data-${name}]`).replaceChildren(shown);
    }
  });
}
