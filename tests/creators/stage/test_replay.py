"""Old snapshot + events = fresh snapshot, for every type of event, by the page's own reducer.

The services act, the reactions publish, the real Valkey numbers the events, and Node runs the
modules that browsers run. Each case has its control: without the events of its type the states
differ. A new type of event without a case fails here.
"""

import json
import subprocess
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import redis
from django.conf import settings
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from creators.audience.services import record_view
from creators.chat import services as chat
from creators.live import services as live
from creators.live.models import LiveSession
from creators.media import services as media
from creators.media.models import Stream
from creators.pieces import referral
from creators.scoring.events import ScoresChanged
from creators.scoring.models import Formula, Score, Snapshot
from creators.stage import desk, pictures, publishing, rooms, snapshot, wire
from creators.stage.frames import frame
from shops.accounts.models import Address
from shops.checkout.owner import CartOwner
from shops.checkout.services import carts
from shops.facts.publishing import publish
from shops.facts.refused import Refused
from shops.orders import services as orders
from shops.orders.models import Order
from shops.payments.events import PaymentFailed
from shops.payments.models import Payment, PaymentState
from shops.stock import services as stock
from tests.creators.stage.test_js import NODE, PROJECT
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.creators import (
    CreatorFactory,
    LiveSessionFactory,
    PartnerShopFactory,
    PieceProductFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)


