"""Reads of returns: for the buyer, the shop, the operators, and for those who pay shops out."""

from collections.abc import Iterable

from shops.returns.models import OPEN_STATES, Return, ReturnRefund
from shops.returns.states import RefundState


def open_for(order_ids: Iterable[int]) -> set[int]:
    """Tell which of these orders have a return or a dispute under way, or money yet to go back.

    What is open keeps the order's money from being settled. A rejection that the buyer has not
    disputed does not; neither does a refund that was carried out.
    """
    ids = list(order_ids)
    deciding = Return.objects.filter(order_id__in=ids, state__in=OPEN_STATES)
    # A refund that failed is the operators' to have tried again: until then it is owed.
    owed = ReturnRefund.objects.filter(case__order_id__in=ids).exclude(state=RefundState.PAID)
    return set(deciding.values_list("order_id", flat=True)) | set(
        owed.values_list("case__order_id", flat=True)
    )
