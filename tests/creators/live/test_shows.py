import threading

import pytest
from django.db import connection

from creators.live import services
from creators.live.models import LiveSession, ShowEvent, ShowState
from creators.pieces.models import PieceProduct
from shops.facts.models import Event
from shops.facts.refused import Invalid, NotFound
from tests.factories.creators import LiveSessionFactory


def _scheduled(bob, **fields):
    return LiveSessionFactory(
        piece__creator=bob.creator, state=ShowState.SCHEDULED, started_at=None, **fields
    )


def test_a_show_is_scheduled_with_its_bag_in_the_order_given(bob, product, other_product, now):
    session = services.schedule_show(
        creator=bob.creator,
        title="  Spring   scarves ",
        scheduled_at=now,
        planned_minutes=45,
        product_ids=[other_product.pk, product.pk, other_product.pk],
        now=now,
    )
    assert session.state == ShowState.SCHEDULED
    assert session.piece.title == "Spring scarves"
    shown = PieceProduct.objects.filter(piece=session.piece).order_by("position")
    assert [item.product_id for item in shown] == [other_product.pk, product.pk]
    assert Event.objects.get(kind="ShowScheduled").payload["piece_id"] == session.pk


@pytest.mark.parametrize(
    "fields",
    [{"title": "  "}, {"title": "x" * 121}, {"planned_minutes": 4}, {"planned_minutes": 721}],
)
def test_a_show_without_a_title_or_of_no_sensible_length_is_refused(bob, now, fields):
    with pytest.raises(Invalid):
        services.schedule_show(
            creator=bob.creator, scheduled_at=now, now=now, **{"title": "Show", **fields}
        )
    assert not LiveSession.objects.exists()


def test_a_show_with_a_foreign_product_is_not_scheduled_at_all(bob, foreign_product, now):
    with pytest.raises(services.NotPartner):
        services.schedule_show(
            creator=bob.creator,
            title="Hats",
            scheduled_at=now,
            product_ids=[foreign_product.pk],
            now=now,
        )
    assert not LiveSession.objects.exists()


def test_starting_and_ending_are_written_down(bob, now):
    session = _scheduled(bob)
    services.start_show(piece_id=session.pk, by=bob, now=now)
    services.end_show(piece_id=session.pk, by=bob, now=now)
    session.refresh_from_db()
    assert (session.state, session.started_at, session.ended_at) == (ShowState.ENDED, now, now)
    assert session.rev == 2
    moves = ShowEvent.objects.filter(session=session).order_by("pk")
    assert [(move.from_state, move.to_state) for move in moves] == [
        ("scheduled", "live"),
        ("live", "ended"),
    ]
    assert list(Event.objects.order_by("pk").values_list("kind", flat=True)) == [
        "ShowStarted",
        "ShowEnded",
    ]


def test_ending_a_show_ends_its_pin(show, bob, product, now):
    pin = services.pin(piece_id=show.pk, product_id=product.pk, by=bob, now=now)
    services.end_show(piece_id=show.pk, by=bob, now=now)
    pin.refresh_from_db()
    assert pin.unpinned_at == now


def test_an_ended_show_does_not_start_again(bob, now):
    session = _scheduled(bob)
    services.start_show(piece_id=session.pk, by=bob, now=now)
    services.end_show(piece_id=session.pk, by=bob, now=now)
    with pytest.raises(services.WrongState):
        services.start_show(piece_id=session.pk, by=bob, now=now)


def test_starting_twice_starts_once(bob, now):
    session = _scheduled(bob)
    services.start_show(piece_id=session.pk, by=bob, now=now)
    again = services.start_show(piece_id=session.pk, by=bob, now=now)
    assert again.is_live
    assert ShowEvent.objects.filter(session=session).count() == 1


def test_a_live_show_is_not_cancelled(show, bob, now):
    with pytest.raises(services.WrongState):
        services.cancel_show(piece_id=show.pk, by=bob, now=now)


def test_a_scheduled_show_is_cancelled(bob, now):
    session = _scheduled(bob)
    services.cancel_show(piece_id=session.pk, by=bob, now=now)
    session.refresh_from_db()
    assert session.state == ShowState.CANCELLED


@pytest.mark.parametrize("change", [services.start_show, services.end_show, services.cancel_show])
def test_only_the_host_changes_a_show(show, alice, olga, now, change):
    for stranger in (alice, olga):
        with pytest.raises(services.NotHost):
            change(piece_id=show.pk, by=stranger, now=now)


def test_a_show_that_does_not_exist_is_not_found(bob, now):
    with pytest.raises(NotFound):
        services.start_show(piece_id=10**9, by=bob, now=now)


def test_a_creator_is_live_in_one_show_only(show, bob, now):
    second = _scheduled(bob)
    with pytest.raises(services.AlreadyLive) as refused:
        services.start_show(piece_id=second.pk, by=bob, now=now)
    assert refused.value.extra == {"piece_id": show.pk}


@pytest.mark.django_db(transaction=True)
def test_of_two_shows_started_at_once_one_is_live(bob, now):
    shows = [_scheduled(bob), _scheduled(bob)]
    barrier = threading.Barrier(2)
    refused = []

    def start(session):
        try:
            barrier.wait()
            services.start_show(piece_id=session.pk, by=bob, now=now)
        except services.AlreadyLive as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=start, args=(session,)) for session in shows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert LiveSession.objects.filter(state=ShowState.LIVE).count() == 1
