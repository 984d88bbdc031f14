"""What viewers and the host are told of the picture, of what is said, of how late they are."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from creators.live.models import LiveSession
from creators.media import services as media
from creators.media.models import Caption, Stream
from creators.stage import pictures, snapshot
from creators.stage.desk import in_thread
from creators.stage.grace import grace_of
from creators.stage.limits import CAPTIONS
from tests.creators.stage.conftest import path
from tests.factories.accounts import UserFactory


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def stream(show, bob, now):
    """The stream of bob's live show, for everybody."""
    stream = media.open_stream(creator=bob.creator, is_private=False, now=now)
    LiveSession.objects.filter(pk=show.pk).update(stream=stream, started_at=now)
    return stream


def _send(stream, now):
    run = media.publisher_came(stream_id=stream.pk, source=Stream.Source.RTMP, now=now)
    media.picture_started(stream_id=stream.pk, run=run, now=now)
    return run


@pytest.mark.django_db
def test_the_picture_comes_is_lost_and_comes_back(show, stream, now):
    cards = [pictures.picture_card(show.pk, now=now)]
    run = _send(stream, now + timedelta(seconds=1))
    cards.append(pictures.picture_card(show.pk, now=now))
    media.publisher_went(stream_id=stream.pk, run=run, now=now + timedelta(seconds=5))
    cards.append(pictures.picture_card(show.pk, now=now))
    _send(stream, now + timedelta(seconds=9))
    cards.append(pictures.picture_card(show.pk, now=now))
    LiveSession.objects.filter(pk=show.pk).update(
        state="ended", ended_at=now + timedelta(seconds=20)
    )
    cards.append(pictures.picture_card(show.pk, now=now))

    assert [card.state for card in cards] == ["none", "on", "lost", "on", "none"]
    revs = [card.rev for card in cards]
    assert revs == sorted(set(revs))
    assert cards[2].since == round((now + timedelta(seconds=5)).timestamp() * 1000)
    assert all(card.url.endswith(f"/live/{stream.pk}/index.m3u8") for card in cards[:4])


@pytest.mark.django_db
def test_before_the_show_the_picture_is_the_hosts_alone(show, stream, now):
    LiveSession.objects.filter(pk=show.pk).update(state="scheduled", started_at=None)
    _send(stream, now)

    card = pictures.picture_card(show.pk, now=now)

    assert (card.state, card.url) == ("none", "")


@pytest.mark.django_db
def test_the_address_of_a_private_picture_is_told_to_each_by_itself(
    client, show, stream, now, alice, bob
):
    media.set_privacy(stream_id=stream.pk, is_private=True, now=now)
    _send(stream, now)
    host_id = bob.pk

    def you(user):
        return snapshot.you(user=user, host_id=host_id, piece_id=show.pk, now=now)

    shared = snapshot.live_state(show.pk, reading=None).picture
    assert (shared.state, shared.url) == ("on", "")
    assert "/~" in you(alice).picture_url
    assert you(bob).picture_url not in ("", you(alice).picture_url)
    media.set_privacy(stream_id=stream.pk, is_private=False, now=now)
    assert you(alice).picture_url == ""


@pytest.mark.django_db
def test_only_the_host_of_a_live_show_gives_captions(show, stream, now):
    def say(**more):
        words = {"is_host": True, "text": " two\n words ", "lang": "en", "spoken_ms": 700}
        return pictures.say_caption(piece_id=show.pk, now=now, **(words | more))

    card = say()
    assert card.text == "two words"
    assert card.ends_at - card.starts_at == 1000
    assert pictures.newest_caption(show.pk) == card
    with pytest.raises(pictures.NotAllowed):
        say(is_host=False)
    with pytest.raises(pictures.Invalid):
        say(text="\u200b \x00")
    LiveSession.objects.filter(pk=show.pk).update(state="ended", ended_at=now)
    with pytest.raises(pictures.NoPicture):
        say()
    assert Caption.objects.count() == 1


@pytest.mark.django_db
def test_the_host_is_told_why_an_encoder_was_refused(show, stream, now):
    assert pictures.trouble_card(show.pk).code == ""

    media.publisher_refused(stream_id=stream.pk, code="too_large", now=now)

    card = pictures.trouble_card(show.pk)
    assert card.code == "too_large"
    assert "pixels" in card.text


async def test_captions_and_lags_over_the_socket(
    visit, transactional_db, show, stream, alice, bob, monkeypatch
):
    monkeypatch.setattr("creators.stage.counting.ROUND_SECONDS", 0.1)
    host, viewer = await visit(path(show), bob), await visit(path(show), alice)
    await viewer.hear("snapshot")

    for _ in range(int(CAPTIONS.burst) + 4):  # more than a host may say at once
        await viewer.say(t="caption", text="hi", lang="en")
        error = await viewer.hear("error")
        assert (error["code"], error["re"]) == ("not_allowed", "caption")
    await host.say(t="caption", text="hello everybody", lang="en", spoken_ms=1200)
    caption = (await viewer.hear_event("caption"))["caption"]
    assert caption["text"] == "hello everybody"
    assert caption["ends_at"] - caption["starts_at"] == 1200

    await viewer.say(t="watching", lag_ms=3100)
    await viewer.say(t="watching", lag_ms=60_000)
    while (counts := await viewer.hear_event("counts"))["lag_ms"] is None:
        continue
    assert (counts["lag_ms"], counts["grace_ms"]) == (3250, 3500)
    assert await in_thread(grace_of, show.pk) == timedelta(seconds=3.5)

    for text in ('{"t":"watching","lag_ms":-1}', '{"t":"watching","lag_ms":60001}'):
        await viewer.communicator.send_to(text_data=text)
        assert (await viewer.hear("error"))["code"] == "bad_message"


async def test_after_the_end_the_chat_is_open_for_as_long_as_pictures_are_late(
    visit, transactional_db, show, stream, alice
):
    erin = await in_thread(UserFactory)
    viewer = await visit(path(show), alice)
    await viewer.hear("snapshot")

    async def ended(ago):
        at = datetime.now(UTC) - timedelta(seconds=ago)
        shows = LiveSession.objects.filter(pk=show.pk)
        await in_thread(shows.update, state="ended", ended_at=at)

    await ended(0)
    await viewer.say(t="chat", client_id=str(uuid.uuid4()), body="bye!")
    assert (await viewer.hear_event("chat"))["line"]["body"] == "bye!"
    await ended(30)
    other = await visit(path(show), erin)
    await other.say(t="chat", client_id=str(uuid.uuid4()), body="still here?")
    assert (await other.hear("error"))["code"] == "chat_closed"
