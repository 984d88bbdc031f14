"""recompute(): rows from real orders, shows, views and clicks; superseded, never edited."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from creators.audience.models import ProductClick, QualifiedView
from creators.live.models import ShowState
from creators.scoring import queries, reactions, services
from creators.scoring.models import Indicator, Score, Snapshot
from shops.accounts.models import Address
from shops.facts.models import Event
from shops.orders.events import OrderPaid
from shops.orders.models import OrderState
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, ShopStaffFactory, SkuFactory
from tests.factories.creators import (
    CreatorFactory,
    LiveSessionFactory,
    PieceProductFactory,
    PinFactory,
)
from tests.factories.scoring import paid_order

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
def creator(bob):
    bob.creator.created_at = NOON - timedelta(days=20)
    bob.creator.save()
    return bob.creator


@pytest.fixture
def rival():
    return CreatorFactory(created_at=NOON - timedelta(days=20))


@pytest.fixture
def show(creator):
    """An hour of bob's, yesterday, with one product pinned for 40 minutes."""
    began = NOON - timedelta(days=1)
    session = LiveSessionFactory(
        piece__creator=creator,
        state=ShowState.ENDED,
        scheduled_at=began,
        started_at=began,
        ended_at=began + timedelta(hours=1),
    )
    product = ProductFactory()
    PieceProductFactory(piece=session.piece, product=product)
    PinFactory(
        session=session,
        product=product,
        pinned_at=began,
        unpinned_at=began + timedelta(minutes=40),
    )
    return session


def _latest(creator):
    return queries.latest_scores(creator_id=creator.pk)


def test_orders_views_clicks_and_pinned_time_go_in(creator, rival, show):
    buyer = UserFactory()
    paid_order(piece=show.piece, at=NOON - timedelta(hours=2), buyer=buyer, minor=2500)
    for viewer in (f"u:{buyer.pk}", "a:somebody", f"u:{creator.user_id}"):
        QualifiedView.objects.create(piece=show.piece, viewer=viewer, day=NOON.date())
    ProductClick.objects.create(
        piece=show.piece, product=ProductFactory(), viewer="a:somebody", day=NOON.date()
    )

    services.recompute(creator_ids=None, now=NOON)

    sales, assiduity = _latest(creator)[Indicator.SALES], _latest(creator)[Indicator.ASSIDUITY]
    assert sales.inputs["buyers"] == 1
    assert sales.inputs["gmv_minor"] == 2500
    assert sales.inputs["currency"] == "EUR"
    assert sales.inputs["views"] == 2
    assert sales.inputs["clickers"] == 2
    assert assiduity.inputs["active_days"] == 1
    assert assiduity.inputs["days"] == 20
    assert assiduity.inputs["products"] == 1
    assert assiduity.inputs["lives"] == 1
    assert sales.is_provisional
    assert sales.value > _latest(rival)[Indicator.SALES].value
    assert assiduity.value > _latest(rival)[Indicator.ASSIDUITY].value
    assert sales.low <= sales.value <= sales.high


def test_a_second_run_writes_nothing(creator, rival, show):
    paid_order(piece=show.piece, at=NOON - timedelta(hours=2))

    assert len(services.recompute(creator_ids=None, now=NOON)) == 4
    assert services.recompute(creator_ids=None, now=NOON + timedelta(minutes=5)) == []
    assert services.recompute(creator_ids=[creator.pk], now=NOON + timedelta(hours=1)) == []
    assert Snapshot.objects.count() == 1


def test_a_new_order_supersedes_the_row_and_keeps_it(creator, rival, show):
    services.recompute(creator_ids=None, now=NOON)
    before = _latest(creator)[Indicator.SALES]
    paid_order(piece=show.piece, at=NOON)

    (after,) = services.recompute(creator_ids=[creator.pk], now=NOON)

    assert after.indicator == Indicator.SALES
    assert after.supersedes == before
    assert after.inputs_sha256 != before.inputs_sha256
    assert after.value > before.value
    # Only bob's events were read: against the same frozen peers the change is all his.
    assert after.inputs["change"] == {"yours": str(after.value - before.value), "peers": "0.0000"}
    assert Score.objects.filter(pk=before.pk, value=before.value).exists()
    assert Event.objects.filter(kind="ScoresChanged").count() == 3


def test_a_refund_makes_a_new_row_that_takes_the_sale_back(creator, rival, show):
    order = paid_order(piece=show.piece, at=NOON - timedelta(hours=2), minor=3000)
    services.recompute(creator_ids=None, now=NOON)
    sold = _latest(creator)[Indicator.SALES]
    order.refunded_minor = order.total_minor
    order.save()

    (refunded,) = services.recompute(creator_ids=[creator.pk], now=NOON)

    assert (refunded.inputs["buyers"], refunded.inputs["gmv_minor"]) == (0, 0)
    assert refunded.value < sold.value
    assert refunded.inputs["kept"]["mean"] < sold.inputs["kept"]["mean"]
    assert refunded.inputs_sha256 != sold.inputs_sha256


def test_cancelled_and_unpaid_orders_do_not_count(creator, show):
    paid_order(piece=show.piece, at=NOON, minor=500)
    cancelled = paid_order(piece=show.piece, at=NOON)
    cancelled.state = OrderState.CANCELLED
    cancelled.save()
    unpaid = paid_order(piece=show.piece, at=NOON)
    unpaid.paid_at, unpaid.state = None, OrderState.UNPAID
    unpaid.save()

    services.recompute(creator_ids=None, now=NOON)

    inputs = _latest(creator)[Indicator.SALES].inputs
    assert (inputs["buyers"], inputs["gmv_minor"]) == (1, 500)


