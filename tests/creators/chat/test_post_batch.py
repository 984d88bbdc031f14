"""Many lines in one transaction: each is judged by itself, and none harms another."""

import uuid
from datetime import timedelta

import pytest
from django.utils import translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creators.chat import kept, limits, posting, words, writers
from creators.chat.fresh import told_lines
from creators.chat.models import (
    Badge,
    ChatRules,
    Filter,
    Message,
    MessageState,
    Moderator,
    Sanction,
)
from creators.chat.posting import Draft, Posted
from creators.live.models import LiveSession
from creators.social.models import Follow
from creators.stage import chat_cards, publishing
from shops.facts.models import Event
from shops.facts.refused import Invalid, NotFound, Refused
from tests.factories.accounts import UserFactory
from tests.factories.creators import LiveSessionFactory


@pytest.fixture(autouse=True)
def forgetful():
    """Begin without what another test's show left in the process."""
    kept.standings.clear()


def draft(show, author, body="hello", *, at, client_id=None, reply_to=None, **more):
    return Draft(show.pk, author.pk, client_id or uuid.uuid4(), body, reply_to, sent_at=at, **more)


def post(*drafts, now):
    return posting.post_batch(drafts, now=now)


def say(show, author, body="hello", *, now, **more):
    [answer] = post(draft(show, author, body, at=now, **more), now=now)
    if isinstance(answer, Refused):
        raise answer
    return answer.message


def rules(show, **more):
    return ChatRules.objects.create(creator=show.piece.creator, piece=show.piece, **more)


def facts(kind):
    return [one.payload for one in Event.objects.filter(kind=kind).order_by("pk")]


# --- Together ---------------------------------------------------------------------------------


def test_a_batch_is_written_in_its_order_and_told_once_for_each_show(show, now):
    elsewhere = LiveSessionFactory()
    people = UserFactory.create_batch(6)
    shows = [show, elsewhere, show, show, elsewhere, show]
    answers = post(
        *(
            draft(at, who, f"n {n}", at=now)
            for n, (at, who) in enumerate(zip(shows, people, strict=True))
        ),
        now=now,
    )
    assert [answer.message.body for answer in answers] == [f"n {n}" for n in range(6)]
    ids = [answer.message_id for answer in answers]
    assert ids == sorted(ids)
    assert facts("ChatPosted") == [
        {"piece_id": show.pk, "message_ids": [ids[0], ids[2], ids[3], ids[5]]},
        {"piece_id": elsewhere.pk, "message_ids": [ids[1], ids[4]]},
    ]


def test_a_large_batch_takes_as_many_queries_as_a_small_one(
    show, now, django_assert_max_num_queries
):
    people = UserFactory.create_batch(60)
    with django_assert_max_num_queries(16):
        answers = post(*(draft(show, who, f"@bob n {who.pk}", at=now) for who in people), now=now)
    assert all(isinstance(answer, Posted) for answer in answers)


def test_the_sockets_way_takes_three_queries_and_tells_without_another(
    show, now, django_assert_num_queries, django_capture_on_commit_callbacks, monkeypatch
):
    told = []
    monkeypatch.setattr(publishing, "publish", lambda room, events: told.extend(events))
    people = UserFactory.create_batch(9)
    asked = say(show, people[0], "which size, please, of all that you have there?", now=now)
    kept.standings.of(show.pk)
    # A savepoint stands in for the transaction: look, write, the fact.
    with django_capture_on_commit_callbacks(execute=True), django_assert_num_queries(5):
        answers = posting.post_batch(
            [
                draft(show, who, f"this one is of {who.display_name}", at=now, reply_to=asked.pk)
                for who in people[1:]
            ],
            now=now,
            as_kept=True,
        )
    ids = [answer.message_id for answer in answers]
    assert [one.line for one in told] == chat_cards.lines(ids)
    assert told[0].line.reply.author == people[0].display_name
    assert chat_cards.posted_lines(ids) == chat_cards.lines(ids)


def test_by_what_is_kept_sanctions_and_the_shows_state_are_exact(show, alice, erin, bob, now):
    assert kept.standings.of(show.pk).state == "live"
    held = Sanction.objects.create(
        kind="ban", creator=bob.creator, user=alice, by=bob, at=now, piece=show.piece
    )

    def codes(body):
        lines = [draft(show, who, body, at=now) for who in (alice, erin)]
        return [
            getattr(one, "code", "") for one in posting.post_batch(lines, now=now, as_kept=True)
        ]

    assert codes("one") == ["banned", ""]
    Sanction.objects.filter(pk=held.pk).update(lifted_at=now)
    assert codes("two") == ["", ""]
    LiveSession.objects.update(state="ended", ended_at=now - timedelta(seconds=2))
    assert codes("three") == ["chat_closed", "chat_closed"]
    assert kept.standings.kept(show.pk).state == "live"


