"""A room's whole state from PostgreSQL, for those who come late or were away for too long.

The position in the room's events is read *before* the tables. So a state is true at its position
or later: replaying the events after it tells some things twice, and since events are absolute and
carry revs, that is harmless. For the same reason a state may be kept for a moment and given to
many: it only gets older, and whoever takes it gets the events since from the ring.
"""

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast

from django.db.models import Count, F, Sum, Window
from django.db.models.functions import RowNumber
from django.urls import reverse

from creators.audience.models import QualifiedView
from creators.chat.standing import RoleName, read_rules, read_standing
from creators.live import queries as live
from creators.live.models import LiveSession, Pin
from creators.pieces import referral
from creators.pieces.models import Piece
from creators.profiles.models import Creator
from creators.profiles.queries import is_operator
from creators.scoring.models import Score
from creators.scoring.queries import latest_scores, latest_scores_of
from creators.stage import chat_cards, pictures, publishing, rooms, wire
from creators.stage.frames import Reading
from creators.stage.times import ms, ms_or_none
from creators.stage.who import restriction_card
from shops.checkout import queries as checkout
from shops.checkout.owner import CartOwner
from shops.facts.rows import ask
from shops.orders.models import Order, OrderLine
from shops.payments.models import PaymentState
from shops.stock.models import WaitlistEntry
from shops.stock.queries import offers_to

KEEP_SECONDS: Final = 1.0
ORDERS: Final = 10


# --- Live -------------------------------------------------------------------------------------


def host_of(piece_id: int) -> int | None:
    """Find the user who hosts a show; None when there is no such show."""
    return (
        Piece.objects.filter(pk=piece_id, live_session__isnull=False)
        .values_list("creator__user_id", flat=True)
        .first()
    )


def show_card(session: LiveSession) -> wire.ShowCard:
    piece = session.piece
    return wire.ShowCard(
        id=session.pk,
        title=piece.title,
        state=cast(wire.ShowStateName, session.state),
        host=piece.creator.name,
        host_id=piece.creator.user_id,
        creator_id=piece.creator_id,
        scheduled_at=ms(session.scheduled_at),
        started_at=ms_or_none(session.started_at),
        ended_at=ms_or_none(session.ended_at),
        referral=referral.make(session.pk, piece.creator_id),
    )


def pin_card(pin: Pin, *, creator_id: int) -> wire.PinCard:
    return wire.PinCard(
        id=pin.pk,
        product_id=pin.product_id,
        pinned_at=ms(pin.pinned_at),
        referral=referral.make(pin.session_id, creator_id, pin.pk),
    )


def sold_by_product(piece_id: int) -> dict[int, int]:
    """Count the units of each product that were ever paid for through a piece."""
    lines = OrderLine.objects.filter(
        referral__startswith=referral.prefix(piece_id), order__paid_at__isnull=False
    ).exclude(referral="")
    rows = lines.values("sku__product_id").annotate(units=Sum("quantity"))
    return {row["sku__product_id"]: row["units"] for row in rows}


def bag_cards(session: LiveSession) -> list[wire.ProductCard]:
    """List the bag in its own order."""
    sold = sold_by_product(session.pk)
    return [
        wire.ProductCard(
            id=item.product_id,
            title=item.title,
            handle=item.handle,
            shop=item.shop_name,
            image=item.image_url,
            image_alt=item.image_alt,
            sold=sold.get(item.product_id, 0),
            skus=[
                wire.SkuCard(
                    id=offer.sku_id,
                    options=offer.options_text,
                    price_minor=offer.price_minor,
                    compare_at_minor=offer.compare_at_minor,
                    currency=offer.currency,
                    available=offer.available,
                    rev=offer.rev,
                )
                for offer in item.offers
            ],
        )
        for item in sorted(live.bag(session), key=lambda item: (item.position, item.product_id))
    ]


