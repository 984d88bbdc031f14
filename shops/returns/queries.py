"""Reads of returns: for the buyer, the shop, the operators, and for those who pay shops out."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from shops.accounts.models import User
from shops.catalog.queries import is_operator
from shops.facts.refused import NotFound
from shops.orders.models import Order
from shops.payments.queries import refundable_minor
from shops.returns.models import (
    OPEN_STATES,
    Dispute,
    DisputeMessage,
    Return,
    ReturnEvent,
    ReturnLine,
    ReturnPhoto,
    ReturnRefund,
)
from shops.returns.states import DisputeState, EventKind, RefundState, ReturnState, Side

PER_PAGE = 50


def open_for(order_ids: Iterable[int]) -> set[int]:
    """Tell which of these orders have a return or a dispute under way, or money yet to go back.

    What is open keeps the order's money from being settled. A rejection that the buyer has not
    disputed does not; neither does a refund that was carried out.
    """
    ids = list(order_ids)
    deciding = Return.objects.filter(order_id__in=ids, state__in=OPEN_STATES)
    refunds = ReturnRefund.objects.filter(case__order_id__in=ids)
    owed = refunds.filter(state=RefundState.DUE).values_list("case__order_id", flat=True)
    # One that failed is the operators' to have tried again: it is owed as long as that can succeed,
    # which it can't when the buyer's bank has taken the money or all of it went back by other ways.
    failed = Order.objects.filter(
        pk__in=refunds.filter(state=RefundState.FAILED).values("case__order_id")
    )
    tried_again = {order.pk for order in failed if refundable_minor(order) > 0}
    return set(deciding.values_list("order_id", flat=True)) | set(owed) | tried_again


def case_of_buyer(*, case_id: UUID, buyer_id: int) -> Return:
    """Find a return; somebody else's does not exist."""
    return _one(_whole().filter(pk=case_id, buyer_id=buyer_id))


def case_of_shop(*, case_id: UUID, shop_id: int) -> Return:
    return _one(_whole().filter(pk=case_id, order__shop_id=shop_id))


def case_of_desk(*, case_id: UUID) -> Return:
    """Find any return, for an operator."""
    return _one(_whole().filter(pk=case_id))


def returns_of_buyer(*, buyer_id: int) -> list[Return]:
    return list(_listed().filter(buyer_id=buyer_id).order_by("-requested_at")[:PER_PAGE])


def returns_of_order(*, order_id: int) -> list[Return]:
    return list(_listed().filter(order_id=order_id).order_by("requested_at"))


def returns_of_shop(*, shop_id: int, state: str = "") -> list[Return]:
    """List a shop's returns: those that silence will decide first, then the newest."""
    found = _listed().filter(order__shop_id=shop_id)
    if state in ReturnState.values:
        return list(found.filter(state=state).order_by("-requested_at")[:PER_PAGE])
    waiting = found.filter(state__in=TO_DO).order_by("due_at")[:PER_PAGE]
    others = found.exclude(state__in=TO_DO).order_by("-requested_at")[:PER_PAGE]
    return [*waiting, *others][:PER_PAGE]


def disputes(*, are_open: bool) -> list[Dispute]:
    """List what is on the operators' desk, what is due first; or what was decided, newest first."""
    found = Dispute.objects.select_related("case__order__shop", "case__buyer")
    open_states = (DisputeState.OPEN, DisputeState.ANSWERED)
    if are_open:
        return list(found.filter(state__in=open_states).order_by("decide_by")[:PER_PAGE])
    return list(found.exclude(state__in=open_states).order_by("-opened_at")[:PER_PAGE])


def rejection_of(case: Return) -> str:
    """Say why the shop rejected a return that was read with its events; "" if it did not."""
    events = case.shown_events  # type: ignore[attr-defined]  # prefetched
    return next((event.reason for event in events if event.kind == EventKind.REJECTED), "")


def failed_refunds() -> list[ReturnRefund]:
    """List what did not reach its buyer: refused by the provider, or sent back by a bank."""
    found = ReturnRefund.objects.filter(state=RefundState.FAILED)
    return list(found.select_related("case__order__shop").order_by("decided_at")[:PER_PAGE])


def photo_for(*, photo_id: UUID, user: User) -> ReturnPhoto:
    """Find a photo for its buyer, the shop's staff or an operator; others find none."""
    photo = ReturnPhoto.objects.select_related("case__order").filter(pk=photo_id).first()
    if photo is None:
        raise NotFound
    if photo.case.buyer_id != user.pk and not is_operator(user=user):
        shop = photo.case.order.shop_id
        if not user.staff_of.filter(shop_id=shop).exists():
            raise NotFound
    return photo


# What waits for a shop.
TO_DO = (ReturnState.REQUESTED, ReturnState.IN_TRANSIT, ReturnState.RECEIVED)


def _listed() -> QuerySet[Return]:
    lines = ReturnLine.objects.select_related("order_line").order_by("pk")
    return Return.objects.select_related("order__shop", "buyer").prefetch_related(
        Prefetch("lines", lines, "shown_lines")
    )


def _whole() -> QuerySet[Return]:
    lines = (
        ReturnLine.objects.select_related("order_line__sku__product")
        .prefetch_related("order_line__sku__product__images")
        .order_by("pk")
    )
    photos = ReturnPhoto.objects.order_by("uploaded_at", "id")
    messages = DisputeMessage.objects.select_related("author").order_by("at", "pk")
    return Return.objects.select_related("order__shop", "buyer", "dispute").prefetch_related(
        Prefetch("lines", lines, "shown_lines"),
        Prefetch("photos", photos.filter(side=Side.BUYER), "buyers_photos"),
        Prefetch("photos", photos.filter(side=Side.SHOP), "shops_photos"),
        Prefetch("events", ReturnEvent.objects.order_by("at", "pk"), "shown_events"),
        Prefetch("refunds", ReturnRefund.objects.order_by("pk"), "shown_refunds"),
        Prefetch("dispute__messages", messages, "shown_messages"),
    )


def _one(cases: QuerySet[Return]) -> Return:
    case = cases.first()
    if case is None:
        raise NotFound
    return case
