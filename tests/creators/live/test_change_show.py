"""Changing what was announced of a show."""

from datetime import timedelta

import pytest

from creators.live import services
from creators.live.models import LiveSession
from shops.facts.models import Event
from shops.facts.refused import Invalid


@pytest.fixture
def planned(bob, now):
    return services.schedule_show(
        creator=bob.creator, title="Before", scheduled_at=now + timedelta(hours=2), now=now
    )


@pytest.fixture
def change(planned, bob, now):
    def with_fields(**fields):
        return services.change_show(
            **{
                "piece_id": planned.pk,
                "by": bob,
                "title": "After",
                "scheduled_at": now + timedelta(hours=3),
                "planned_minutes": 30,
                "category_id": None,
                "language": "fr",
                "visibility": "private",
                "now": now,
                **fields,
            }
        )

    return with_fields


def test_all_of_it_is_changed_and_told(change, planned, now):
    change()
    show = LiveSession.objects.get(pk=planned.pk)
    assert (show.piece.title, show.piece.language) == ("After", "fr")
    assert (show.scheduled_at, show.planned_minutes) == (now + timedelta(hours=3), 30)
    assert show.is_private
    assert Event.objects.get(kind="ShowChanged").payload["rev"] == show.rev == planned.rev + 1


@pytest.mark.parametrize(
    "fields",
    [{"title": " "}, {"planned_minutes": 1}, {"language": "xx"}, {"visibility": "secret"}],
)
def test_what_is_no_shows_is_refused(change, planned, fields):
    with pytest.raises(Invalid):
        change(**fields)
    assert LiveSession.objects.get(pk=planned.pk).piece.title == "Before"


def test_only_the_host_changes_it(change, alice):
    with pytest.raises(services.NotHost):
        change(by=alice)


def test_what_began_is_not_changed(change, planned, bob, now):
    services.start_show(piece_id=planned.pk, by=bob, now=now)
    with pytest.raises(services.WrongState):
        change()


def test_the_page_changes_it_and_keeps_the_time(client, planned, bob):
    client.force_login(bob)
    page = f"/live/{planned.pk}/edit/"
    assert "Before" in client.get(page).content.decode()
    fields = {"title": "Renamed", "planned_minutes": 45, "language": "en", "visibility": "public"}
    answer = client.post(page, fields)
    assert answer["Location"] == f"/live/{planned.pk}/console/"
    show = LiveSession.objects.get(pk=planned.pk)
    assert (show.piece.title, show.planned_minutes) == ("Renamed", 45)
    assert show.scheduled_at == planned.scheduled_at


def test_a_time_that_is_as_it_was_may_have_passed(client, planned, bob, now):
    LiveSession.objects.update(scheduled_at=now - timedelta(hours=5))
    before = LiveSession.objects.get().scheduled_at
    client.force_login(bob)
    fields = {
        "title": "Late",
        "planned_minutes": 45,
        "language": "en",
        "visibility": "public",
        "starts_at": before.strftime("%Y-%m-%dT%H:%M"),
    }
    client.post(f"/live/{planned.pk}/edit/", fields)
    show = LiveSession.objects.get(pk=planned.pk)
    assert (show.piece.title, show.scheduled_at) == ("Late", before)


def test_another_ones_show_has_no_such_page(client, planned, alice):
    client.force_login(alice)
    answer = client.get(f"/live/{planned.pk}/edit/", headers={"accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (403, "not_host")
