"""Reads of carts and quotes."""

from django.db.models import Sum

from shops.checkout.models import CartLine
from shops.checkout.owner import CartOwner


def unit_count(*, owner: CartOwner) -> int:
    """Count the units in an owner's cart."""
    lines = CartLine.objects.all()
    if owner.user_id is not None:
        lines = lines.filter(cart__user_id=owner.user_id)
    elif owner.token is not None:
        lines = lines.filter(cart__token=owner.token)
    else:
        return 0
    return lines.aggregate(units=Sum("quantity"))["units"] or 0