def test_what_is_wrong_with_one_line_is_its_own_business(show, alice, erin, now):
    nobody = LiveSessionFactory.build(pk=10**9)
    answers = post(
        draft(show, alice, "\x00", at=now),
        draft(show, alice, "x" * 301, at=now),
        draft(show, alice, "good", at=now),
        draft(nobody, alice, at=now),
        draft(show, erin, "nul \x00 in the middle", at=now),
        draft(show, erin, "what?", at=now, reply_to=2**63),
        draft(show, erin, "no uuid", at=now, client_id="1"),
        draft(show, erin, "lone \ud800 surrogate", at=now),
        now=now,
    )
    assert [type(one) for one in answers] == [
        words.EmptyMessage,
        words.MessageTooLong,
        Posted,
        NotFound,
        Posted,
        NotFound,
        Invalid,
        Posted,
    ]
    kept = list(Message.objects.order_by("pk").values_list("body", flat=True))
    assert kept == ["good", "nul in the middle", "lone surrogate"]


def test_the_same_client_id_in_one_batch_is_one_line(show, alice, now):
    same = uuid.uuid4()
    first, again = post(
        draft(show, alice, "once", at=now, client_id=same),
        draft(show, alice, "once", at=now, client_id=same),
        now=now,
    )
    assert first.message_id == again.message_id
    assert Message.objects.count() == 1
    assert len(facts("ChatPosted")) == 1


def test_a_line_said_again_is_told_again_for_a_while(show, alice, erin, now):
    """The process that wrote it down may have died before it told anybody."""
    drafts = [draft(show, who, "once", at=now) for who in (alice, erin)]
    first = post(*drafts, now=now)
    Message.objects.filter(pk=first[1].message_id).update(deleted_at=now)

    again = post(*drafts, drafts[0], now=now + timedelta(seconds=5))
    post(*drafts, now=now + timedelta(minutes=2))

    ids = [answer.message_id for answer in first]
    assert [answer.message_id for answer in again] == [*ids, ids[0]]
    assert Message.objects.count() == 2
    assert [fact["message_ids"] for fact in facts("ChatPosted")] == [ids, ids[:1]]


@pytest.mark.django_db(transaction=True)
def test_who_says_a_line_again_and_again_has_it_told_once_by_each_process(show, alice, now):
    line = draft(show, alice, "once", at=now)
    for _ in range(3):
        post(line, now=now)
    told_lines.clear()  # As in another process.
    for _ in range(3):
        post(line, now=now)
    assert len(facts("ChatPosted")) == 2


def test_the_limit_counts_what_comes_in_one_batch(show, alice, now):
    answers = post(*(draft(show, alice, f"n {n}", at=now) for n in range(7)), now=now)
    assert [type(one) for one in answers] == [Posted] * 5 + [limits.TooFast] * 2


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    retries=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=8), min_size=1, max_size=8)
)
def test_however_lines_are_sent_again_each_is_there_once_and_in_order(show, alice, now, retries):
    """Each list is a batch of the numbers of lines that their sender sends (again)."""
    Message.objects.all().delete()
    ids = [uuid.uuid4() for _ in range(10)]
    known = {}
    for number, batch in enumerate(retries):
        at = now + timedelta(seconds=20 * number)
        answers = post(
            *(draft(show, alice, f"line {n}", at=at, client_id=ids[n]) for n in batch), now=at
        )
        for n, answer in zip(batch, answers, strict=True):
            if n in known or isinstance(answer, Posted):
                assert known.setdefault(n, answer.message_id) == answer.message_id
    rows = list(Message.objects.order_by("pk"))
    assert {row.client_id: row.pk for row in rows} == {ids[n]: pk for n, pk in known.items()}
    assert [row.sent_at for row in rows] == sorted(row.sent_at for row in rows)


# --- Who may write ----------------------------------------------------------------------------


def test_a_show_that_has_just_ended_takes_lines_within_the_grace(show, alice, now):
    LiveSession.objects.update(state="ended", ended_at=now - timedelta(seconds=2))
    with pytest.raises(writers.ChatClosed):
        say(show, alice, now=now)
    assert say(show, alice, now=now, grace=timedelta(seconds=3)).body == "hello"


