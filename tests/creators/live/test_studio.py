from datetime import UTC, datetime, timedelta

import pytest

from creators.live import queries, studio_views
from creators.live.models import LiveSession, ShowState
from creators.pieces.models import PieceProduct
from creators.profiles.models import Creator
from tests.factories.creators import LiveSessionFactory


def _fields(**fields):
    return {"title": "Scarves", "planned_minutes": "45", "starts_at": "", "zone": "", **fields}


def test_a_viewer_becomes_a_creator_on_the_page(client, alice):
    client.force_login(alice)
    assert client.get("/creator/")["Location"] == "/creator/join/"
    response = client.post("/creator/join/", {"name": "Alice", "handle": "alice"})
    assert response["Location"] == "/creator/"
    assert Creator.objects.get().user == alice
    assert "Alice" in client.get("/creator/").content.decode()


def test_a_handle_that_is_taken_is_told_at_the_field(client, alice, bob):
    client.force_login(alice)
    response = client.post("/creator/join/", {"name": "Alice", "handle": "bob"})
    assert response.status_code == 200
    assert "Another creator has this handle." in response.content.decode()


def test_a_show_is_planned_with_its_products(client, bob, product):
    client.force_login(bob)
    response = client.post("/creator/shows/new/", _fields(products=[product.pk]))
    session = LiveSession.objects.get()
    assert response["Location"] == f"/live/{session.pk}/console/"
    assert session.state == ShowState.SCHEDULED
    assert session.planned_minutes == 45
    assert PieceProduct.objects.get().product == product
    assert "Scarves" in client.get("/creator/").content.decode()


def test_the_time_is_read_in_the_browsers_zone(client, bob):
    client.force_login(bob)
    day = datetime.now(UTC).date() + timedelta(days=3)
    client.post("/creator/shows/new/", _fields(starts_at=f"{day}T20:30", zone="Asia/Tokyo"))
    expected = datetime(day.year, day.month, day.day, 11, 30, tzinfo=UTC)
    assert LiveSession.objects.get().scheduled_at == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"title": ""},
        {"planned_minutes": "3"},
        {"starts_at": "soon"},
        {"starts_at": "2001-01-01T10:00"},
        {"starts_at": "9999-12-31T23:59", "zone": "Pacific/Kiritimati"},
        {"products": ["999999"]},
    ],
)
def test_what_can_not_be_planned_is_told_and_nothing_is_kept(client, bob, fields):
    client.force_login(bob)
    response = client.post("/creator/shows/new/", _fields(**fields))
    assert response.status_code == 200
    assert "field__error" in response.content.decode()
    assert not LiveSession.objects.exists()


def test_an_unknown_zone_is_utc(client, bob):
    client.force_login(bob)
    day = datetime.now(UTC).date() + timedelta(days=3)
    client.post("/creator/shows/new/", _fields(starts_at=f"{day}T20:30", zone="../../etc/passwd"))
    assert LiveSession.objects.get().scheduled_at.hour == 20


def test_a_foreign_product_is_not_planned(client, bob, foreign_product):
    client.force_login(bob)
    client.post("/creator/shows/new/", _fields(products=[foreign_product.pk]))
    assert not LiveSession.objects.exists()


def test_the_public_page_lists_the_shows(client, show):
    page = client.get("/creators/bob/").content.decode()
    assert show.piece.title in page
    assert "/creators/bob/scores/" not in page


def test_a_creator_that_does_not_exist_is_not_found(client, db):
    assert client.get("/creators/nobody/").status_code == 404


def test_only_the_shows_that_are_listed_are_counted(client, bob, monkeypatch):
    counted = []

    def count(piece_id):
        counted.append(piece_id)
        return queries.ShowFigures(0, 0, "EUR", 0, 0, 0)

    monkeypatch.setattr(studio_views, "MOST_PAST", 2)
    monkeypatch.setattr(queries, "show_figures", count)
    for _ in range(3):
        LiveSessionFactory(piece__creator=bob.creator, state=ShowState.ENDED)
    client.force_login(bob)
    assert [row["show"].pk for row in client.get("/creator/").context["past"]] == counted
    assert len(counted) == 2
