import time

import pytest
import time_machine

from creators.audience.models import ProductClick, QualifiedView
from creators.chat.models import Message, Question
from creators.live.models import Clip, Replay
from creators.live.replays import services
from creators.live.replays.tool_views import NotATime, clock, milliseconds
from creators.media.models import Caption
from creators.pieces import referral
from shops.checkout.models import CartLine
from shops.stock.models import Stock


@pytest.fixture
def say(replay, alice, bob, at):
    def said(seconds, body, by=alice, **more):
        return Message.objects.create(
            piece=replay.session.piece,
            author=by,
            client_id=f"11111111-1111-4111-8111-{int(seconds * 10):012}",
            body=body,
            sent_at=at(seconds),
            **more,
        )

    return said


def _get(client, replay, path="", **headers):
    return client.get(f"/live/{replay.session_id}/{path}", headers=headers)


def test_the_page_of_an_ended_show_is_its_replay_with_chapters_and_prices_then_and_now(
    client, replay
):
    page = _get(client, replay).content.decode()
    assert "data-replay " in page
    assert 'data-length="50000"' in page
    assert 'href="?t=5" data-jump data-at="5000"' in page
    assert 'href="?t=35" data-jump data-at="35000"' in page
    assert "€14.90 in the show" in page
    assert "€19.90" in page
    assert "10 left" in page


def test_without_a_replay_it_says_that_the_show_has_ended(client, recorded):
    page = client.get(f"/live/{recorded.pk}/").content.decode()
    assert "The show has ended" in page
    assert "data-replay " not in page


def test_what_is_bought_from_it_is_credited_to_the_pin(client, replay, bob, product):
    pin = replay.session.pins.get(product=product)
    credit = referral.make(replay.session_id, bob.creator.pk, pin.pk)
    page = _get(client, replay).content.decode()
    assert credit in page
    sku = product.skus.get()
    client.post("/cart/add/", {"sku": sku.pk, "quantity": "1", "referral": credit})
    assert referral.read(CartLine.objects.get().referral).pin_id == pin.pk


def test_what_is_sold_out_can_not_be_bought(client, replay):
    Stock.objects.update(on_hand=0)
    page = _get(client, replay).content.decode()
    assert page.count("stock--out") == 2
    assert page.count("data-buy disabled") == 2


def test_a_hidden_one_is_its_hosts_only(client, replay, bob, alice):
    Replay.objects.update(state=Replay.State.HIDDEN)
    client.force_login(alice)
    assert "data-replay " not in _get(client, replay).content.decode()
    paths = ["replay.m3u8", "replay.json", "captions.vtt"]
    assert [_get(client, replay, path).status_code for path in paths] == [404] * 3
    client.force_login(bob)
    assert "Hidden: only you see this" in _get(client, replay).content.decode()
    assert [_get(client, replay, path).status_code for path in paths] == [200] * 3


def test_a_private_shows_replay_is_for_the_invited(client, recorded, bob, now):
    recorded.visibility = "private"
    recorded.save()
    services.make_replay(piece_id=recorded.pk, now=now)
    Replay.objects.update(state=Replay.State.PUBLISHED)
    for path in ("", "replay.m3u8", "replay.json", "captions.vtt"):
        assert client.get(f"/live/{recorded.pk}/{path}").status_code == 404
    client.force_login(bob)
    assert client.get(f"/live/{recorded.pk}/replay.m3u8").status_code == 200


def test_the_playlist_names_the_recorded_files(client, replay, recorded, settings):
    answer = _get(client, replay, "replay.m3u8")
    assert answer["Content-Type"] == "application/vnd.apple.mpegurl"
    assert answer["Cache-Control"] == "no-store"
    assert f"/recordings/{recorded.stream_id}/0.m4s" in answer.content.decode()


