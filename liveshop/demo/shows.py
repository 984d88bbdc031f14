"""The demo's shows: those of the last weeks with their sales, the one that is on, the next."""

import logging
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from creators.audience.services import record_click, record_view
from creators.chat.posting import post_message
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

_FOOD_AND_HOME: Final = ("home", "food")


@dataclass(frozen=True)
class Script:
    """A show as it was, or will be: whose, when, and who came; `day` counts from today."""

    handle: str
    title: str
    poster: str
    day: int
    hour: int
    minutes: int
    categories: tuple[str, ...]
    viewers: int = 0
    orders: int = 0
    # How long it really was, for one whose picture was kept.
    seconds: int = 0

    @property
    def lasted(self) -> timedelta:
        return timedelta(seconds=self.seconds or 60 * self.minutes)


PAST: Final = (
    Script(
        "bob", "Everything for eight guests", "table-for-eight", -24, 17, 70, _FOOD_AND_HOME, 22, 4
    ),
    Script(
        "mira-makes",
        "One coat, six autumns",
        "wardrobe-of-clouds",
        -21,
        18,
        45,
        ("fashion",),
        16,
        3,
    ),
    Script(
        "bob",
        "Gifts that are not candles (and one candle)",
        "slow-evening",
        -15,
        19,
        60,
        ("home",),
        26,
        5,
    ),
    Script(
        "noor-grows",
        "What a balcony wants in November",
        "balcony-harvest",
        -12,
        20,
        50,
        ("garden",),
        14,
        2,
    ),
    Script(
        "mira-makes", "The one-shelf reset", "slow-evening", -8, 18, 55, ("home", "fashion"), 20, 4
    ),
    Script(
        "bob", "Kitchen myths, tested live", "table-for-eight", -5, 17, 65, _FOOD_AND_HOME, 30, 6
    ),
    Script("bob", "Second breakfast", "table-for-eight", -2, 9, 40, ("food",), 24, 4),
    Script("bob", "Five favourites in 75 seconds", "slow-evening", -1, 19, 5, ("home",), 34, 6, 75),
)
NEXT: Final = (
    Script("mira-makes", "A wardrobe of clouds", "wardrobe-of-clouds", 1, 19, 60, ("fashion",)),
    Script(
        "noor-grows",
        "Balcony harvest: what to sow now",
        "balcony-harvest",
        2,
        18,
        45,
        ("garden", "food"),
    ),
)
# bob's, one after the other; the day and the hour are now.
ON_NOW: Final = (
    Script(
        "bob", "A table for eight, a budget for two", "table-for-eight", 0, 0, 180, _FOOD_AND_HOME
    ),
    Script(
        "bob", "Slow evening: lamps, candles, one good chair", "slow-evening", 0, 0, 180, ("home",)
    ),
    Script(
        "bob",
        "The good stuff from the back room",
        "table-for-eight",
        0,
        0,
        180,
        ("home", "fashion", "food"),
    ),
)
# Said in the one that was recorded.
APPLAUSE: Final = (
    "Seventy-five seconds, go 🔥",
    "hello from Lyon!",
    "wait, is that the one from last week?",
    "ok that is lovely",
    "Does it come in green?",
    "in the cart 🛒",
    "bob does not breathe when he talks",
    "my grandmother has exactly this one",
    "how long is delivery to France?",
    "sold, next!",
    "the light in this room though",
    "again, again 👏",
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
# After how many seconds of a pin people click: in a long show, and in a quick one.
_WATCHED: Final = ((20, 200), (2, 11))


def seed_past(creators: dict[str, Creator], *, now: datetime) -> list[LiveSession]:
    """Play the shows of the last weeks through the services, with times that lie back.

    A show that is there already stays as it is. Returns the new ones.
    """
    played = []
    for script in PAST:
        creator = creators[script.handle]
        if creator.pieces.filter(title=script.title).exists():
            continue
        began = _at(now, script)
        count = 5 if script.seconds else 8
        session = _schedule(script, creator, at=began, now=began - timedelta(days=2), count=count)
        live.start_show(piece_id=session.pk, by=creator.user, now=began)
        products = list(session.piece.shown.order_by("position"))
        first = began + timedelta(seconds=2 if script.seconds else 60)
        ended = began + script.lasted
        for number, shown in enumerate(products):
            at = first + number * (ended - first) / len(products)
            live.pin(piece_id=session.pk, product_id=shown.product_id, by=creator.user, now=at)
        if script.seconds:
            _say(session, APPLAUSE, since=began, every=script.lasted / len(APPLAUSE))
        played.append(live.end_show(piece_id=session.pk, by=creator.user, now=ended))
    return played


def seed_audience(sessions: Sequence[LiveSession]) -> int:
    """Let the crowd have watched, clicked and bought in these shows; returns the paid orders."""
    paid = 0
    scripts = {script.title: script for script in PAST}
    crowd = list(User.objects.filter(email__startswith="crowd", email__endswith=f"@{DOMAIN}"))
    for session in sessions:
        script = scripts[session.piece.title]
        dice = random.Random(script.title)  # noqa: S311  # the same demo for everybody
        pins = list(session.pins.order_by("pk"))
        for number, guest in enumerate(dice.sample(crowd, min(script.viewers, len(crowd)))):
            pin = dice.choice(pins)
            at = pin.pinned_at + timedelta(seconds=dice.randint(*_WATCHED[bool(script.seconds)]))
            viewer = f"u:{guest.pk}"
            record_view(piece_id=session.pk, viewer=viewer, now=at)
            if number < script.orders or dice.random() < 0.4:
                record_click(piece_id=session.pk, product_id=pin.product_id, viewer=viewer, now=at)
            if number < script.orders:
                paid += _buy(guest, session, pin, at=at)
    return paid


def seed_refund(*, now: datetime) -> None:
    """Let carol have given one order back, so that the share of orders kept has a meaning."""
    carol = User.objects.get(email=f"carol@{DOMAIN}")
    found = Order.objects.filter(paid_at__isnull=False, refunded_minor=0)
    order = found.order_by("pk").first()
    if order is not None:
        payments.refund_order(
            order_id=order.pk, reason="Arrived with a crack", by=carol, now=now - timedelta(days=1)
        )


def keep_one_live(creators: dict[str, Creator], *, now: datetime) -> LiveSession:
    """Return bob's show that is on, or open a new one.

    One that went on for half a day ends, and so does a rehearsal that was left: nobody sees it.
    What lost its picture while the demo was off would be ended by the worker in a moment.
    """
    live.end_abandoned(now=now)
    bob = creators["bob"]
    on = LiveSession.objects.filter(piece__creator=bob, state=ShowState.LIVE).first()
    # One without a stream was begun before shows had a picture.
    is_too_old = on is not None and on.started_at and now - on.started_at > _LONGEST
    if on is not None and (is_too_old or on.stream_id is None or on.is_rehearsal):
        live.end_show(piece_id=on.pk, by=bob.user, now=now)
        on = None
    if on is not None:
        return on
    began = now - timedelta(minutes=9)
    titles = [script.title for script in ON_NOW]
    script = ON_NOW[bob.pieces.filter(title__in=titles).count() % len(ON_NOW)]
    session = _schedule(script, bob, at=began, now=began, count=12)
    session = live.start_show(piece_id=session.pk, by=bob.user, now=began)
    first = session.piece.shown.order_by("position")[0]
    live.pin(piece_id=session.pk, product_id=first.product_id, by=bob.user, now=now)
    every = timedelta(seconds=20)
    _say(session, WELCOME, since=now - every * len(WELCOME), every=every)
    return session


def keep_upcoming(creators: dict[str, Creator], *, now: datetime) -> None:
    """Let there be two shows to come; one whose time has passed unbegun is called off."""
    for script in NEXT:
        creator = creators[script.handle]
        planned = LiveSession.objects.filter(piece__creator=creator, state=ShowState.SCHEDULED)
        for old in planned.filter(scheduled_at__lt=now - timedelta(hours=1)):
            live.cancel_show(piece_id=old.pk, by=creator.user, now=now)
        if not planned.filter(scheduled_at__gte=now).exists():
            _schedule(script, creator, at=_at(now, script), now=now, count=8)


def _schedule(
    script: Script, creator: Creator, *, at: datetime, now: datetime, count: int
) -> LiveSession:
    return live.schedule_show(
        creator=creator,
        title=script.title,
        scheduled_at=at,
        now=now,
        category_id=creator.category_id,
        planned_minutes=script.minutes,
        product_ids=[product.pk for product in _choose(script, count)],
        poster_path=f"liveshop/demo/posters/{script.poster}.svg",
    )


def _say(session: LiveSession, lines: Sequence[str], *, since: datetime, every: timedelta) -> None:
    """Let a line be said by one of the crowd now and then."""
    crowd = User.objects.filter(email__startswith="crowd").order_by("pk")
    for number, (guest, line) in enumerate(zip(crowd, lines, strict=False)):
        post_message(
            piece_id=session.pk,
            author=guest,
            client_id=_uuid(f"{session.pk}/{number}"),
            body=line,
            now=since + number * every,
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
        placed = checkout.place_order(
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
            now=at,
        )
    except Refused as refused:
        log.warning("an order of the demo was refused: %s", refused.code)
        return False
    return payments.start(payment_id=placed.payment.pk, now=at).captured_at is not None


def _choose(script: Script, count: int) -> list[Product]:
    """Pick products of the show's kind that can be bought, always the same ones for a title."""
    found = list(
        Product.objects.filter(status=Product.Status.ACTIVE, shop__is_active=True)
        .filter(category__slug__in=script.categories, skus__stock__on_hand__gt=0)
        .distinct()
        .order_by("shop_id", "handle")
    )
    dice = random.Random(script.title)  # noqa: S311
    return dice.sample(found, min(count, len(found)))


def _at(now: datetime, script: Script) -> datetime:
    day = now + timedelta(days=script.day)
    return day.replace(hour=script.hour, minute=0, second=0, microsecond=0)


def _uuid(text: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, text)
