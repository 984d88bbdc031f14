"""What the checkout's bench buys, and who does: one hot SKU, and thousands with an address."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

ADDRESS: Final[dict[str, str]] = {
    "full_name": "Alice Rossi",
    "line1": "Via Roma 1",
    "line2": "",
    "postal_code": "00184",
    "city": "Roma",
    "region": "RM",
    "country": "IT",
    "phone": "",
}
PLENTY: Final = 100_000_000


def hot_sku(*, on_hand: int) -> int:
    """Put something for sale; returns its SKU's id."""
    from shops.catalog.models import Category, Product, Shop, Sku
    from shops.stock.models import Kind, Stock, StockMovement

    category, _ = Category.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    shop, _ = Shop.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    number = Product.objects.filter(shop=shop).count()
    product = Product.objects.create(
        shop=shop, category=category, handle=f"drop-{number}", title=f"Drop {number}"
    )
    sku = Sku.objects.create(
        product=product, code=f"DROP-{number}", options=[], price_minor=1990, currency="EUR"
    )
    Stock.objects.create(sku=sku, on_hand=on_hand)
    StockMovement.objects.create(sku=sku, kind=Kind.OPENING, quantity=on_hand, on_hand=on_hand)
    return sku.pk


def with_address(user_ids: Sequence[int]) -> None:
    """Give each user an address."""
    from shops.accounts.models import Address

    Address.objects.bulk_create(
        [Address(user_id=pk, is_default=True, **ADDRESS) for pk in user_ids], batch_size=2000
    )


def with_cart(user_ids: Sequence[int], *, sku_id: int) -> None:
    """Give each user a cart with one unit in it."""
    from shops.checkout.models import Cart, CartLine

    now = datetime.now(UTC)
    carts = Cart.objects.bulk_create(
        [Cart(user_id=pk, version=1, updated_at=now) for pk in user_ids], batch_size=2000
    )
    CartLine.objects.bulk_create(
        [
            CartLine(cart=cart, sku_id=sku_id, quantity=1, seen_price_minor=1990, added_at=now)
            for cart in carts
        ],
        batch_size=2000,
    )


def books(*, sku_id: int) -> dict[str, Any]:
    """Count what was promised of a SKU, row by row, against what there is."""
    from django.db.models import Sum

    from shops.stock.models import Hold, HoldState, Stock, StockMovement

    stock = Stock.objects.get(sku_id=sku_id)
    rows = Hold.objects.filter(
        sku_id=sku_id, state__in=[HoldState.HELD, HoldState.COMMITTED, HoldState.SOLD]
    )
    promised = rows.aggregate(units=Sum("quantity"))["units"] or 0
    moved = StockMovement.objects.filter(sku_id=sku_id).aggregate(
        on_hand=Sum("on_hand"), held=Sum("held"), committed=Sum("committed")
    )
    return {
        "on_hand": stock.on_hand,
        "promised": promised,
        "left": stock.available,
        "oversold": max(0, promised - stock.on_hand),
        "unexplained": abs(stock.reserved - promised)
        + abs(stock.on_hand - (moved["on_hand"] or 0))
        + abs(stock.reserved - (moved["held"] or 0) - (moved["committed"] or 0)),
    }
