"""The demo's shows: those of the last weeks with their sales, the one that is on, the next."""

import logging
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from creators.audience.services import record_click, record_view
from creators.chat.services import post_message
from creators.live import services as live
from creators.live.models import LiveSession, Pin, ShowState
from creators.pieces import referral
from creators.profiles.models import Creator
from liveshop.demo.people import DOMAIN
from shops.accounts.models import User
from shops.accounts.services import AddressFields
from shops.catalog.models import Product, Sku
from shops.checkout import services as checkout
from shops.checkout.owner import CartOwner
from shops.facts.refused import Refused
from shops.orders.models import Order
from shops.payments import services as payments
from shops.stock.models import Stock

log = logging.getLogger(__name__)

# handle, title, days ago, hour, minutes, viewers, orders
PAST: Final = (
    ("bob", "Sunday table: everything for eight guests", 24, 17, 70, 22, 4),
    ("mina-makes", "Tiny bathroom, big morning", 21, 18, 45, 16, 3),
    ("bob", "Gifts that are not candles (and one candle)", 15, 19, 60, 26, 5),
    ("yves-outdoors", "What I packed for the Écrins", 12, 20, 50, 14, 2),
    ("mina-makes", "The one-shelf reset", 8, 18, 55, 20, 4),
    ("bob", "Kitchen myths, tested live", 5, 17, 65, 30, 6),
    ("bob", "Second breakfast with Bob", 2, 9, 40, 24, 4),
)
# handle, title, days ahead, hour, minutes
NEXT: Final = (
    ("mina-makes", "Soft light, calm evening", 1, 19, 60),
    ("yves-outdoors", "Rain is only weather", 2, 20, 45),
)
ON_NOW: Final = (
    "Bob's Sunday market: small things, big smiles",
    "Bob's back: the good stuff from the back room",
    "Unboxing with Bob: you say which one",
)
WELCOME: Final = (
    "Finally! Saved my lunch break for this",
    "hi from Genova 👋",
    "Is the blue one back in stock?",
    "Bob that apron is a whole mood",
    "ciao a tutti!",
    "first time here, is it always this cosy?",
)
_LONGEST = timedelta(hours=12)


def seed_past(creators: dict[str, Creator], *, now: datetime) -> list[LiveSession]:
    """Play the shows of the last weeks through the services, with times that lie back.

    A show that is there already stays as it is. Returns the new ones.
    """
    played = []
    for handle, title, days, hour, minutes, _viewers, _orders in PAST:
        creator = creators[handle]
        if creator.pieces.filter(title=title).exists():
            continue
        began = _at(now, days=-days, hour=hour)
        products = [product.pk for product in _choose(title, 8)]
        session = live.schedule_show(
            creator=creator,
            title=title,
            scheduled_at=began,
            now=began - timedelta(days=2),
            category_id=creator.category_id,
            planned_minutes=minutes,
            product_ids=products,
        )
        live.start_show(piece_id=session.pk, by=creator.user, now=began)
        for product_id, at in zip(products, _spread(began, minutes, len(products)), strict=True):
            live.pin(piece_id=session.pk, product_id=product_id, by=creator.user, now=at)
        ended = began + timedelta(minutes=minutes)
        played.append(live.end_show(piece_id=session.pk, by=creator.user, now=ended))
    return played


def seed_audience(sessions: Sequence[LiveSession], *, now: datetime) -> int:
    """Let the crowd have watched, clicked and bought in these shows; returns the paid orders."""
    paid = 0
    plans = {title: (viewers, orders) for _h, title, _d, _t, _m, viewers, orders in PAST}
    crowd = list(User.objects.filter(email__startswith="crowd", email__endswith=f"@{DOMAIN}"))
    for session in sessions:
        viewers, orders = plans[session.piece.title]
        dice = random.Random(session.piece.title)  # noqa: S311  # the same demo for everybody
        pins = list(session.pins.order_by("pk"))
        guests = dice.sample(crowd, min(viewers, len(crowd)))
        for number, guest in enumerate(guests):
            pin = dice.choice(pins)
            at = pin.pinned_at + timedelta(seconds=dice.randint(20, 200))
            viewer = f"u:{guest.pk}"
            record_view(piece_id=session.pk, viewer=viewer, now=at)
            if number < orders or dice.random() < 0.4:
                record_click(piece_id=session.pk, product_id=pin.product_id, viewer=viewer, now=at)
            if number < orders:
                paid += _buy(guest, session, pin, at=at)
    return paid


def seed_refund(sessions: Sequence[LiveSession], *, now: datetime) -> None:
    """Let carol have given one order back, so that the share of orders kept has a meaning."""
    carol = User.objects.get(email=f"carol@{DOMAIN}")
    found = Order.objects.filter(paid_at__isnull=False, refunded_minor=0)
    order = found.order_by("pk").first()
    if sessions and order is not None:
        payments.refund_order(
            order_id=order.pk, reason="Arrived with a crack", by=carol, now=now - timedelta(days=1)
        )