@pytest.mark.parametrize(
    ("kind", "refusal", "code"),
    [("mute", writers.Muted, "muted"), ("ban", writers.Banned, "banned")],
)
@pytest.mark.parametrize("is_everywhere", [False, True], ids=["here", "everywhere"])
def test_who_is_sanctioned_is_told_why_and_until_when(
    show, alice, bob, now, kind, refusal, code, is_everywhere
):
    until = now + timedelta(minutes=5)
    sanction = Sanction.objects.create(
        kind=kind,
        creator=show.piece.creator,
        piece=None if is_everywhere else show.piece,
        user=alice,
        by=bob,
        reason="shouting",
        at=now,
        until=until,
    )
    with pytest.raises(refusal) as refused:
        say(show, alice, now=now)
    assert refused.value.code == code
    assert refused.value.extra == {"until": until.isoformat(), "reason": "shouting"}
    assert "shouting" in str(refused.value)
    assert f"{until:%H:%M}" in str(refused.value)
    assert say(show, alice, now=until).body == "hello"
    Sanction.objects.filter(pk=sanction.pk).update(until=None)
    with pytest.raises(refusal):
        say(show, alice, "later", now=until + timedelta(days=99))
    Sanction.objects.filter(pk=sanction.pk).update(lifted_at=now)
    assert say(show, alice, "at last", now=until + timedelta(days=99)).body == "at last"


def test_a_sanction_elsewhere_is_not_one_here(show, alice, bob, now):
    other = LiveSessionFactory(piece__creator=bob.creator)
    stranger = LiveSessionFactory()
    for piece in (other.piece, stranger.piece):
        Sanction.objects.create(
            kind="mute", creator=piece.creator, piece=piece, user=alice, by=bob, at=now
        )
    assert say(show, alice, now=now).body == "hello"


def test_followers_only_lets_followers_host_and_moderators_write(show, alice, bob, erin, olga, now):
    rules(show, followers_only=True)
    with pytest.raises(writers.FollowersOnly) as refused:
        say(show, alice, now=now)
    assert refused.value.extra == {"creator": "bob"}
    assert str(refused.value) == "Follow Bob to write here."
    Follow.objects.create(creator=bob.creator, user=alice)
    Moderator.objects.create(creator=bob.creator, piece=show.piece, user=erin, added_by=bob, at=now)
    for who in (alice, bob, erin, olga):
        assert say(show, who, now=now).pk


def test_slow_mode_says_how_long_to_wait_and_spares_who_keeps_the_chat(show, alice, bob, now):
    rules(show, slow_seconds=30)
    say(show, alice, "first", now=now)
    with pytest.raises(limits.SlowMode) as refused:
        say(show, alice, "second", now=now + timedelta(seconds=12))
    assert refused.value.extra == {"retry_after": 18}
    assert "18" in str(refused.value)
    say(show, alice, "second", now=now + timedelta(seconds=30))
    for number in range(4):
        say(show, bob, f"host {number}", now=now)


def test_slow_mode_is_the_shows_own(show, alice, now):
    rules(show, slow_seconds=30)
    say(LiveSessionFactory(), alice, "elsewhere", now=now)
    assert say(show, alice, "here", now=now).pk


def test_the_creators_rules_hold_where_a_show_has_none(show, alice, bob, now):
    ChatRules.objects.create(creator=bob.creator, slow_seconds=120)
    say(show, alice, "first", now=now)
    with pytest.raises(limits.SlowMode):
        say(show, alice, "second", now=now + timedelta(seconds=100))
    rules(show)
    assert say(show, alice, "second", now=now + timedelta(seconds=100)).pk


def test_the_wait_is_said_in_the_readers_language(show, alice, now):
    rules(show, slow_seconds=30)
    say(show, alice, "first", now=now)
    [refused] = post(draft(show, alice, "second", at=now), now=now)
    with translation.override("en"):
        assert "Wait 30 seconds" in str(refused)


# --- What is written --------------------------------------------------------------------------


def test_the_same_words_again_are_refused_for_a_while(show, alice, erin, now):
    say(show, alice, "Buy it NOW", now=now)
    for again in ("buy  it now", "buy\u200d it now", "buy it now \ufe0f", "b uy it n\u200cow"):
        with pytest.raises(limits.SaidAlready):
            say(show, alice, again, now=now + timedelta(seconds=29))
    assert say(show, erin, "buy it now", now=now).pk
    assert say(show, alice, "buy it now", now=now + timedelta(seconds=30)).pk