def live_state(piece_id: int, *, reading: Reading | None) -> wire.LiveState:
    """Read a show as its viewers see it; the counts are Valkey's, None while it is away.

    :raises NotFound: there is no such show
    """
    # The row with the rev comes first: what is read after it may be newer, never older.
    session = live.show(piece_id)
    pin = live.current_pin(session)
    pinned_line_rev, pinned_line = chat_cards.pinned_line(piece_id)
    rules = read_rules(piece_id=piece_id, creator_id=session.piece.creator_id)
    return wire.LiveState(
        rev=session.rev,
        show=show_card(session),
        pin=None if pin is None else pin_card(pin, creator_id=session.piece.creator_id),
        bag=bag_cards(session),
        messages=chat_cards.newest_lines(piece_id),
        picture=pictures.picture_card(piece_id, now=datetime.now(UTC)),
        caption=pictures.newest_caption(piece_id),
        viewers=0 if reading is None else reading.viewers,
        hearts=0 if reading is None else reading.hearts,
        grace_ms=rooms.GRACE_MS if reading is None else reading.grace_ms,
        lag_ms=None if reading is None else reading.lag_ms,
        pinned_line=pinned_line,
        pinned_line_rev=pinned_line_rev,
        rules=chat_cards.rules_card(rules),
        rules_rev=rules.rev,
        questions=chat_cards.questions(piece_id),
    )


# --- The host's -------------------------------------------------------------------------------


def figures(piece_id: int) -> wire.Figures:
    """Count what the host of a show sees; `rev` is made of sums that only grow."""
    views = QualifiedView.objects.filter(piece_id=piece_id).count()
    paid = (
        Order.objects.filter(
            pk__in=OrderLine.objects.filter(referral__startswith=referral.prefix(piece_id))
            .exclude(referral="")
            .values("order_id"),
            paid_at__isnull=False,
        )
    ).aggregate(orders=Count("pk"), refunded=Sum("refunded_minor"))
    found = live.show_figures(piece_id)
    return wire.Figures(
        orders=found.orders,
        units=found.units,
        currency=found.currency,
        gmv_minor=found.gmv_minor,
        net_minor=found.net_minor,
        viewers=views,
        rev=views + paid["orders"] + (paid["refunded"] or 0),
    )


def host_state(piece_id: int) -> wire.HostState:
    return wire.HostState(
        figures=figures(piece_id),
        trouble=pictures.trouble_card(piece_id),
    )


# --- One's own --------------------------------------------------------------------------------


# In plain SQL, as every order is shown to its buyer at least twice: making this of querysets took a
# tenth of what an order takes.
_COUNTS: Final = """
SELECT o.id, (SELECT count(*) FROM orders_orderevent e WHERE e.order_id = o.id),
    (SELECT count(*) FROM payments_payment p
        WHERE p.purchase_id = o.purchase_id AND p.state = %(failed)s)
FROM orders_order o WHERE o.id = ANY(%(orders)s::bigint[])
"""


def order_cards(*orders: Order) -> list[wire.OrderCard]:
    """Show orders to their buyer; `rev` is made of counts that only grow."""
    [rows] = ask(
        _COUNTS,
        {"orders": [order.pk for order in orders], "failed": PaymentState.FAILED.value},
    )
    counts = {pk: (moves, failed) for pk, moves, failed in rows}
    return [
        wire.OrderCard(
            number=order.number,
            purchase_id=str(order.purchase_id),
            state=order.state,
            payment_failed=order.is_unpaid and counts[order.pk][1] > 0,
            currency=order.currency,
            total_minor=order.total_minor,
            refunded_minor=order.refunded_minor,
            rev=sum(counts[order.pk]) + order.refunded_minor,
        )
        for order in orders
    ]


def scores(creator_id: int) -> wire.Scores | None:
    return _scores(latest_scores(creator_id=creator_id))


def _scores(rows: dict[str, Score]) -> wire.Scores | None:
    if not rows:
        return None
    return wire.Scores(
        rev=max(row.pk for row in rows.values()),
        scores=[
            wire.ScoreCard(
                indicator=row.indicator,
                value=str(row.value),
                low=str(row.low),
                high=str(row.high),
                is_provisional=row.is_provisional,
            )
            for _, row in sorted(rows.items())
        ],
    )


def me_state(owner: CartOwner) -> wire.MeState:
    """Read what an owner's tabs show: the cart, the newest orders, a creator's scores."""
    return me_states([owner])[owner]


