from datetime import timedelta

from django.contrib.auth.models import AnonymousUser

from creators.audience.models import ProductClick, QualifiedView
from creators.audience.services import record_click, record_view, viewer_key
from tests.factories.creators import PieceFactory, PieceProductFactory


def test_a_viewer_counts_once_a_day_per_piece(db, now):
    piece, other = PieceFactory(), PieceFactory()
    now = now.replace(hour=12)
    assert record_view(piece_id=piece.pk, viewer="u:1", now=now)
    assert not record_view(piece_id=piece.pk, viewer="u:1", now=now + timedelta(minutes=1))
    assert record_view(piece_id=piece.pk, viewer="u:2", now=now)
    assert record_view(piece_id=other.pk, viewer="u:1", now=now)
    assert record_view(piece_id=piece.pk, viewer="u:1", now=now + timedelta(days=1))
    assert QualifiedView.objects.count() == 4


def test_a_view_of_nothing_is_not_counted(db, now):
    assert not record_view(piece_id=10**9, viewer="u:1", now=now)


def test_a_click_counts_once_a_day_per_product(db, now):
    shown = PieceProductFactory()
    click = {"piece_id": shown.piece_id, "product_id": shown.product_id, "now": now}
    assert record_click(viewer="u:1", **click)
    assert not record_click(viewer="u:1", **click)
    assert record_click(viewer="u:2", **click)
    assert ProductClick.objects.count() == 2


def test_a_click_on_what_the_piece_never_showed_is_not_counted(db, now):
    piece, shown = PieceFactory(), PieceProductFactory()
    assert not record_click(piece_id=piece.pk, product_id=shown.product_id, viewer="u:1", now=now)


def test_a_signed_in_viewer_is_the_user(alice):
    assert viewer_key(user=alice, session_key="abc") == f"u:{alice.pk}"


def test_an_anonymous_viewers_session_can_not_be_read_from_the_key():
    key = viewer_key(user=AnonymousUser(), session_key="secret-session")
    assert key.startswith("a:")
    assert "secret" not in key
    assert len(key) <= 70
    assert key == viewer_key(user=None, session_key="secret-session")
    assert key != viewer_key(user=None, session_key="other")
