"""The score page: who may see it, and what it tells."""

from datetime import UTC, datetime

import pytest

from creators.scoring import services
from tests.factories.creators import CreatorFactory, LiveSessionFactory
from tests.factories.scoring import paid_order

pytestmark = pytest.mark.django_db
URL = "/creators/bob/scores/"


def test_the_creator_operators_and_brands_may_see_it(client, bob, olga, dave):
    for person in (bob, olga, dave):
        client.force_login(person)
        assert client.get(URL).status_code == 200


def test_nobody_else_may(client, bob, alice, carol):
    other = CreatorFactory().user
    for person in (alice, carol, other):
        client.force_login(person)
        assert client.get(URL).status_code == 403
    client.logout()
    assert client.get(URL).status_code == 302


def test_an_unknown_creator_is_not_found(client, olga):
    client.force_login(olga)

    assert client.get("/creators/nobody/scores/").status_code == 404


def test_before_the_first_score_the_page_says_when_it_comes(client, bob):
    client.force_login(bob)

    assert "No score yet" in client.get(URL).content.decode()


def test_it_shows_value_interval_inputs_formula_and_change(client, bob):
    now = datetime.now(UTC)
    show = LiveSessionFactory(piece__creator=bob.creator)
    CreatorFactory()
    services.recompute(creator_ids=None, now=now)
    paid_order(piece=show.piece, at=now, minor=123_456)
    (score,) = services.recompute(creator_ids=[bob.creator.pk], now=now)
    client.force_login(bob)

    page = client.get(URL).content.decode()

    assert f"{score.value:.1f}" in page
    assert f"with 90 % certainty between {score.low:.1f} and {score.high:.1f}" in page
    assert "1,234.56" in page
    assert "0.4 · PR(GPM)" in page
    assert "What you did, and time passing" in page
    assert "Provisional" in page
    assert score.inputs_sha256 in page
    assert "style=" not in page