def me_states(owners: Collection[CartOwner]) -> dict[CartOwner, wire.MeState]:
    """Read what the tabs of several owners show, in a handful of queries for all of them."""
    carts = checkout.carts_of(owners)
    users = {owner.user_id for owner in owners if owner.user_id is not None}
    orders = _newest_orders(users) if users else {}
    offers = _open_offers(users) if users else {}
    creators = (
        dict(Creator.objects.filter(user__in=users).values_list("user_id", "pk")) if users else {}
    )
    scored = latest_scores_of(creators.values()) if creators else {}
    return {
        owner: wire.MeState(
            cart=wire.Cart(version=cart[0], units=cart[1]),
            orders=orders.get(owner.user_id, []),
            offers=offers.get(owner.user_id, []),
            scores=_scores(scored.get(creators.get(owner.user_id or 0, 0), {})),
        )
        for owner in owners
        for cart in [carts.get(owner, (0, 0))]
    }


def offer_cards(entries: Iterable[WaitlistEntry]) -> list[wire.OfferCard]:
    """Write what was offered to people who waited, each with its SKU and product."""
    return [
        wire.OfferCard(
            id=entry.pk,
            state=entry.state,
            sku_id=entry.sku_id,
            product_id=entry.sku.product_id,
            title=entry.sku.product.title,
            options=entry.sku.options_text,
            quantity=entry.offered or entry.quantity,
            until=0 if entry.offer_until is None else ms(entry.offer_until),
            url=reverse("stock:waitlist"),
            rev=1 if entry.is_offered else 2,
        )
        for entry in entries
    ]


def _open_offers(users: Collection[int]) -> dict[int | None, list[wire.OfferCard]]:
    entries = list(offers_to(user_ids=users))
    found: dict[int | None, list[wire.OfferCard]] = {}
    for entry, card in zip(entries, offer_cards(entries), strict=True):
        found.setdefault(entry.user_id, []).append(card)
    return found


def _newest_orders(users: Collection[int]) -> dict[int | None, list[wire.OrderCard]]:
    place = Window(
        RowNumber(), partition_by=F("buyer"), order_by=[F("placed_at").desc(), F("pk").desc()]
    )
    newest = list(
        Order.objects.filter(buyer__in=users)
        .annotate(place=place)
        .filter(place__lte=ORDERS)
        .order_by("buyer", "place")
    )
    found: dict[int | None, list[wire.OrderCard]] = {}
    if newest:
        for order, card in zip(newest, order_cards(*newest), strict=True):
            found.setdefault(order.buyer_id, []).append(card)
    return found


def you(*, user: Any, host_id: int | None, piece_id: int | None, now: datetime) -> wire.You:
    """Tell a socket who it is; whoever asks may watch the show."""
    is_host = user.pk is not None and user.pk == host_id
    url = ""
    if piece_id is not None:
        url = pictures.url_for(piece_id, is_host=is_host, now=now)
    if not user.is_authenticated:
        return wire.You(
            role="guest",
            user_id=None,
            name="",
            may_chat=False,
            muted_until=None,
            picture_url=url,
        )
    role: RoleName = "viewer"
    mute = None
    if piece_id is not None:
        standing = read_standing(piece_id, now=now, of=[user.pk])
        role = standing.role_of(user.pk, is_operator=is_operator(user))
        mute = standing.mute_of(user.pk, now=now)
    return wire.You(
        role=role,
        user_id=user.pk,
        name=user.display_name,
        may_chat=True,
        muted_until=None if mute is None else ms_or_none(mute.until),
        picture_url=url,
        mute=None if mute is None else restriction_card(mute),
    )


# --- For those without a socket ---------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    until: float
    snapshot: tuple[str, int, wire.LiveState]


_kept: dict[int, Kept] = {}
_kept_lock = threading.Lock()


def polled_live_state(piece_id: int) -> tuple[str, int, wire.LiveState]:
    """Return (epoch, seq, state) of a show for polling clients, read once a second at most.

    :raises NotFound: there is no such show
    """
    with _kept_lock:
        kept = _kept.get(piece_id)
        if kept is None or kept.until < time.monotonic():
            reading = publishing.read(rooms.live_room(piece_id))
            state = live_state(piece_id, reading=reading)
            found = ("", 0, state) if reading is None else (reading.epoch, reading.seq, state)
            if len(_kept) > 1000:
                _kept.clear()
            kept = _kept[piece_id] = Kept(time.monotonic() + KEEP_SECONDS, found)
    return kept.snapshot
