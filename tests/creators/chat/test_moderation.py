import uuid
from datetime import timedelta

import pytest

from creators.chat import queries, services
from creators.chat.models import Mute
from shops.facts.models import Event
from shops.facts.refused import Invalid, NotAllowed, NotFound
from tests.factories.creators import LiveSessionFactory


def _post(show, author, now, body="hello"):
    return services.post_message(
        piece_id=show.pk, author=author, client_id=uuid.uuid4(), body=body, now=now
    )


def test_the_host_deletes_a_line_and_its_row_stays(show, alice, bob, now):
    message = _post(show, alice, now)
    services.delete_message(message_id=message.pk, by=bob, now=now)
    message.refresh_from_db()
    assert (message.deleted_at, message.deleted_by) == (now, bob)
    assert list(queries.last_messages(piece_id=show.pk)) == []
    assert Event.objects.filter(kind="ChatDeleted").count() == 1


def test_author_and_operator_may_delete_too(show, alice, olga, now):
    own, other = _post(show, alice, now), _post(show, alice, now)
    services.delete_message(message_id=own.pk, by=alice, now=now)
    services.delete_message(message_id=other.pk, by=olga, now=now)
    assert list(queries.last_messages(piece_id=show.pk)) == []


def test_another_viewer_may_not_delete(show, alice, erin, now):
    message = _post(show, alice, now)
    with pytest.raises(NotAllowed):
        services.delete_message(message_id=message.pk, by=erin, now=now)


def test_deleting_twice_changes_nothing(show, alice, bob, now):
    message = _post(show, alice, now)
    services.delete_message(message_id=message.pk, by=bob, now=now)
    services.delete_message(message_id=message.pk, by=bob, now=now + timedelta(seconds=1))
    message.refresh_from_db()
    assert message.deleted_at == now
    assert Event.objects.filter(kind="ChatDeleted").count() == 1


def test_a_message_that_does_not_exist_is_not_found(bob, now):
    with pytest.raises(NotFound):
        services.delete_message(message_id=10**9, by=bob, now=now)


def test_a_muted_viewer_is_told_until_when(show, alice, bob, now):
    services.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(minutes=5), now=now)
    until = now + timedelta(minutes=5)
    with pytest.raises(services.Muted) as refused:
        _post(show, alice, now)
    assert refused.value.extra == {"until": until.isoformat()}
    assert f"{until:%H:%M}" in str(refused.value)
    assert _post(show, alice, until).body == "hello"


def test_a_mute_can_be_lifted(show, alice, bob, now):
    services.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    services.unmute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    assert _post(show, alice, now).body == "hello"
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["UserMuted", "UserUnmuted", "ChatPosted"]


def test_muting_again_for_shorter_changes_nothing(show, alice, bob, now):
    first = services.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    again = services.mute(
        piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(minutes=1), now=now
    )
    assert again == first
    assert Mute.objects.count() == 1


def test_lifting_a_mute_lifts_a_longer_one_with_it(show, alice, bob, now):
    for minutes in (5, 30):
        services.mute(
            piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(minutes=minutes), now=now
        )
    assert [mute.user for mute in queries.open_mutes(piece_id=show.pk, now=now)] == [alice]
    services.unmute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    assert list(queries.open_mutes(piece_id=show.pk, now=now)) == []


def test_a_mute_is_for_one_show(show, alice, bob, now):
    elsewhere = LiveSessionFactory()
    services.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    assert _post(elsewhere, alice, now).body == "hello"


def test_only_host_and_operator_mute(show, alice, erin, olga, now):
    with pytest.raises(NotAllowed):
        services.mute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    with pytest.raises(NotAllowed):
        services.unmute(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    assert services.mute(piece_id=show.pk, user_id=alice.pk, by=olga, now=now).user_id == alice.pk


def test_nobody_mutes_the_host_or_themselves(show, bob, olga, now):
    for by, user in ((bob, bob), (olga, bob), (olga, olga)):
        with pytest.raises(Invalid):
            services.mute(piece_id=show.pk, user_id=user.pk, by=by, now=now)


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1), timedelta(days=2)])
def test_a_mute_lasts_a_sensible_time(show, alice, bob, now, lasts):
    with pytest.raises(Invalid):
        services.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=lasts, now=now)


def test_a_user_that_does_not_exist_is_not_muted(show, bob, now):
    with pytest.raises(NotFound):
        services.mute(piece_id=show.pk, user_id=10**9, by=bob, now=now)


def test_the_last_lines_are_in_the_order_that_they_were_said(show, alice, now):
    for number in range(4):
        _post(show, alice, now + timedelta(seconds=number), body=f"line {number}")
    bodies = [m.body for m in queries.last_messages(piece_id=show.pk, limit=3)]
    assert bodies == ["line 1", "line 2", "line 3"]