class World:
    """A show, its host bob, its viewer alice, and all that they can do."""

    def __init__(self, *, state="live"):
        self.bob = UserFactory(display_name="Bob")
        self.alice = UserFactory(display_name="Alice Rossi")
        self.creator = CreatorFactory(user=self.bob)
        shop = ShopFactory()
        PartnerShopFactory(creator=self.creator, shop=shop)
        self.products = [ProductFactory(shop=shop) for _ in range(3)]
        self.skus = [SkuFactory(product=product, on_hand=50) for product in self.products]
        self.stream = media.open_stream(
            creator=self.creator, is_private=False, now=datetime.now(UTC)
        )
        show = LiveSessionFactory(piece__creator=self.creator, state=state, stream=self.stream)
        if state != "live":
            LiveSession.objects.filter(pk=show.pk).update(started_at=None)
        self.show = show.pk
        for position, product in enumerate(self.products[:2], start=1):
            PieceProductFactory(piece=show.piece, product=product, position=position)
        self.lines = []
        self.orders = []
        self.ticks = 0
        self.valkey = redis.Redis.from_url(settings.REDIS_URL)

    def now(self):
        """A clock on which nobody writes too fast."""
        self.ticks += 1
        return datetime.now(UTC) + timedelta(seconds=5 * self.ticks)

    def host(self, **more):
        return {"piece_id": self.show, "by": self.bob, "now": self.now(), **more}

    # What can happen; `which` chooses among what there is.

    def start(self, which=0):
        live.start_show(**self.host())

    def end(self, which=0):
        live.end_show(**self.host())

    def cancel(self, which=0):
        live.cancel_show(**self.host())

    def add(self, which=2):
        live.add_to_bag(product_id=self.products[which % 3].pk, **self.host())

    def remove(self, which=1):
        live.remove_from_bag(product_id=self.products[which % 3].pk, **self.host())

    def pin(self, which=0):
        live.pin(product_id=self.products[which % 3].pk, **self.host())

    def unpin(self, which=0):
        live.unpin(**self.host())

    def say(self, which=0):
        author = self.bob if which % 2 else self.alice
        message = chat.post_message(
            piece_id=self.show,
            author=author,
            client_id=uuid.uuid4(),
            body=f"line {which} <b>é</b>",
            now=self.now(),
        )
        self.lines.append(message.pk)

    def delete(self, which=0):
        if self.lines:
            line = self.lines[which % len(self.lines)]
            chat.delete_message(message_id=line, by=self.bob, now=self.now())

    def mute(self, which=0):
        chat.mute(user_id=self.alice.pk, lasts=timedelta(hours=3 + which % 5), **self.host())

    def unmute(self, which=0):
        chat.unmute(user_id=self.alice.pk, **self.host())

    def move_stock(self, which=0):
        hold = uuid.uuid4()
        wanted = stock.Wanted(hold_id=hold, sku_id=self.skus[which % 3].pk, quantity=1)
        stock.hold(wanted=[wanted], now=self.now(), ttl=timedelta(minutes=5))
        return hold

    def order(self, which=0):
        now = self.now()
        hold = self.move_stock(which)
        address = Address(full_name="A", line1="B", postal_code="1", city="C", country="IT")
        purchase = orders.place(
            buyer_id=self.alice.pk,
            quote_id=uuid.uuid4(),
            lines=[
                orders.LineToPlace(
                    sku_id=self.skus[which % 3].pk,
                    hold_id=hold,
                    quantity=1,
                    unit_price_minor=1990,
                    referral=referral.make(self.show, self.creator.pk),
                )
            ],
            address={"line1": address.line1},
            currency="EUR",
            now=now,
            pay_by=now + timedelta(minutes=30),
        )
        self.orders.append(purchase)

    def pay(self, which=0):
        unpaid = [one for one in self.orders if one.orders.filter(state="unpaid").exists()]
        if unpaid:
            orders.mark_paid(purchase_id=unpaid[which % len(unpaid)].pk, now=self.now())

    def fail(self, which=0):
        unpaid = [one for one in self.orders if one.orders.filter(state="unpaid").exists()]
        if not unpaid:
            return
        purchase = unpaid[which % len(unpaid)]
        with transaction.atomic():
            payment = Payment.objects.create(
                purchase=purchase,
                card_token="declined",
                state=PaymentState.FAILED,
                currency="EUR",
                amount_minor=purchase.total_minor,
                created_at=self.now(),
            )
            publish(
                PaymentFailed(
                    payment_id=str(payment.pk), purchase_id=str(purchase.pk), code="declined"
                )
            )

    def refund(self, which=0):
        paid = list(Order.objects.filter(buyer=self.alice, paid_at__isnull=False))
        paid = [one for one in paid if not one.is_refunded]
        if paid:
            order = paid[which % len(paid)]
            amount = (order.total_minor - order.refunded_minor + 1) // 2
            orders.record_refund(order_id=order.pk, amount_minor=amount, now=self.now())

    def fill_cart(self, which=0):
        carts.add_to_cart(
            owner=CartOwner(user_id=self.alice.pk),
            sku_id=self.skus[which % 3].pk,
            quantity=1,
            referral="",
            now=self.now(),
        )

    def view(self, which=0):
        record_view(piece_id=self.show, viewer=f"a:{which}", now=self.now())
        desk.publish_figures(self.show)

    def count(self, which=0):
        """As a process does that has some viewers and hearts."""
        keys = rooms.keys_of(rooms.live_room(self.show), database=publishing.database())
        viewers = [f"u:{n}" for n in range(which % 7 + 1)]
        self.valkey.register_script(rooms.COUNT)(
            keys=[keys.head, keys.log, keys.channel, keys.counts, keys.viewers, keys.lags],
            args=[
                *(rooms.new_epoch(), 1000, 3600, which, 30, 11),
                *(rooms.LAG_BUCKET_MS, rooms.GRACE_MS, 5000, 500),
                *(len(viewers), *viewers),
                *(1, 4 + which % 3, 5),
            ],
        )

    def send_picture(self, which=0):
        now = self.now()
        try:
            run = media.publisher_came(stream_id=self.stream.pk, source=Stream.Source.RTMP, now=now)
        except media.PublishingAlready:
            return
        media.picture_started(stream_id=self.stream.pk, run=run, now=now)

    def lose_picture(self, which=0):
        self.stream.refresh_from_db()
        media.publisher_went(stream_id=self.stream.pk, run=self.stream.run, now=self.now())

    def refuse_publisher(self, which=0):
        media.publisher_refused(
            stream_id=self.stream.pk, code=["too_large", "no_video"][which % 2], now=self.now()
        )

    def caption(self, which=0):
        card = pictures.say_caption(
            piece_id=self.show,
            is_host=True,
            text=f"words {which}",
            lang="en",
            spoken_ms=900,
            now=self.now(),
        )
        publishing.publish(rooms.live_room(self.show), [wire.Caption(caption=card)])

    def score(self, which=0):
        with transaction.atomic():
            formula, _ = Formula.objects.get_or_create(
                version=1,
                defaults={"weights": {}, "constants": {}, "active_from": self.now()},
            )
            frozen = Snapshot.objects.create(taken_at=self.now(), formula=formula, peers={})
            before = Score.objects.filter(creator=self.creator).order_by("-pk").first()
            Score.objects.create(
                creator=self.creator,
                indicator="sales",
                snapshot=frozen,
                formula=formula,
                value=f"{which % 100}.25",
                low="0",
                high="100",
                inputs={},
                inputs_sha256="",
                is_provisional=True,
                supersedes=before,
            )
            publish(ScoresChanged(creator_id=self.creator.pk, snapshot_id=frozen.pk))

    # What pages see: alice's and bob's, each with its rooms.

    def pages(self):
        return {"alice": self.alice, "bob": self.bob}

    def rooms_of(self, user):
        found = {"live": rooms.live_room(self.show), "me": rooms.own_room(user.pk)}
        if user == self.bob:
            found["host"] = rooms.host_room(self.show)
        return found

    def snapshots(self, user):
        """What a socket of this user is given, position first."""
        now = self.now()
        told = []
        for kind, room in self.rooms_of(user).items():
            reading = publishing.read(room)
            if kind == "live":
                state = snapshot.live_state(self.show, reading=reading)
            elif kind == "host":
                state = snapshot.host_state(self.show, now=now)
            else:
                state = snapshot.me_state(CartOwner(user_id=user.pk))
            you = snapshot.you(user=user, host_id=self.bob.pk, piece_id=self.show, now=now)
            told.append(
                wire.Snapshot(
                    room=kind, epoch=reading.epoch, seq=reading.seq, at=0, state=state, you=you
                )
            )
        return json.loads(msgspec.json.encode(told))

    def frames(self, user, old):
        """The events since the old snapshots, a frame each, as the hub builds them."""
        told = []
        for one in old:
            room = self.rooms_of(user)[one["room"]]
            reading = publishing.read(room, after=one["seq"], at_most=1000)
            assert reading.epoch == one["epoch"]
            told += [
                json.loads(frame(one["room"], reading.epoch, event.seq, event.seq, [event]))
                for event in reading.events
            ]
        return told


