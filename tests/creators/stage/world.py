"""A show with its host bob and its viewer alice: all that they can do, and what pages are told."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import msgspec
import redis
from django.conf import settings
from django.db import transaction

from creators.audience.services import record_view
from creators.chat import holding, pinning, posting, questions
from creators.chat.models import Action, Appeal, Filter, Message, Question, Sanction
from creators.chat.moderation import appeals, lines, rules, sanctions, undoing
from creators.chat.moderation.authority import place_of
from creators.live import services as live
from creators.live.models import LiveSession
from creators.media import services as media
from creators.media.models import Stream
from creators.pieces import referral
from creators.scoring.events import ScoresChanged
from creators.scoring.models import Formula, Score, Snapshot
from creators.stage import desk, mods_state, pictures, publishing, rooms, snapshot, wire
from creators.stage.frames import frame
from shops.accounts.models import Address
from shops.checkout.owner import CartOwner
from shops.checkout.services import carts
from shops.facts.publishing import publish
from shops.orders import services as orders
from shops.orders.models import Order
from shops.payments.events import PaymentFailed
from shops.payments.models import Payment, PaymentState
from shops.stock import services as stock
from shops.stock.models import Stock, WaitlistEntry
from shops.stock.services import waitlist
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.creators import (
    CreatorFactory,
    LiveSessionFactory,
    PartnerShopFactory,
    PieceProductFactory,
)
from tests.factories.orders import place_one


class World:
    """A show, its host bob, its viewer alice, and all that they can do."""

    def __init__(self, *, state="live"):
        self.ticks = 0
        self.made_at = datetime.now(UTC)
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
        Filter.objects.create(
            creator=self.creator, kind="words", text="dubious", made_by=self.bob, at=self.made_at
        )
        self.orders = []
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

    def one_of(self, model, which, **more):
        rows = list(model.objects.filter(**more).order_by("pk"))
        return rows[which % len(rows)] if rows else None

    def post(self, author, body, which=0):
        answered = self.one_of(Message, which) if which % 3 == 2 else None
        return posting.post_message(
            piece_id=self.show,
            author=author,
            client_id=uuid.uuid4(),
            body=f"{body} {self.ticks} <b>é</b>",
            reply_to=None if answered is None else answered.pk,
            now=self.now(),
        )

    def say(self, which=0):
        self.post(self.bob if which % 2 else self.alice, "line for @Bob", which)

    def say_dubious(self, which=0):
        self.post(self.alice, "something dubious", which)

    def hold(self, which=0):
        rules.set_rules(place=place_of(self.show), by=self.bob, now=self.now(), hold_seconds=3)

    def show_due(self, which=0):
        holding.show_due(now=self.now())

    def judge(self, which=0):
        line = self.one_of(Message, which, state__in=["held", "withheld"])
        if line is not None:
            lines.judge_line(message_id=line.pk, show=which % 2 == 0, by=self.bob, now=self.now())

    def delete(self, which=0):
        line = self.one_of(Message, which)
        if line is not None:
            by = line.author if which % 3 == 2 else self.bob
            lines.delete_message(message_id=line.pk, by=by, now=self.now())

    def restore(self, which=0):
        line = self.one_of(Message, which, deleted_at__isnull=False)
        if line is not None:
            lines.restore_message(message_id=line.pk, by=self.bob, now=self.now())

    def pin_line(self, which=0):
        line = self.one_of(Message, which)
        if line is not None:
            pinning.pin_line(message_id=line.pk, **self.host())

    def unpin_line(self, which=0):
        pinning.unpin_line(**self.host())

    def set_rules(self, which=0):
        rules.set_rules(
            place=place_of(self.show, scope="creator" if which % 3 == 2 else "show"),
            by=self.bob,
            now=self.now(),
            slow_seconds=[0, 3, 120][which % 3],
            followers_only=which % 2 == 1,
        )

    def ask(self, which=0):
        questions.ask(
            piece_id=self.show,
            author=self.bob if which % 2 else self.alice,
            client_id=uuid.uuid4(),
            body=f"why {which}?",
            product_id=None,
            now=self.now(),
        )

    def about_question(self, change, which, **by):
        question = self.one_of(Question, which)
        if question is not None:
            change(question_id=question.pk, **self.host(**by))

    def vote(self, which=0):
        self.about_question(questions.vote, which, by=[self.alice, self.bob][which % 2])

    def unvote(self, which=0):
        self.about_question(questions.unvote, which, by=[self.alice, self.bob][which % 2])

    def answer(self, which=0):
        self.about_question(questions.answer, which)

    def delete_question(self, which=0):
        self.about_question(questions.delete_question, which)

    def mute(self, which=0):
        sanctions.mute(
            user_id=self.alice.pk,
            lasts=None if which % 5 == 4 else timedelta(hours=3 + which % 5),
            scope="creator" if which % 3 == 2 else "show",
            reason="shouting",
            **self.host(),
        )

    def unmute(self, which=0):
        sanctions.unmute(user_id=self.alice.pk, **self.host())

    def appeal(self, which=0):
        sanction = self.one_of(Sanction, which, user=self.alice)
        if sanction is not None:
            appeals.appeal(
                sanction_id=sanction.pk, by=self.alice, text="I was only happy", now=self.now()
            )

    def answer_appeal(self, which=0):
        appeal = self.one_of(Appeal, which)
        if appeal is not None:
            appeals.answer(
                appeal_id=appeal.pk,
                by=self.bob,
                grant=which % 2 == 0,
                words="You wrote in capitals",
                now=self.now(),
            )

    def undo(self, which=0):
        action = self.one_of(Action, which)
        if action is not None:
            undoing.undo(action_id=action.pk, by=self.bob, now=self.now())

    def move_stock(self, which=0):
        hold = uuid.uuid4()
        wanted = stock.Wanted(hold_id=hold, sku_id=self.skus[which % 3].pk, quantity=1)
        stock.hold(wanted=[wanted], now=self.now(), ttl=timedelta(minutes=5))
        return hold

    def order(self, which=0):
        now = self.now()
        hold = self.move_stock(which)
        address = Address(full_name="A", line1="B", postal_code="1", city="C", country="IT")
        purchase = place_one(
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

    def offer(self, which=0):
        """Sell all units, have alice wait for one, and let one go."""
        sku, now = self.skus[which % 3], self.now()
        left = Stock.objects.get(pk=sku.pk).available
        wanted = [stock.Wanted(uuid.uuid4(), sku.pk, 1) for _ in range(max(left, 1))]
        if left:
            stock.hold(wanted=wanted, now=now, ttl=timedelta(minutes=5))
            waitlist.join(user=self.alice, sku_id=sku.pk, quantity=1, now=now)
            stock.release(hold_ids=[wanted[0].hold_id], now=now)

    def end_offer(self, which=0):
        entry = WaitlistEntry.objects.filter(state="offered").order_by("pk").first()
        if entry is not None:
            waitlist.decline(entry_id=entry.pk, user_id=self.alice.pk, now=self.now())

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
            found["mods"] = rooms.mods_room(self.show)
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
                state = snapshot.host_state(self.show)
            elif kind == "mods":
                state = mods_state.mods_state(self.show, now=now)
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
                json.loads(frame(one["room"], reading.epoch, event.seq, event.seq, [event]).body)
                for event in reading.events
            ]
        return told
