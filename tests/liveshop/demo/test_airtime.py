"""The demo's camera sends to the demo's own show, and gives way."""

from datetime import timedelta
from pathlib import Path

import pytest

from creators.live import services as live
from creators.media import services as media
from creators.media.models import Stream, StreamKey
from liveshop.demo.airtime import COMES_BACK, STEP_ASIDE, Airtime
from liveshop.demo.shows import ON_NOW
from tests.factories.catalog import ProductFactory, SkuFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def product(shop):
    return SkuFactory(product=ProductFactory(shop=shop, title="Blue lamp"), options=[]).product


@pytest.fixture
def begin(bob, product, now):
    """begin(title) lets bob be live."""

    def start(title=ON_NOW[1].title):
        session = live.schedule_show(
            creator=bob.creator,
            title=title,
            scheduled_at=now,
            product_ids=[product.pk],
            now=now,
            poster_path="liveshop/demo/posters/slow-evening.svg",
        )
        return live.start_show(piece_id=session.pk, by=bob, now=now)

    return start


@pytest.fixture
def key(bob, now):
    return media.make_key(creator=bob.creator, now=now)


def test_it_sends_to_the_demos_show_and_shows_what_is_pinned(begin, key, bob, product, now):
    session = begin()
    airtime = Airtime(key)

    before = airtime.look(now=now, is_sending=False)
    live.pin(piece_id=session.pk, product_id=product.pk, by=bob, now=now)
    after = airtime.look(now=now, is_sending=True)

    assert (before.stream_id, before.poster, before.product) == (
        session.stream_id,
        "slow-evening",
        None,
    )
    assert after.product.title == "Blue lamp"
    live.end_show(piece_id=session.pk, by=bob, now=now)
    assert airtime.look(now=now, is_sending=True) is None


def test_a_products_own_drawing_is_found(begin, key, bob, product, now):
    product.images.create(static_path="liveshop/demo/products/onde-vase.svg")
    live.pin(piece_id=begin().pk, product_id=product.pk, by=bob, now=now)

    drawing = Airtime(key).look(now=now, is_sending=False).product.drawing
    assert drawing.name == "onde-vase.svg"
    assert Path(drawing).is_file()


def test_a_show_that_somebody_made_is_theirs(begin, key, now):
    begin("My own evening")

    assert Airtime(key).look(now=now, is_sending=False) is None


def test_a_changed_key_is_no_longer_the_cameras(begin, key, bob, now):
    begin()
    airtime = Airtime(key)
    media.make_key(creator=bob.creator, now=now)

    assert airtime.look(now=now, is_sending=True) is None


def test_a_key_that_points_nowhere_is_aimed_at_the_show(begin, key, now):
    session = begin()
    StreamKey.objects.update(target=None)

    assert Airtime(key).look(now=now, is_sending=False).stream_id == session.stream_id
    assert StreamKey.objects.get().target_id == session.stream_id


def test_it_gives_way_to_who_was_refused_and_comes_back_when_they_stop(begin, key, now):
    stream_id = begin().stream_id
    airtime = Airtime(key)
    ours = media.publisher_came(stream_id=stream_id, source=Stream.Source.RTMP, now=now)
    assert airtime.look(now=now, is_sending=True)

    media.publisher_refused(stream_id=stream_id, code="already_publishing", now=now)
    assert airtime.look(now=now, is_sending=True) is None
    media.publisher_went(stream_id=stream_id, run=ours, now=now)
    guests = media.publisher_came(stream_id=stream_id, source=Stream.Source.BROWSER, now=now)
    later = now + STEP_ASIDE + timedelta(seconds=1)
    assert airtime.look(now=later, is_sending=False) is None

    media.publisher_went(stream_id=stream_id, run=guests, now=later)
    assert airtime.look(now=later, is_sending=False) is None
    assert airtime.look(now=later + COMES_BACK, is_sending=False)


def test_after_a_fall_of_its_own_it_is_back_at_once(begin, key, now):
    stream_id = begin().stream_id
    airtime = Airtime(key)
    ours = media.publisher_came(stream_id=stream_id, source=Stream.Source.RTMP, now=now)
    airtime.look(now=now, is_sending=True)

    assert airtime.look(now=now, is_sending=False) is None
    media.publisher_went(stream_id=stream_id, run=ours, now=now)
    assert airtime.look(now=now, is_sending=False)