def node(case):
    ran = subprocess.run(
        [NODE, str(PROJECT / "tests" / "js" / "replay.js")],
        input=json.dumps(case),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(ran.stdout)


def replay(world, old, *, of=None):
    """Compare both pages; tell for which of them a loss of all `of` events would be seen."""
    seen = []
    told = set()
    for name, user in world.pages().items():
        frames = world.frames(user, old[name])
        by_room = {}
        for one in frames:
            for event in one["events"]:
                told.add(event["t"])
                if event["t"] == of:
                    by_room.setdefault(one["room"], []).append(event["seq"])
        answer = node(
            {
                "old": old[name],
                "frames": frames,
                "fresh": world.snapshots(user),
                "without": list(by_room.items()),
            }
        )
        assert set(answer["outcomes"]) <= {"applied"}
        assert answer["replayed"] == answer["fresh"]
        assert answer["equal"]
        seen += [room for room in by_room if [room, by_room[room]] not in answer["undetected"]]
    return told, seen


# (how the show is at first, what happened before the old snapshot, what happens after it)
CASES = {
    wire.ShowStarted: ("scheduled", [], ["start"]),
    wire.ShowEnded: ("live", ["pin"], ["end"]),
    wire.ShowCancelled: ("scheduled", [], ["cancel"]),
    wire.BagChanged: ("live", [], ["add", "remove"]),
    wire.Pinned: ("live", [], ["pin"]),
    wire.Unpinned: ("live", ["pin"], ["unpin"]),
    wire.StockMoved: ("live", [], ["move_stock"]),
    wire.Sold: ("live", ["order"], ["pay"]),
    wire.Chat: ("live", ["say"], ["say", "say"]),
    wire.ChatDeleted: ("live", ["say", "say"], ["delete"]),
    wire.Muted: ("live", [], ["mute"]),
    wire.Unmuted: ("live", ["mute"], ["unmute"]),
    wire.Picture: ("live", ["send_picture"], ["lose_picture", "send_picture", "lose_picture"]),
    wire.Caption: ("live", ["caption"], ["caption"]),
    wire.Trouble: ("live", [], ["refuse_publisher"]),
    wire.Counts: ("live", [], ["count"]),
    wire.Figures: ("live", ["order"], ["pay", "view", "refund"]),
    wire.Cart: ("live", [], ["fill_cart"]),
    wire.Order: ("live", [], ["order", "fail", "pay", "refund"]),
    wire.Scores: ("live", ["score"], ["score"]),
}


def test_the_cases_are_the_types_of_the_protocol():
    assert set(CASES) == set(wire.RoomEvent.__subclasses__())
    assert set(CASES) == set(wire.AnyRoomEvent.__args__)


@pytest.mark.parametrize("kind", wire.RoomEvent.__subclasses__(), ids=lambda kind: kind.__name__)
def test_old_snapshot_and_events_make_the_fresh_snapshot(kind):
    state, before, after = CASES[kind]
    world = World(state=state)
    for action in before:
        getattr(world, action)()
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    for which, action in enumerate(after):
        getattr(world, action)() if action in ("add", "remove") else getattr(world, action)(which)

    tag = kind.__struct_config__.tag
    told, seen = replay(world, old, of=tag)

    assert tag in told
    assert seen, f"the control: nobody would notice that all {tag} events were lost"


ACTIONS = (
    "add remove pin unpin say delete mute unmute move_stock"
    " order pay fail refund fill_cart view count score"
    " send_picture lose_picture refuse_publisher caption"
).split()


@hypothesis_settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    before=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 20)), max_size=6),
    after=st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 20)), max_size=12),
    ends=st.booleans(),
)
def test_any_sequence_of_actions(before, after, ends):
    world = World()

    def act(actions):
        for action, which in actions:
            try:
                getattr(world, action)(which)
            except Refused:
                continue

    act(before)
    old = {name: world.snapshots(user) for name, user in world.pages().items()}
    act(after)
    if ends:
        world.end()

    replay(world, old)
