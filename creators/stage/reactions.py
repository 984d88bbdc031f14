"""What browsers are told when something happened: facts in, wire events out.

Each reaction runs after the commit, in the process that published the fact. It reads what is true
now and tells that: a later state told early is harmless, since events are absolute.
"""

from datetime import UTC, datetime, timedelta

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


def stock_changed(fact: StockChanged) -> None:
    """Tell every show that has the product in its bag and that somebody may sit in.

    Viewers wait before a show begins, and buy when it has just ended.
    """
    lately = datetime.now(UTC) - timedelta(seconds=KEEP_SECONDS)
    event = wire.StockMoved(
        sku_id=fact.sku_id,
        product_id=fact.product_id,
        available=fact.available,
        rev=fact.rev,
    )
    for piece_id in statements.shows_with(product_id=fact.product_id, lately=lately):
        publishing.publish(live_room(piece_id), [event])


def cart_changed(fact: CartChanged) -> None:
    publishing.publish(fact.room, [wire.Cart(version=fact.version, units=fact.units)])


def order_changed(fact: OrderFact) -> None:
    """Tell the buyer's tabs."""
    _tell_buyer(*orders_by_id(order_ids=[fact.order_id]))


def order_paid(fact: OrderPaid) -> None:
    """Tell the buyer, the shows that sold it, and their hosts."""
    order_changed(fact)
    pieces = _pieces(fact)
    if not pieces:
        return
    buyer = abbreviated(User.objects.get(pk=fact.buyer_id).display_name)
    lines = list(
        OrderLine.objects.filter(order_id=fact.order_id)
        .exclude(referral="")
        .select_related("sku")
        .order_by("pk")
    )
    for piece_id in pieces:
        sold = snapshot.sold_by_product(piece_id)
        publishing.publish(
            live_room(piece_id),
            [
                wire.Sold(
                    product_id=line.sku.product_id,
                    title=line.title,
                    buyer=buyer,
                    quantity=line.quantity,
                    sold=sold.get(line.sku.product_id, 0),
                )
                for line in lines
                if line.referral.startswith(referral.prefix(piece_id))
            ],
        )
        publishing.publish(host_room(piece_id), [snapshot.figures(piece_id)])


def order_refunded(fact: OrderRefunded) -> None:
    order_changed(fact)
    for piece_id in _pieces(fact):
        publishing.publish(host_room(piece_id), [snapshot.figures(piece_id)])


def payment_failed(fact: PaymentFailed) -> None:
    _tell_buyer(*Order.objects.filter(purchase_id=fact.purchase_id).order_by("pk"))


def abbreviated(name: str) -> str:
    """Shorten a name for everybody's eyes: "Alice Rossi" becomes "Alice R."."""
    first, *others = name.split() or [""]
    return f"{first} {others[-1][0]}." if others else first


def _pieces(fact: OrderFact) -> list[int]:
    found = (referral.read(text) for text in fact.referrals)
    return sorted({one.piece_id for one in found if one is not None})


def _tell_buyer(*orders: Order) -> None:
    if orders:
        publishing.publish(
            own_room(orders[0].buyer_id),
            [wire.Order(order=card) for card in snapshot.order_cards(*orders)],
        )


def waitlist_offered(fact: WaitlistOffered) -> None:
    _tell_offer(fact.entry_id)


def waitlist_ended(fact: WaitlistEnded) -> None:
    _tell_offer(fact.entry_id)


def _tell_offer(entry_id: int) -> None:
    entry = WaitlistEntry.objects.select_related("sku__product").get(pk=entry_id)
    publishing.publish(
        own_room(entry.user_id),
        [wire.Offer(offer=card) for card in snapshot.offer_cards([entry])],
    )


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
