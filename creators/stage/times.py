"""Instants as the wire has them: milliseconds since 1970."""

from datetime import datetime


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else ms(at)
