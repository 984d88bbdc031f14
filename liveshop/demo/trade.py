"""What else a trade has: who waits, a payout, a return to be answered, a webhook."""

from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.conf import settings

from liveshop.demo.people import crowd_name, email
from shops.accounts.models import User
from shops.catalog.models import Shop, Sku
from shops.facts.models import Event
from shops.facts.reacting import carry_out
from shops.orders.models import Order, OrderState
from shops.payouts import paying, planning, settling
from shops.payouts.accounts import save_account
from shops.payouts.models import Way
from shops.payouts.terms import shop_owner
from shops.returns import requesting
from shops.returns.states import ReturnReason
from shops.stock import services as stock
from shops.webhooks.services import endpoints

# The registrars' own examples of account numbers.
_IBANS: Final = ("FR7630006000011234567890189", "IT60X0542811101000000123456")


def seed_trade(*, now: datetime) -> None:
    """Add a little of everything to a past that was just made."""
    _wait(now=now - timedelta(hours=3))
    _say_where_to_pay(now=now - timedelta(days=20))
    _pay_out(now=now - timedelta(days=3))
    _ask_back(now=now - timedelta(hours=5))
    shop = Shop.objects.order_by("pk").first()
    if shop is not None:
        made = endpoints.make_endpoint(
            shop=shop,
            url="https://stock.example.com/liveshop",
            events=["order.released", "stock.changed"],
            description="Our warehouse",
            now=now,
        )
        # Nobody answers at that address: the demo is not to knock there.
        endpoints.disable(endpoint_id=made.pk, shop=shop, now=now)


def _wait(*, now: datetime) -> None:
    sold_out = Sku.objects.filter(is_active=True, stock__on_hand=0).order_by("pk").first()
    if sold_out is None:
        return
    for name in (crowd_name(7), "alice"):
        user = User.objects.get(email=email(name))
        stock.join(user=user, sku_id=sold_out.pk, quantity=1, now=now)


def _say_where_to_pay(*, now: datetime) -> None:
    carol = User.objects.get(email=email("carol"))
    for shop, number in zip(Shop.objects.order_by("pk"), _IBANS, strict=False):
        save_account(
            owner=shop_owner(shop.pk), holder=shop.name, number=number, bic="", by=carol, now=now
        )


def _pay_out(*, now: datetime) -> None:
    """Let the oldest sales have been released, each on its day, and paid out in one run.

    The jobs that post what was captured for them come later, and find it done.
    """
    days = timedelta(days=settings.SETTLE_AFTER_DAYS)
    due = Order.objects.filter(delivered_at__lte=now - days, refunded_minor=0, settled_at=None)
    found = {str(order.purchase_id): order for order in due.order_by("delivered_at", "pk")}
    for event in Event.objects.filter(
        kind="PaymentCaptured", payload__purchase_id__in=list(found)
    ).order_by("pk"):
        order = found[event.payload["purchase_id"]]
        reaction = "shops.payments.reactions.post_capture"
        carry_out(event_id=event.pk, reaction=reaction, now=order.paid_at or now)
    planning.plan([order.pk for order in found.values()], now=now)
    for order in found.values():
        if order.delivered_at is not None:
            settling.settle(order_id=order.pk, now=order.delivered_at + days)
    run = paying.start_run(run_id=uuid4(), by=User.objects.get(email=email("olga")), now=now)
    if run.way == Way.FILE:
        paying.confirm_run(run_id=run.pk, now=now + timedelta(days=1))


def _ask_back(*, now: datetime) -> None:
    order = (
        Order.objects.filter(state=OrderState.DELIVERED, delivered_at__lt=now, refunded_minor=0)
        .order_by("-delivered_at", "-pk")
        .first()
    )
    if order is None:
        return
    line = order.lines.order_by("pk")[0]
    requesting.request(
        order_id=order.pk,
        buyer=order.buyer,
        units={line.pk: 1},
        reason=ReturnReason.CHANGED_MIND,
        words="It is lovely, but my cat is afraid of it.",
        now=now,
    )