def keep_one_live(creators: dict[str, Creator], *, now: datetime) -> LiveSession:
    """Return bob's show that is on, or open a new one; one that went on for half a day ends."""
    bob = creators["bob"]
    on = LiveSession.objects.filter(piece__creator=bob, state=ShowState.LIVE).first()
    if on is not None and on.started_at and now - on.started_at > _LONGEST:
        live.end_show(piece_id=on.pk, by=bob.user, now=now)
        on = None
    if on is not None:
        return on
    began = now - timedelta(minutes=9)
    title = ON_NOW[bob.pieces.filter(title__in=ON_NOW).count() % len(ON_NOW)]
    products = [product.pk for product in _choose(f"{title}{now.date()}", 12)]
    session = live.schedule_show(
        creator=bob,
        title=title,
        scheduled_at=began,
        now=began,
        category_id=bob.category_id,
        planned_minutes=180,
        product_ids=products,
    )
    session = live.start_show(piece_id=session.pk, by=bob.user, now=began)
    live.pin(piece_id=session.pk, product_id=products[0], by=bob.user, now=now)
    guests = User.objects.filter(email__startswith="crowd").order_by("pk")
    for number, (guest, line) in enumerate(zip(guests, WELCOME, strict=False)):
        post_message(
            piece_id=session.pk,
            author=guest,
            client_id=_uuid(f"{session.pk}/{number}"),
            body=line,
            now=now - timedelta(seconds=20 * (len(WELCOME) - number)),
        )
    return session


def keep_upcoming(creators: dict[str, Creator], *, now: datetime) -> None:
    """Let there be two shows to come; one whose time has passed unbegun is called off."""
    for handle, title, days, hour, minutes in NEXT:
        creator = creators[handle]
        planned = LiveSession.objects.filter(piece__creator=creator, state=ShowState.SCHEDULED)
        for old in planned.filter(scheduled_at__lt=now - timedelta(hours=1)):
            live.cancel_show(piece_id=old.pk, by=creator.user, now=now)
        if planned.filter(scheduled_at__gte=now).exists():
            continue
        live.schedule_show(
            creator=creator,
            title=title,
            scheduled_at=_at(now, days=days, hour=hour),
            now=now,
            category_id=creator.category_id,
            planned_minutes=minutes,
            product_ids=[product.pk for product in _choose(title, 8)],
        )


def _buy(buyer: User, session: LiveSession, pin: Pin, *, at: datetime) -> bool:
    """Go the buyer's way through cart, quote, order and payment; False when it is sold out."""
    levels = Stock.objects.filter(sku__product_id=pin.product_id, sku__is_active=True)
    left = [level.sku_id for level in levels.order_by("sku_id") if level.available > 3]
    if not left:
        return False
    sku = Sku.objects.get(pk=left[buyer.pk % len(left)])
    owner = CartOwner(user_id=buyer.pk)
    earned = referral.make(session.pk, session.piece.creator_id, pin.pk)
    address = buyer.addresses.order_by("-is_default", "pk")[0]
    try:
        checkout.add_to_cart(owner=owner, sku_id=sku.pk, quantity=1, referral=earned, now=at)
        quote = checkout.start_quote(owner=owner, now=at)
        purchase = checkout.place_order(
            quote_id=quote.pk,
            buyer=buyer,
            address=AddressFields(
                full_name=address.full_name,
                line1=address.line1,
                line2=address.line2,
                postal_code=address.postal_code,
                city=address.city,
                region=address.region,
                country=address.country,
                phone=address.phone,
            ),
            card_token="tok_success",  # noqa: S106  # the sandbox's card
            save_address=False,
            now=at,
        )
    except Refused as refused:
        log.warning("an order of the demo was refused: %s", refused.code)
        return False
    payment = purchase.payments.get()
    return payments.start(payment_id=payment.pk, now=at).captured_at is not None


def _choose(seed: str, count: int) -> list[Product]:
    """Pick products that can be bought, always the same ones for the same words."""
    found = list(
        Product.objects.filter(status=Product.Status.ACTIVE, shop__is_active=True)
        .filter(skus__stock__on_hand__gt=0)
        .distinct()
        .order_by("shop_id", "handle")
    )
    dice = random.Random(seed)  # noqa: S311
    return dice.sample(found, min(count, len(found)))


def _spread(began: datetime, minutes: int, count: int) -> Iterator[datetime]:
    for number in range(count):
        yield began + timedelta(minutes=1 + number * (minutes - 1) / count)


def _at(now: datetime, *, days: int, hour: int) -> datetime:
    day = now + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def _uuid(text: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, text)
