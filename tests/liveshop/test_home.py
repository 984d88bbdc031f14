"""Home: what is live, what comes, what the shops have."""

from datetime import timedelta

import pytest
from django.views.defaults import server_error

from creators.stage import publishing, rooms
from creators.stage.frames import Reading
from liveshop import home
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.creators import LiveSessionFactory, PinFactory


@pytest.fixture
def shirt(shop):
    product = ProductFactory(shop=shop, title="Linen shirt")
    SkuFactory(product=product, options=["S"], price_minor=4900)
    SkuFactory(product=product, options=["M"], price_minor=3900)
    return product


def test_an_empty_house_says_so(client, db):
    html = client.get("/").content.decode()
    assert "Nobody is live right now" in html
    assert "Coming up" not in html


def test_a_live_show_stands_with_its_host_and_its_pin(client, bob, shirt):
    session = LiveSessionFactory(piece__creator=bob.creator, piece__title="Autumn layers")
    PinFactory(session=session, product=shirt)
    html = client.get("/").content.decode()
    assert f'href="/live/{session.pk}/"' in html
    assert "Autumn layers" in html
    assert "badge--live" in html
    (card,) = home.live_cards()
    assert (card.pinned.title, card.pinned.price_minor) == ("Linen shirt", 3900)


def test_a_pin_that_ended_is_not_shown(bob, shirt, now):
    session = LiveSessionFactory(piece__creator=bob.creator)
    PinFactory(session=session, product=shirt, unpinned_at=now)
    (card,) = home.live_cards()
    assert card.pinned is None


def test_scheduled_shows_stand_below_the_next_first(client, bob, now):
    for hours in (30, 3):
        LiveSessionFactory(
            piece__creator=bob.creator,
            piece__title=f"In {hours}",
            state="scheduled",
            started_at=None,
            scheduled_at=now + timedelta(hours=hours),
        )
    assert [card.title for card in home.upcoming_cards(now=now)] == ["In 3", "In 30"]
    html = client.get("/").content.decode()
    assert "Coming up" in html
    assert html.index("In 3<") < html.index("In 30<")


def test_ended_shows_are_not_shown(bob, now):
    LiveSessionFactory(piece__creator=bob.creator, state="ended", ended_at=now)
    assert home.live_cards() == []
    assert home.upcoming_cards(now=now) == []


def test_the_number_of_viewers_stands_on_the_card(client, bob, monkeypatch):
    session = LiveSessionFactory(piece__creator=bob.creator)
    readings = {rooms.live_room(session.pk): Reading("epoch", 7, 128, 0, 2000, None, [])}
    monkeypatch.setattr(publishing, "read", readings.get)
    assert [card.viewers for card in home.live_cards()] == [128]
    assert "128" in client.get("/").content.decode()


def test_without_the_stage_the_shows_stand_there_and_it_is_asked_once(bob, monkeypatch):
    for _ in range(3):
        LiveSessionFactory(piece__creator=bob.creator)
    asked = []
    monkeypatch.setattr(publishing, "read", asked.append)
    assert [card.viewers for card in home.live_cards()] == [0, 0, 0]
    assert len(asked) == 1


def test_more_shows_need_no_more_queries(bob, shirt, django_assert_max_num_queries):
    for _ in range(6):
        PinFactory(session=LiveSessionFactory(piece__creator=bob.creator), product=shirt)
    with django_assert_max_num_queries(5):
        assert len(home.live_cards()) == 6


def test_the_reader_chooses_the_language(client, db):
    client.post("/i18n/setlang/", {"language": "fr", "next": "/"})
    assert '<html lang="fr">' in client.get("/").content.decode()
    client.post("/i18n/setlang/", {"language": "en", "next": "/"})
    assert '<html lang="en">' in client.get("/").content.decode()


def test_a_page_that_is_not_there_says_so_in_our_look(client, db):
    answer = client.get("/gone/")
    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()


def test_the_page_of_a_fault_needs_no_context(rf):
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500
    assert "That was our fault" in answer.content.decode()
