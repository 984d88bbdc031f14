"""The line above the chat: one at a time, taken down when it is deleted."""

import uuid

import pytest

from creators.chat import pinning, queries
from creators.chat.models import Action, Message, Moderator, PinnedLine
from creators.chat.moderation import lines
from creators.chat.posting import post_message
from shops.facts.models import Event
from shops.facts.refused import NotAllowed, NotFound
from tests.factories.creators import LiveSessionFactory


def say(show, author, body, now):
    return post_message(piece_id=show.pk, author=author, client_id=uuid.uuid4(), body=body, now=now)


def pin(show, line, by, now):
    return pinning.pin_line(piece_id=show.pk, message_id=line.pk, by=by, now=now)


def test_a_line_takes_the_place_of_another(show, alice, bob, now):
    first, second = say(show, alice, "one", now), say(show, alice, "two", now)
    assert pin(show, first, bob, now).rev == 1
    assert pin(show, first, bob, now).rev == 1
    assert pin(show, second, bob, now).rev == 2
    assert queries.pinned_message(show.pk) == second
    pinning.unpin_line(piece_id=show.pk, by=bob, now=now)
    pinning.unpin_line(piece_id=show.pk, by=bob, now=now)
    assert queries.pinned_message(show.pk) is None
    told = [one.payload["rev"] for one in Event.objects.filter(kind="LinePinned").order_by("pk")]
    assert told == [1, 2, 3]
    done = list(Action.objects.order_by("pk").values_list("kind", "before"))
    assert done == [
        ("pin", {"message": None, "rev": 1}),
        ("pin", {"message": first.pk, "rev": 2}),
        ("unpin", {"message": second.pk, "rev": 3}),
    ]


def test_host_and_moderators_pin(show, alice, bob, erin, olga, now):
    line = say(show, alice, "one", now)
    for who in (alice, erin):
        with pytest.raises(NotAllowed):
            pin(show, line, who, now)
        with pytest.raises(NotAllowed):
            pinning.unpin_line(piece_id=show.pk, by=who, now=now)
    Moderator.objects.create(creator=bob.creator, piece=show.piece, user=erin, added_by=bob, at=now)
    for who in (erin, olga):
        assert pin(show, line, who, now).message == line


def test_only_what_everybody_sees_of_this_show_is_pinned(show, alice, bob, now):
    elsewhere = say(LiveSessionFactory(), alice, "elsewhere", now)
    held = say(show, alice, "held", now)
    Message.objects.filter(pk=held.pk).update(state="held")
    gone = say(show, alice, "gone", now)
    lines.delete_message(message_id=gone.pk, by=bob, now=now)
    for line in (elsewhere, held, gone):
        with pytest.raises(NotFound):
            pin(show, line, bob, now)
    assert not PinnedLine.objects.exists()


def test_a_deleted_line_is_taken_down(show, alice, bob, now):
    line = say(show, alice, "oops", now)
    pin(show, line, bob, now)
    lines.delete_message(message_id=line.pk, by=alice, now=now)
    pinned = PinnedLine.objects.get()
    assert (pinned.message, pinned.rev) == (None, 2)


def test_pages_without_a_script_show_it_with_its_links(client, show, bob, now):
    line = say(show, bob, "sizes: https://shop.example/sizes <b>", now)
    pin(show, line, bob, now)
    page = client.get(f"/live/{show.pk}/").content.decode()
    shown = page.partition("data-pinned-line")[2].partition("</div>")[0]
    assert '<a class="chat__link" href="https://shop.example/sizes"' in shown
    assert "&lt;b&gt;" in shown