def test_a_long_line_that_many_write_waits_for_a_moderator(show, now):
    text = "Free followers at example dot com, all of you!"
    people = UserFactory.create_batch(limits.FLOOD_AUTHORS + 2)
    first = post(*(draft(show, who, text, at=now) for who in people[:3]), now=now)
    again = text.upper().replace("AT", "A\u200dT") + "\ufe0f"
    rest = post(*(draft(show, who, again, at=now) for who in people[3:]), now=now)
    assert [one.state for one in [*first, *rest]] == ["shown"] * 5 + ["withheld"] * 2
    assert rest[-1].message.why == "flood"
    assert facts("ChatHeld") == [
        {"piece_id": show.pk, "message_ids": [one.message_id for one in rest[-2:]]}
    ]


def test_what_a_crowd_shouts_is_no_flood(show, now):
    people = UserFactory.create_batch(limits.FLOOD_AUTHORS + 5)
    answers = post(*(draft(show, who, "so pretty ❤️", at=now) for who in people), now=now)
    assert {one.state for one in answers} == {"shown"}


@pytest.mark.parametrize("effect", ["refuse", "withhold"])
def test_filters_are_for_viewers(show, alice, bob, now, effect):
    Filter.objects.create(
        creator=bob.creator, kind="words", text="scam", effect=effect, made_by=bob, at=now
    )
    [answer] = post(draft(show, alice, "what a SCAM!", at=now), now=now)
    if effect == "refuse":
        assert answer.code == "filtered_out"
        assert not Message.objects.exists()
    else:
        assert (answer.state, answer.message.why) == ("withheld", "filter:scam")
    assert say(show, bob, "no scam here", now=now).state == MessageState.SHOWN


def test_a_filter_that_was_removed_judges_no_more(show, alice, bob, now):
    Filter.objects.create(
        creator=bob.creator, kind="words", text="scam", made_by=bob, at=now, removed_at=now
    )
    assert say(show, alice, "scam", now=now).state == MessageState.SHOWN


def test_a_held_line_says_when_it_is_shown(show, alice, bob, now):
    rules(show, hold_seconds=4)
    [answer] = post(draft(show, alice, at=now), now=now)
    assert (answer.state, answer.shown_at) == ("held", now + timedelta(seconds=4))
    assert say(show, bob, now=now).state == MessageState.SHOWN
    assert facts("ChatHeld") == [{"piece_id": show.pk, "message_ids": [answer.message_id]}]


def test_badges_are_what_somebody_was_then(show, alice, bob, erin, olga, now):
    moderator = Moderator.objects.create(creator=bob.creator, user=erin, added_by=bob, at=now)
    found = {who: say(show, who, now=now).badge for who in (alice, bob, erin, olga)}
    assert found == {
        alice: Badge.NONE,
        bob: Badge.HOST,
        erin: Badge.MODERATOR,
        olga: Badge.MODERATOR,
    }
    moderator.delete()
    assert Message.objects.get(author=erin).badge == Badge.MODERATOR


def test_a_reply_is_to_a_line_that_everybody_sees(show, alice, erin, now):
    asked = say(show, alice, "which size?", now=now)
    reply = say(show, erin, "M", now=now, reply_to=asked.pk)
    assert reply.reply_to_id == asked.pk
    elsewhere = say(LiveSessionFactory(), alice, "elsewhere", now=now)
    gone = say(show, alice, "gone", now=now)
    Message.objects.filter(pk=gone.pk).update(deleted_at=now)
    held = say(show, alice, "held", now=now)
    Message.objects.filter(pk=held.pk).update(state="held")
    for line in (elsewhere, gone, held):
        with pytest.raises(posting.NoLineToAnswer):
            say(show, erin, f"to {line.pk}", now=now, reply_to=line.pk)
    assert Message.objects.filter(author=erin).count() == 1


def test_mentions_are_people_of_this_show(show, alice, bob, now):
    rossi = UserFactory(display_name="Alice Rossi")
    twins = UserFactory.create_batch(2, display_name="Sam")
    UserFactory(display_name="Elsewhere")
    for who in (alice, rossi, *twins):
        say(show, who, f"hi from {who.pk}", now=now)
    body = "@alice rossi, and @ALICE! not @Sam or @elsewhere; mail me@bob or ask @bob."
    assert say(show, bob, body, now=now).mentions == [rossi.pk, alice.pk, bob.pk]
