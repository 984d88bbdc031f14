"""What browsers are told when something happened: facts in, wire events out.

Each reaction runs after the commit, in the process that published the fact; those of sales once for
all facts of a transaction, which may be a hundred orders. It reads what is true
now and tells that: a later state told early is harmless, since events are absolute.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from creators.live.events import (
    BagChanged,
    ProductPinned,
    ProductUnpinned,
    RehearsalEnded,
    RehearsalStarted,
    ShowCancelled,
    ShowChanged,
    ShowEnded,
    ShowStarted,
)
from creators.live.models import LiveSession, Pin
from creators.live.queries import show
from creators.media.events import PictureFact, PublisherRefused
from creators.pieces import referral
from creators.profiles.models import Creator
from creators.scoring.events import ScoresChanged
from creators.stage import pictures, publishing, snapshot, statements, wire
from creators.stage.rooms import KEEP_SECONDS, host_room, live_room, own_room
from creators.stage.times import ms
from shops.accounts.events import SignedOut
from shops.accounts.models import User
from shops.checkout.events import CartChanged
from shops.facts.publishing import for_many
from shops.orders.events import OrderFact, OrderPaid, OrderRefunded
from shops.orders.models import Order, OrderLine
from shops.orders.queries import orders_by_id
from shops.payments.events import PaymentFailed
from shops.stock.events import StockChanged, WaitlistEnded, WaitlistOffered
from shops.stock.models import WaitlistEntry

# --- Accounts, shops --------------------------------------------------------------------------


def signed_out(fact: SignedOut) -> None:
    publishing.control(
        {"kind": "signed_out", "user_id": fact.user_id, "session_hash": fact.session_hash}
    )


@for_many
def stock_changed(facts: Sequence[StockChanged]) -> None:
    """Tell every show that has the product in its bag and that somebody may sit in.

    Viewers wait before a show begins, and buy when it has just ended.
    """
    lately = datetime.now(UTC) - timedelta(seconds=KEEP_SECONDS)
    # Absolute figures: the last one of each SKU is enough.
    newest = {fact.sku_id: fact for fact in facts}
    told = _by_product(newest.values())
    found: dict[str, list[wire.AnyRoomEvent]] = defaultdict(list)
    for product_id, piece_id in statements.shows_with(product_ids=told.keys(), lately=lately):
        found[live_room(piece_id)] += told[product_id]
    publishing.publish_all(found)


def _by_product(facts: Iterable[StockChanged]) -> dict[int, list[wire.AnyRoomEvent]]:
    found: dict[int, list[wire.AnyRoomEvent]] = defaultdict(list)
    for fact in facts:
        found[fact.product_id].append(
            wire.StockMoved(
                sku_id=fact.sku_id,
                product_id=fact.product_id,
                available=fact.available,
                rev=fact.rev,
            )
        )
    return found


@for_many
def cart_changed(facts: Sequence[CartChanged]) -> None:
    # Absolute figures: the newest of each cart are enough.
    newest = {fact.room: fact for fact in sorted(facts, key=attrgetter("version"))}
    publishing.publish_all(
        {room: [wire.Cart(version=fact.version, units=fact.units)] for room, fact in newest.items()}
    )


@for_many
def order_changed(facts: Sequence[OrderFact]) -> None:
    """Tell the buyers' tabs."""
    _tell_buyers(orders_by_id(order_ids=sorted({fact.order_id for fact in facts})))


@for_many
def order_paid(facts: Sequence[OrderPaid]) -> None:
    """Tell the shows that sold them, and their hosts; `order_changed` tells the buyers."""
    through = {fact.order_id: pieces for fact in facts if (pieces := _pieces(fact))}
    if not through:
        return
    buyers = dict(
        User.objects.filter(pk__in={fact.buyer_id for fact in facts}).values_list(
            "pk", "display_name"
        )
    )
    names = {fact.order_id: abbreviated(buyers[fact.buyer_id]) for fact in facts}
    lines = list(
        OrderLine.objects.filter(order_id__in=through)
        .exclude(referral="")
        .select_related("sku")
        .order_by("pk")
    )
    told: dict[str, list[wire.AnyRoomEvent]] = {}
    for piece_id in sorted({piece_id for pieces in through.values() for piece_id in pieces}):
        sold = snapshot.sold_by_product(piece_id)
        told[live_room(piece_id)] = [
            wire.Sold(
                product_id=line.sku.product_id,
                title=line.title,
                buyer=names[line.order_id],
                quantity=line.quantity,
                sold=sold.get(line.sku.product_id, 0),
            )
            for line in lines
            if line.referral.startswith(referral.prefix(piece_id))
        ]
        told[host_room(piece_id)] = [snapshot.figures(piece_id)]
    publishing.publish_all(told)


@for_many
def order_refunded(facts: Sequence[OrderRefunded]) -> None:
    order_changed(facts)
    pieces = {piece_id for fact in facts for piece_id in _pieces(fact)}
    publishing.publish_all(
        {host_room(piece_id): [snapshot.figures(piece_id)] for piece_id in sorted(pieces)}
    )


