"""`manage.py seed_demo`: a lively site from nothing, and nothing twice."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.staticfiles import finders
from django.core.management import CommandError, call_command

from creators.live import services as live
from creators.live.models import LiveSession, Pin, ShowState
from creators.media.models import Stream
from creators.profiles.models import Creator
from creators.scoring.models import Score
from liveshop.demo import people
from liveshop.demo.shows import NEXT, ON_NOW, PAST
from shops.accounts.models import User
from shops.catalog.models import Category, Product, Shop
from shops.ledger import checks as ledger_checks
from shops.orders.models import Order
from shops.payments.models import Refund
from shops.payouts import statements
from shops.payouts.models import Payout, PayoutAccount, PayoutRun
from shops.returns.models import Return
from shops.stock.models import WaitlistEntry
from shops.webhooks.models import Endpoint

pytestmark = pytest.mark.django_db
PASSWORD = "let us all in, please"


@pytest.fixture
def seed(monkeypatch, settings):
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)
    settings.REMORSE_SECONDS = 60  # as in the demo
    return lambda: call_command("seed_demo")


def _counts():
    models = (
        User,
        Product,
        LiveSession,
        Pin,
        Order,
        Score,
        Refund,
        PayoutAccount,
        Return,
        PayoutRun,
    )
    return {model.__name__: model.objects.count() for model in models}


@pytest.mark.long
def test_it_fills_an_empty_site_once_and_always_leaves_one_show_on(seed):
    seed()

    names = [*people.CAST, *(people.crowd_name(n) for n in range(1, 51))]
    assert User.objects.filter(email__in=[people.email(name) for name in names]).count() == 58
    assert authenticate(username="alice@demo.example", password=PASSWORD)
    assert authenticate(username="crowd50@demo.example", password=PASSWORD)
    assert Category.objects.filter(slug__in=dict(people.CATEGORIES)).count() == 12
    assert Creator.objects.count() == 3
    assert all(finders.find(creator.avatar_path) for creator in Creator.objects.all())
    assert all(finders.find(show.poster_path) for show in LiveSession.objects.all())
    bob = User.objects.get(email="bob@demo.example")
    on = LiveSession.objects.get(state=ShowState.LIVE, piece__creator__user=bob)
    assert on.pins.filter(unpinned_at__isnull=True).count() == 1
    assert on.piece.shown.count() >= 8
    assert on.piece.messages.count() >= 5
    assert LiveSession.objects.filter(state=ShowState.SCHEDULED).count() == len(NEXT)
    assert LiveSession.objects.filter(state=ShowState.ENDED).count() == len(PAST)
    assert Order.objects.filter(paid_at__isnull=False).count() >= 20
    assert {"awaiting_shipment", "delivered", "completed"} <= set(
        Order.objects.values_list("state", flat=True)
    )
    assert Refund.objects.filter(state="succeeded").count() == 1
    assert PayoutAccount.objects.count() == 2
    assert PayoutRun.objects.get().state == "done"
    paid_out = Payout.objects.get(owner=f"shop:{Shop.objects.earliest('pk').pk}")
    assert paid_out.state == "paid"
    [(month, currency), *_] = statements.months(owner=paid_out.owner)
    shown = statements.statement(owner=paid_out.owner, name="", currency=currency, month=month)
    assert shown.rows
    assert list(ledger_checks.off()) == []
    assert Return.objects.get().state == "requested"
    assert WaitlistEntry.objects.filter(state="waiting").count() == 2
    assert not Endpoint.objects.get().is_enabled
    assert set(Score.objects.values_list("creator__handle", "indicator")) == {
        (host.handle, indicator) for host in people.HOSTS for indicator in ("sales", "assiduity")
    }
    before = _counts()

    seed()

    assert _counts() == before

    live.end_show(piece_id=on.pk, by=bob, now=datetime.now(UTC))
    seed()

    again = LiveSession.objects.get(state=ShowState.LIVE)
    assert again.pk != on.pk
    assert again.piece.title == ON_NOW[1].title

    LiveSession.objects.filter(pk=again.pk).update(
        started_at=datetime.now(UTC) - timedelta(hours=20)
    )
    seed()

    third = LiveSession.objects.get(state=ShowState.LIVE)
    assert third.pk != again.pk

    now = datetime.now(UTC)
    lost = timedelta(minutes=settings.SHOW_AWAY_MINUTES + 1)
    Stream.objects.filter(pk=third.stream_id).update(receiving_since=None, lost_at=now - lost)
    LiveSession.objects.filter(pk=third.pk).update(started_at=now - lost, host_seen_at=None)
    seed()

    # The demo was off meanwhile: the worker would end that show before its picture is back.
    fourth = LiveSession.objects.get(state=ShowState.LIVE)
    assert fourth.pk != third.pk
    assert live.end_abandoned(now=now) == 0

    live.end_show(piece_id=fourth.pk, by=bob, now=now)
    planned = live.schedule_show(creator=bob.creator, title="Later", scheduled_at=now, now=now)
    live.rehearse(piece_id=planned.pk, by=bob, now=now)
    seed()

    assert not LiveSession.objects.get(state=ShowState.LIVE).is_rehearsal


@pytest.mark.parametrize("password", ["", "short"])
def test_without_a_password_it_says_what_is_missing(monkeypatch, password):
    monkeypatch.setenv("DEMO_PASSWORD", password)

    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        call_command("seed_demo")
    assert not User.objects.exists()