def test_the_whole_recording_is_only_the_hosts(client, replay, bob):
    services.trim_replay(piece_id=replay.session_id, starts=26_000, ends=50_000, by=bob)
    for user, segments in ((None, 4), (bob, 8)):
        if user:
            client.force_login(user)
        text = _get(client, replay, "replay.m3u8?whole").content.decode()
        assert text.count("#EXTINF") == segments


def test_captions_move_with_the_picture(client, replay, recorded, at):
    for seconds, text in ((4, "This is <silk>"), (46, "Linen & more")):
        Caption.objects.create(
            stream=recorded.stream,
            language="en",
            source="upload",
            starts_at=at(seconds),
            ends_at=at(seconds + 2),
            text=text,
        )
    answer = _get(client, replay, "captions.vtt?lang=en")
    assert answer["Content-Type"].startswith("text/vtt")
    text = answer.content.decode()
    assert "00:04.000 --> 00:00:06.000" in text or "00:00:04.000 --> 00:00:06.000" in text
    assert "00:00:36.000 --> 00:00:38.000" in text
    assert "Linen &amp; more" in text
    page = _get(client, replay).content.decode()
    assert '<track kind="captions" srclang="en" label="English"' in page


def test_the_chat_comes_in_time_without_deleted_lines(client, replay, say, bob, now):
    say(3, "first")
    say(4, "rude", deleted_at=now)
    say(35, "while the picture was away")
    say(46, "welcome back", by=bob, badge="host")
    say(47, "held too long", state="rejected")
    say(61, "too late")
    part = _get(client, replay, "replay.json?at=20000").json()
    assert (part["since"], part["until"]) == (0, 50_000)
    assert [(line["at"], line["text"]) for line in part["lines"]] == [
        (3_000, "first"),
        (30_000, "while the picture was away"),
        (36_000, "welcome back"),
    ]
    assert [line.get("badge", "") for line in part["lines"]] == ["", "", "host"]


def test_what_was_answered_is_found_where_it_was_answered(client, replay, product, alice, bob, at):
    for seconds, body, about in ((22, "is it <warm>?", product), (46, "and hats?", None)):
        Question.objects.create(
            piece=replay.session.piece,
            product=about,
            author=alice,
            client_id=f"11111111-1111-4111-8111-{seconds:012}",
            body=body,
            asked_at=at(2),
            answered_at=at(seconds),
            answered_by=bob,
        )
    Question.objects.create(
        piece=replay.session.piece,
        author=alice,
        client_id="11111111-1111-4111-8111-000000000099",
        body="never answered?",
        asked_at=at(2),
    )
    page = _get(client, replay).content.decode()
    shown = page.partition('id="answers-title"')[2].partition("</section>")[0]
    assert 'href="?t=12" data-jump data-at="12000"' in shown
    # The picture was away for 10 s: the 46th second of the show is the 36th of the replay.
    assert 'href="?t=26" data-jump data-at="26000"' in shown
    assert "is it &lt;warm&gt;?" in shown
    assert f"Alice · {product.title}" in shown
    assert "never answered?" not in page


def test_a_long_chat_comes_in_parts_that_say_how_far_they_reach(client, replay, say, monkeypatch):
    monkeypatch.setattr("creators.live.replays.queries.CHAT_BEFORE", 2)
    monkeypatch.setattr("creators.live.replays.queries.CHAT_AFTER", 3)
    for second in range(1, 20):
        say(second, f"line {second}")
    part = _get(client, replay, "replay.json?at=10500").json()
    assert [line["at"] for line in part["lines"]] == [9_000, 10_000, 11_000, 12_000, 13_000]
    assert (part["since"], part["until"]) == (9_000, 13_000)


@pytest.mark.parametrize("place", ["-1", "x", "9" * 11])
def test_an_odd_place_of_the_chat_is_not_valid(client, replay, place):
    assert (
        _get(client, replay, f"replay.json?at={place}", accept="application/json").status_code
        == 400
    )


