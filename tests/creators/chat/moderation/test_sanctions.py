import uuid
from datetime import timedelta

import pytest

from creators.chat.models import Action, MessageState, Sanction
from creators.chat.moderation import moderators, queries, sanctions, undoing
from creators.chat.posting import post_message
from creators.chat.writers import Banned, Muted
from shops.facts.models import Event
from shops.facts.refused import Invalid, NotAllowed, NotFound
from tests.factories.creators import LiveSessionFactory

pytestmark = pytest.mark.django_db


def _post(show, author, now):
    return post_message(
        piece_id=show.pk, author=author, client_id=uuid.uuid4(), body="hello", now=now
    )


def test_a_muted_viewer_is_told_why_and_until_when(show, alice, bob, now):
    sanction = sanctions.mute(
        piece_id=show.pk,
        user_id=alice.pk,
        by=bob,
        lasts=timedelta(minutes=5),
        reason="  be \n kind ",
        now=now,
    )
    assert sanction.reason == "be kind"
    with pytest.raises(Muted) as refused:
        _post(show, alice, now)
    assert refused.value.extra["until"] == sanction.until.isoformat()
    assert "be kind" in str(refused.value)
    assert _post(show, alice, sanction.until).body == "hello"


def test_a_mute_is_for_one_show_and_a_wider_one_for_all_of_the_creators(show, alice, bob, now):
    elsewhere, others = LiveSessionFactory(piece__creator=bob.creator), LiveSessionFactory()
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    assert _post(elsewhere, alice, now).pk
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, scope="creator", now=now)
    with pytest.raises(Muted):
        _post(elsewhere, alice, now)
    assert _post(others, alice, now + timedelta(seconds=20)).pk


def test_a_mute_for_the_whole_show_has_no_end(show, alice, bob, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=None, now=now)
    with pytest.raises(Muted):
        _post(show, alice, now + timedelta(hours=30))


def test_a_banned_user_may_not_write(show, alice, bob, now):
    sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=bob, reason="spam", now=now)
    with pytest.raises(Banned):
        _post(show, alice, now)


def test_muting_again_extends_and_never_shortens(show, alice, bob, now):
    first = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    shorter = sanctions.mute(
        piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(minutes=1), now=now
    )
    assert shorter.until == first.until
    longer = sanctions.mute(
        piece_id=show.pk, user_id=alice.pk, by=bob, lasts=timedelta(hours=1), now=now
    )
    assert (longer.pk, longer.until) == (first.pk, now + timedelta(hours=1))
    assert list(Action.objects.order_by("pk").values_list("kind", flat=True)) == ["mute", "extend"]
    endless = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=None, now=now)
    assert (endless.pk, endless.until) == (first.pk, None)


def test_a_mute_can_be_lifted_and_the_fact_is_told(show, alice, bob, now):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, scope="creator", now=now)
    sanctions.unmute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    assert _post(show, alice, now).body == "hello"
    assert Event.objects.filter(kind="SanctionChanged").count() == 4


def test_lifting_what_is_over_changes_nothing(show, alice, bob, now):
    sanction = sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    later = now + timedelta(days=2)
    sanctions.lift(sanction_id=sanction.pk, by=bob, now=later)
    sanction.refresh_from_db()
    assert sanction.lifted_at is None
    assert Action.objects.count() == 1


def test_a_moderator_does_not_lift_what_the_host_decided(show, alice, bob, erin, olga, now):
    by_host = sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    with pytest.raises(NotAllowed):
        sanctions.lift(sanction_id=by_host.pk, by=erin, now=now)
    sanctions.lift(sanction_id=by_host.pk, by=olga, now=now)
    own = sanctions.ban(piece_id=show.pk, user_id=alice.pk, by=erin, now=now)
    sanctions.lift(sanction_id=own.pk, by=erin, now=now)


def test_nobody_sanctions_the_host_a_moderator_an_operator_or_themselves(
    show, bob, erin, frank, olga, now
):
    for by, user in ((erin, bob), (erin, frank), (frank, erin), (bob, erin), (olga, olga)):
        with pytest.raises(sanctions.Protected):
            sanctions.mute(piece_id=show.pk, user_id=user.pk, by=by, now=now)
    with pytest.raises(sanctions.Protected):
        sanctions.ban(piece_id=show.pk, user_id=olga.pk, by=bob, now=now)


def test_who_is_sanctioned_is_made_no_moderator(show, alice, bob, now, place):
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    with pytest.raises(moderators.StillSanctioned):
        moderators.add_moderator(place=place.everywhere, user_id=alice.pk, by=bob, now=now)


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=59), timedelta(days=2)], ids=str)
def test_a_mute_lasts_from_a_minute_to_a_day(show, alice, bob, now, lasts):
    with pytest.raises(Invalid):
        sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, lasts=lasts, now=now)


def test_what_is_not_there_is_not_found(show, bob, now):
    with pytest.raises(NotFound):
        sanctions.mute(piece_id=show.pk, user_id=10**9, by=bob, now=now)
    with pytest.raises(NotFound):
        sanctions.mute(piece_id=10**9, user_id=bob.pk, by=bob, now=now)
    with pytest.raises(NotFound):
        sanctions.lift(sanction_id=10**9, by=bob, now=now)


def test_a_reason_is_not_cut_but_refused(show, alice, bob, now):
    with pytest.raises(Invalid):
        sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, reason="x" * 201, now=now)
    assert not Sanction.objects.exists()


def test_what_waits_of_a_muted_user_is_not_shown(show, alice, bob, now, say):
    held = say(alice, state=MessageState.HELD, shown_at=now + timedelta(seconds=3))
    sanctions.mute(piece_id=show.pk, user_id=alice.pk, by=bob, now=now)
    held.refresh_from_db()
    assert held.state == MessageState.REJECTED


def test_the_longest_that_holds_is_found_first(show, alice, bob, now, place):
    for scope in ("show", "creator"):
        lasts = timedelta(hours=1 if scope == "show" else 2)
        sanctions.mute(
            piece_id=show.pk, user_id=alice.pk, by=bob, scope=scope, lasts=lasts, now=now
        )
    assert queries.open_mute(piece_id=show.pk, user_id=alice.pk, now=now).piece_id is None
    found = queries.open_sanctions(place=place, now=now)
    assert [one.piece_id for one in found] == [None, show.pk]


def test_what_the_host_made_longer_only_the_host_lifts(show, alice, bob, erin, now):
    def ban(by, **lasts):
        return sanctions.ban(
            piece_id=show.pk, user_id=alice.pk, by=by, lasts=timedelta(**lasts), now=now
        )

    ban(erin, minutes=10)
    held = ban(bob, days=30)
    with pytest.raises(NotAllowed):
        sanctions.lift(sanction_id=held.pk, by=erin, now=now)
    undoing.undo(action_id=Action.objects.get(kind="extend").pk, by=bob, now=now)
    held.refresh_from_db()
    assert held.by == erin
    # Longer, by somebody below: it stays the host's.
    ban(bob, days=2)
    ban(erin, days=3)
    with pytest.raises(NotAllowed):
        sanctions.lift(sanction_id=held.pk, by=erin, now=now)
