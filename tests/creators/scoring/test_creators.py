"""The list by which brands and operators find creators and their scores."""

from datetime import UTC, datetime

import pytest

from creators.scoring import services
from creators.scoring.models import Score
from tests.factories.creators import CreatorFactory
from tests.factories.scoring import paid_order

pytestmark = pytest.mark.django_db
URL = "/creators/"


def test_brands_and_operators_find_every_creator_and_the_way_to_the_scores(client, bob, dave, olga):
    CreatorFactory(name="Nobody's Fool")
    for person in (dave, olga):
        client.force_login(person)

        page = client.get(URL).content.decode()

        assert "Nobody&#x27;s Fool" in page
        assert f'href="{URL}bob/scores/"' in page


def test_nobody_else_may(client, bob, alice, carol):
    for person in (bob, alice, carol):
        client.force_login(person)
        assert client.get(URL).status_code == 403
    client.logout()
    assert client.get(URL).status_code == 302


def test_the_way_there_is_in_the_menu_of_those_who_may(client, dave, olga, alice):
    for person, may in ((dave, True), (olga, True), (alice, False)):
        client.force_login(person)
        assert (f'href="{URL}"' in client.get("/account/").content.decode()) is may


def test_brands_find_the_scores_on_the_creators_page(client, bob, dave, alice):
    for person, may in ((bob, True), (dave, True), (alice, False)):
        client.force_login(person)
        page = client.get("/creators/bob/").content.decode()
        assert ("/creators/bob/scores/" in page.partition("<main")[2]) is may


def test_the_best_seller_comes_first_and_provisional_scores_have_their_own_list(
    client, bob, dave, now
):
    other = CreatorFactory(name="Zoe", handle="zoe")
    unscored = CreatorFactory(name="Abel", handle="abel")
    services.recompute(creator_ids=[bob.creator.pk, other.pk], now=now)
    rows = Score.objects.filter(superseded_by__isnull=True)
    rows.filter(creator=bob.creator).update(value=40, is_provisional=False)
    rows.filter(creator=other).update(value=90, is_provisional=False)
    client.force_login(dave)

    def order():
        page = client.get(URL).content.decode()
        return sorted(("bob", "zoe", "abel"), key=lambda who: page.index(f"/{who}/scores/"))

    assert order() == ["zoe", "bob", "abel"]

    rows.filter(creator=other).update(is_provisional=True)
    assert order() == ["bob", "zoe", "abel"]
    assert unscored.scores.count() == 0


def test_only_the_newest_row_is_shown(client, bob, dave):
    now = datetime.now(UTC)
    services.recompute(creator_ids=[bob.creator.pk], now=now)
    piece = bob.creator.pieces.create(title="A video", kind="video")
    paid_order(piece=piece, at=now)
    services.recompute(creator_ids=[bob.creator.pk], now=now)
    assert Score.objects.filter(creator=bob.creator, indicator="sales").count() == 2
    client.force_login(dave)

    assert client.get(URL).content.decode().count("/creators/bob/scores/") == 1