def test_own_linked_and_staff_orders_are_left_out_and_said_so(creator, show):
    Address.objects.create(
        user=creator.user, line1="Via Roma 1", postal_code="00100", city="Roma", country="IT"
    )
    sku = SkuFactory()
    staff = ShopStaffFactory(shop=sku.product.shop, user=UserFactory())
    paid_order(piece=show.piece, at=NOON, buyer=creator.user, address={"line1": "Elsewhere"})
    paid_order(
        piece=show.piece,
        at=NOON,
        address={"line1": "VIA ROMA, 1", "postal_code": "00100", "city": "roma", "country": "IT"},
    )
    paid_order(piece=show.piece, at=NOON, buyer=staff.user, sku=sku)

    services.recompute(creator_ids=None, now=NOON)

    inputs = _latest(creator)[Indicator.SALES].inputs
    assert inputs["buyers"] == 0
    assert inputs["left_out"] == {"linked": 1, "own": 1, "staff": 1}


def test_an_altered_referral_credits_nobody(creator, rival, show):
    order = paid_order(piece=show.piece, at=NOON)
    line = order.lines.get()
    kind, piece, _creator, pin, signature = line.referral.split(".")
    line.referral = f"{kind}.{piece}.{rival.pk}.{pin}.{signature}"
    line.save()

    services.recompute(creator_ids=None, now=NOON)

    assert _latest(rival)[Indicator.SALES].inputs["buyers"] == 0
    assert _latest(creator)[Indicator.SALES].inputs["buyers"] == 0


def test_a_show_over_midnight_counts_on_both_days(creator):
    midnight = datetime(2026, 6, 10, tzinfo=UTC)
    session = LiveSessionFactory(
        piece__creator=creator,
        state=ShowState.ENDED,
        started_at=midnight - timedelta(minutes=35),
        ended_at=midnight + timedelta(minutes=45),
    )
    PinFactory(session=session, pinned_at=midnight - timedelta(hours=1), unpinned_at=None)

    services.recompute(creator_ids=[creator.pk], now=NOON)

    assert _latest(creator)[Indicator.ASSIDUITY].inputs["active_days"] == 2


def test_what_lies_ninety_days_back_no_longer_counts(creator, show):
    paid_order(piece=show.piece, at=NOON - timedelta(days=89))
    paid_order(piece=show.piece, at=NOON - timedelta(days=91))

    services.recompute(creator_ids=[creator.pk], now=NOON)

    assert _latest(creator)[Indicator.SALES].inputs["buyers"] == 1


def test_a_new_day_freezes_the_peers_anew(creator, rival, show):
    services.recompute(creator_ids=[creator.pk], now=NOON)
    services.recompute(creator_ids=[creator.pk], now=NOON + timedelta(days=1))

    assert Snapshot.objects.count() == 2


def test_a_burst_of_orders_queues_one_job(creator, show):
    from procrastinate.contrib.django.models import ProcrastinateJob

    order = paid_order(piece=show.piece, at=NOON)
    fact = OrderPaid(
        order_id=order.pk,
        number=order.number,
        purchase_id=str(order.purchase_id),
        buyer_id=order.buyer_id,
        shop_id=order.shop_id,
        currency="EUR",
        total_minor=order.total_minor,
        referrals=[line.referral for line in order.lines.all()],
    )
    for event_id in range(5):
        with transaction.atomic():
            reactions.rescore_after_order(fact, event_id=event_id, now=NOON)

    jobs = ProcrastinateJob.objects.filter(task_name="scoring.rescore", status="todo")
    assert [job.args for job in jobs] == [{"creator_id": creator.pk}]


def test_an_order_that_cost_nothing_is_a_sample_and_changes_no_score(creator, show):
    paid_order(piece=show.piece, at=NOON - timedelta(days=1), minor=2500)
    services.recompute(creator_ids=None, now=NOON)
    before = _latest(creator)[Indicator.SALES]

    paid_order(piece=show.piece, at=NOON - timedelta(hours=1), minor=0)
    services.recompute(creator_ids=None, now=NOON)

    after = _latest(creator)[Indicator.SALES]
    assert after.inputs["left_out"] == {"sample": 1}
    assert (after.value, after.low, after.high) == (before.value, before.low, before.high)
    for name in ("kept", "buyers", "clickers", "conversion"):
        assert after.inputs[name] == before.inputs[name]


def test_a_rehearsal_counts_for_nothing_not_even_while_it_goes_on(creator, rival, show):
    services.recompute(creator_ids=None, now=NOON)
    before = _latest(creator)
    rehearsal = LiveSessionFactory(
        piece__creator=creator, rehearsal_of=show, started_at=NOON - timedelta(hours=3)
    )
    product = ProductFactory()
    PieceProductFactory(piece=rehearsal.piece, product=product)
    PinFactory(session=rehearsal, product=product, pinned_at=NOON - timedelta(hours=3))
    buyer = UserFactory()
    day = (NOON - timedelta(hours=2)).date()
    paid_order(piece=rehearsal.piece, at=NOON - timedelta(hours=2), buyer=buyer, minor=2500)
    QualifiedView.objects.create(piece=rehearsal.piece, viewer="a:1", day=day)
    ProductClick.objects.create(piece=rehearsal.piece, product=product, viewer="a:1", day=day)

    assert services.recompute(creator_ids=[creator.pk], now=NOON) == []
    assert services.recompute(creator_ids=None, now=NOON) == []
    assert _latest(creator) == before
    # The control: as a show it counts.
    rehearsal.rehearsal_of = None
    rehearsal.save()
    assert len(services.recompute(creator_ids=[creator.pk], now=NOON)) == 2
