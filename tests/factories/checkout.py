"""Carts, quotes and placed orders for tests, made the way people make them."""

from datetime import UTC, datetime

from shops.checkout import services
from shops.checkout.owner import CartOwner

ADDRESS = {
    "full_name": "Alice Rossi",
    "line1": "Via Roma 1",
    "line2": "",
    "postal_code": "00100",
    "city": "Roma",
    "region": "",
    "country": "IT",
    "phone": "",
}


def quote_for(user, *skus, quantity=1, referral="", now=None):
    """Put SKUs in a user's cart and start a quote."""
    now = now or datetime.now(UTC)
    owner = CartOwner(user_id=user.pk)
    for sku in skus:
        services.add_to_cart(
            owner=owner, sku_id=sku.pk, quantity=quantity, referral=referral, now=now
        )
    return services.start_quote(owner=owner, now=now)


def purchase_of(user, *skus, quantity=1, referral="", card_token="tok_success", now=None):
    """Order SKUs for a user; unpaid, with a payment that was not started."""
    now = now or datetime.now(UTC)
    quote = quote_for(user, *skus, quantity=quantity, referral=referral, now=now)
    return services.place_order(
        quote_id=quote.pk, buyer=user, address=ADDRESS, card_token=card_token, now=now
    ).purchase