@for_many
def payment_failed(facts: Sequence[PaymentFailed]) -> None:
    purchases = {fact.purchase_id for fact in facts}
    _tell_buyers(Order.objects.filter(purchase_id__in=purchases).order_by("pk"))


def abbreviated(name: str) -> str:
    """Shorten a name for everybody's eyes: "Alice Rossi" becomes "Alice R."."""
    first, *others = name.split() or [""]
    return f"{first} {others[-1][0]}." if others else first


def _pieces(fact: OrderFact) -> list[int]:
    found = (referral.read(text) for text in fact.referrals)
    return sorted({one.piece_id for one in found if one is not None})


def _tell_buyers(orders: Iterable[Order]) -> None:
    found: dict[str, list[wire.AnyRoomEvent]] = defaultdict(list)
    orders = list(orders)
    if orders:
        for order, card in zip(orders, snapshot.order_cards(*orders), strict=True):
            found[own_room(order.buyer_id)].append(wire.Order(order=card))
    publishing.publish_all(found)


@for_many
def waitlist_offered(facts: Sequence[WaitlistOffered]) -> None:
    _tell_offers({fact.entry_id for fact in facts})


@for_many
def waitlist_ended(facts: Sequence[WaitlistEnded]) -> None:
    _tell_offers({fact.entry_id for fact in facts})


def _tell_offers(entry_ids: Collection[int]) -> None:
    entries = list(
        WaitlistEntry.objects.select_related("sku__product").filter(pk__in=entry_ids).order_by("pk")
    )
    found: dict[str, list[wire.AnyRoomEvent]] = defaultdict(list)
    for entry, card in zip(entries, snapshot.offer_cards(entries), strict=True):
        found[own_room(entry.user_id)].append(wire.Offer(offer=card))
    publishing.publish_all(found)


# --- Shows ------------------------------------------------------------------------------------


def show_changed(fact: ShowChanged) -> None:
    """Let those who wait for a show come in anew: perhaps it is not for everybody any more."""
    publishing.control({"kind": "door", "piece_id": fact.piece_id})


@publishing.or_renew(live_room)
def show_started(fact: ShowStarted | RehearsalStarted) -> None:
    session = LiveSession.objects.get(pk=fact.piece_id)
    publishing.publish(
        live_room(fact.piece_id),
        [
            wire.ShowStarted(rev=fact.rev, started_at=ms(session.started_at or datetime.now(UTC))),
            _picture(fact.piece_id),
        ],
    )


@publishing.or_renew(live_room)
def show_ended(fact: ShowEnded | RehearsalEnded) -> None:
    session = LiveSession.objects.get(pk=fact.piece_id)
    ended_at = session.ended_at or datetime.now(UTC)
    publishing.publish(
        live_room(fact.piece_id),
        [
            wire.ShowEnded(
                rev=fact.rev,
                started_at=ms(session.started_at or ended_at),
                ended_at=ms(ended_at),
            ),
            _picture(fact.piece_id),
        ],
    )


def show_cancelled(fact: ShowCancelled) -> None:
    publishing.publish(live_room(fact.piece_id), [wire.ShowCancelled(rev=fact.rev)])


@publishing.or_renew(live_room)
def bag_changed(fact: BagChanged) -> None:
    products = snapshot.bag_cards(show(fact.piece_id))
    publishing.publish(live_room(fact.piece_id), [wire.BagChanged(rev=fact.rev, products=products)])


@publishing.or_renew(live_room)
def pinned(fact: ProductPinned) -> None:
    pin = Pin.objects.get(pk=fact.pin_id)
    card = snapshot.pin_card(pin, creator_id=fact.creator_id)
    publishing.publish(live_room(fact.piece_id), [wire.Pinned(rev=fact.rev, pin=card)])


def unpinned(fact: ProductUnpinned) -> None:
    publishing.publish(live_room(fact.piece_id), [wire.Unpinned(rev=fact.rev, pin_id=fact.pin_id)])


# --- Pictures ---------------------------------------------------------------------------------


def picture_changed(fact: PictureFact) -> None:
    """Tell viewers that their picture came or went, and the host what was wrong with it."""
    piece_id = pictures.piece_of(fact.stream_id)
    if piece_id is not None:
        publishing.publish(live_room(piece_id), [_picture(piece_id)])
        publishing.publish(host_room(piece_id), [_trouble(piece_id)])


def publisher_refused(fact: PublisherRefused) -> None:
    piece_id = pictures.piece_of(fact.stream_id)
    if piece_id is not None:
        publishing.publish(host_room(piece_id), [_trouble(piece_id)])


def _picture(piece_id: int) -> wire.Picture:
    return wire.Picture(picture=pictures.picture_card(piece_id, now=datetime.now(UTC)))


def _trouble(piece_id: int) -> wire.Trouble:
    return wire.Trouble(trouble=pictures.trouble_card(piece_id))


# --- Scores -----------------------------------------------------------------------------------


def scores_changed(fact: ScoresChanged) -> None:
    event = snapshot.scores(fact.creator_id)
    user_id = Creator.objects.values_list("user_id", flat=True).get(pk=fact.creator_id)
    if event is not None:
        publishing.publish(own_room(user_id), [event])
