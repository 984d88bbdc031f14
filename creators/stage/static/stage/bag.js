// What pages ask of what is sold in a show.

export function pinnedProduct(state) {
  if (state.pin === null) return null;
  return state.bag.find((product) => product.id === state.pin.product_id) ?? null;
}

export function available(product) {
  return product.skus.reduce((sum, sku) => sum + Math.max(0, sku.available), 0);
}
