"""Counting who watched and who opened a product: once per viewer, piece and day."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from creators.audience.models import ProductClick, QualifiedView


def viewer_key(*, user: Any, session_key: str | None) -> str:
    """Name a viewer without telling who it is: "u:<user id>" or "a:<SHA-256 of the session>"."""
    if user is not None and user.is_authenticated:
        return f"u:{user.pk}"
    return f"a:{hashlib.sha256((session_key or '').encode()).hexdigest()}"


@transaction.atomic
def record_view(*, piece_id: int, viewer: str, now: datetime) -> bool:
    """Count that a viewer watched a piece for 5 s; False when the day has it already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audience_qualifiedview (piece_id, viewer, day, at)"
            " SELECT id, %s, %s, %s FROM pieces_piece WHERE id = %s"
            " ON CONFLICT ON CONSTRAINT audience_view_once_a_day DO NOTHING",
            [viewer, now.astimezone(UTC).date(), now, piece_id],
        )
        return bool(cursor.rowcount)


@transaction.atomic
def record_views(*, seen: Iterable[tuple[int, str]], now: datetime) -> set[tuple[int, str]]:
    """Count several views, (piece, viewer) each, as `record_view` does; return the new ones."""
    pairs = list(seen)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audience_qualifiedview (piece_id, viewer, day, at)"
            " SELECT p.id, v.viewer, %s, %s"
            " FROM unnest(%s::bigint[], %s::text[]) AS v (piece_id, viewer)"
            " JOIN pieces_piece AS p ON p.id = v.piece_id ORDER BY p.id, v.viewer"
            " ON CONFLICT ON CONSTRAINT audience_view_once_a_day DO NOTHING"
            " RETURNING piece_id, viewer",
            [
                now.astimezone(UTC).date(),
                now,
                [piece_id for piece_id, _ in pairs],
                [viewer for _, viewer in pairs],
            ],
        )
        return set(cursor.fetchall())


@transaction.atomic
def record_click(*, piece_id: int, product_id: int, viewer: str, now: datetime) -> bool:
    """Count that a viewer opened a product that the piece shows or has shown.

    False when the day has it already, and for a product that was never in the piece.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audience_productclick (piece_id, product_id, viewer, day, at)"
            " SELECT piece_id, product_id, %s, %s, %s FROM pieces_pieceproduct"
            " WHERE piece_id = %s AND product_id = %s LIMIT 1"
            " ON CONFLICT ON CONSTRAINT audience_click_once_a_day DO NOTHING",
            [viewer, now.astimezone(UTC).date(), now, piece_id, product_id],
        )
        return bool(cursor.rowcount)


@transaction.atomic
def erase(*, piece_id: int) -> None:
    """Delete who watched a piece and opened its products: it was a rehearsal."""
    QualifiedView.objects.filter(piece_id=piece_id).delete()
    ProductClick.objects.filter(piece_id=piece_id).delete()