def test_five_seconds_of_a_replay_are_a_view_of_the_show(client, replay):
    page = _get(client, replay)
    mark = page.context["mark"]
    url = f"/live/{replay.session_id}/replay/watched/"
    assert (
        client.post(url, {"mark": mark}, headers={"accept": "application/json"}).status_code == 400
    )
    with time_machine.travel(time.time() + 6, tick=False):
        for _ in range(2):
            assert client.post(url, {"mark": mark}).status_code == 204
        other = client.post(url, {"mark": mark[:-2]}, headers={"accept": "application/json"})
    assert other.status_code == 400
    assert QualifiedView.objects.get().viewer.startswith("a:")


def test_opening_a_product_from_a_replay_counts_as_a_click_of_the_show(client, replay, product):
    _get(client, replay)
    answer = client.post(f"/live/{replay.session_id}/click/", {"product": product.pk})
    assert answer.status_code == 204
    assert ProductClick.objects.get().piece_id == replay.session_id


def test_a_clips_link_leads_to_its_moment(client, replay, at, now):
    clip = Clip.objects.create(
        session=replay.session,
        pin=replay.session.pins.first(),
        starts_at=at(41),
        ends_at=at(56),
        clicks=3,
        video="replays/x/clip.mp4",
        made_at=now,
    )
    page = _get(client, replay, f"?clip={clip.pk}").content.decode()
    assert 'data-begin="31000"' in page
    home = client.get("/").content.decode()
    assert f"/live/{replay.session_id}/?clip={clip.pk}" in home


def test_the_host_trims_hides_and_deletes_on_a_page_of_their_own(client, replay, bob, alice):
    url = f"/live/{replay.session_id}/replay/"
    client.force_login(alice)
    assert client.get(url).status_code == 403
    client.force_login(bob)
    page = client.get(url).content.decode()
    assert 'value="0:00"' in page
    assert 'value="0:50"' in page
    client.post(f"{url}trim/", {"starts": "0:02,5", "ends": "45"})
    page = client.get(url).content.decode()
    assert 'value="0:02.5"' in page
    assert 'value="0:45"' in page
    client.post(f"{url}state/", {"state": "hidden"})
    assert Replay.objects.get().state == "hidden"
    client.post(f"{url}delete/")
    assert not Replay.objects.exists()
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("text", "value"), [("1:02:03", 3_723_000), ("2:03.5", 123_500), (" 75 ", 75_000), ("0", 0)]
)
def test_times_are_read_and_written(text, value):
    assert milliseconds(text) == value
    assert milliseconds(clock(value)) == value


@pytest.mark.parametrize("text", ["", "x", "1:2:3:4", "-3", "1:", "1e3"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(NotATime):
        milliseconds(text)


def test_home_lists_public_replays_and_their_moments_only(client, replay, at, now, bob):
    clip = Clip.objects.create(
        session=replay.session,
        pin=replay.session.pins.first(),
        starts_at=at(2),
        ends_at=at(20),
        clicks=3,
        video="replays/x/clip.mp4",
        still="replays/x/clip.jpg",
        made_at=now,
    )
    Replay.objects.update(still="replays/x/still.jpg", preview="replays/x/preview.webp")
    page = client.get("/").content.decode()
    assert "Watch again" in page
    assert 'data-preview="/media/replays/x/preview.webp"' in page
    assert "2 products" in page
    assert "/media/replays/x/clip.mp4" in page
    # What the clip shows was cut off.
    Replay.objects.update(starts_at=at(3))
    assert "clip.mp4" not in client.get("/").content.decode()
    Replay.objects.update(starts_at=at(0))
    services.set_clip_hidden(piece_id=replay.session_id, clip_id=clip.pk, is_hidden=True, by=bob)
    assert "clip.mp4" not in client.get("/").content.decode()
    Replay.objects.update(state=Replay.State.HIDDEN)
    assert "Watch again" not in client.get("/").content.decode()


def test_a_private_shows_replay_is_not_on_the_home_page(client, replay):
    type(replay.session).objects.update(visibility="private")
    assert "Watch again" not in client.get("/").content.decode()
