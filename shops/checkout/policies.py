"""How a product's units are kept for its buyers: its policy, or the one that all have."""

from datetime import timedelta

from django.conf import settings

from shops.catalog.models import Product
from shops.checkout import cart_statements
from shops.stock.models import Mode, ReservationPolicy


def policy_of(product: Product) -> ReservationPolicy:
    """Find a product's policy; load it with `select_related("…product__reservation_policy")`."""
    found: ReservationPolicy | None = getattr(product, "reservation_policy", None)
    return found or ReservationPolicy(product=product)


def keeps_in_cart(product: Product) -> bool:
    return policy_of(product).mode == Mode.CART_HOLD


def cart_keeps(sku_id: int) -> bool:
    """Tell whether a SKU's units are kept from the cart on, where its product is not loaded."""
    return cart_statements.mode_of(sku_id) == Mode.CART_HOLD


def keeps_nothing(product: Product) -> bool:
    """Tell whether nothing is kept before it is paid: who pays first gets it."""
    return policy_of(product).mode == Mode.FIRST_PAID


def kept_for(product: Product) -> timedelta:
    """Tell for how long units are kept."""
    return timedelta(seconds=policy_of(product).hold_seconds or settings.HOLD_SECONDS)
