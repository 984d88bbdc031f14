"""A show of a minute that has ended, with what was recorded of it, and two pins.

Its picture was away from the 30th to the 40th second: the recording takes 50 s.
"""

from datetime import timedelta

import pytest

from creators.live.models import Replay
from creators.live.replays import services
from tests.factories.creators import LiveSessionFactory, PieceProductFactory, PinFactory
from tests.factories.media import SegmentFactory, StreamFactory


@pytest.fixture
def began(now):
    return (now - timedelta(minutes=10)).replace(microsecond=0)


@pytest.fixture
def at(began):
    """at(12.5) is the instant 12.5 s into the show."""
    return lambda seconds: began + timedelta(seconds=seconds)


@pytest.fixture
def past(bob, product, other_product, at):
    """Bob's ended show: the scarf was pinned at 5 s, the shirt at 45 s."""
    stream = StreamFactory(
        creator=bob.creator,
        on_air_from=at(0),
        on_air_until=at(60),
        closed_at=at(60),
        lost_at=at(60),
    )
    session = LiveSessionFactory(
        piece__creator=bob.creator,
        piece__title="Scarves and shirts",
        state="ended",
        scheduled_at=at(0),
        started_at=at(0),
        ended_at=at(60),
        stream=stream,
    )
    for position, one in enumerate((product, other_product), start=1):
        PieceProductFactory(piece=session.piece, product=one, position=position)
    PinFactory(
        session=session,
        product=product,
        pinned_at=at(5),
        unpinned_at=at(25),
        price_minor=1490,
        currency="EUR",
    )
    PinFactory(
        session=session,
        product=other_product,
        pinned_at=at(45),
        unpinned_at=at(60),
        price_minor=1990,
        currency="EUR",
    )
    return session


@pytest.fixture
def recorded(past, at):
    """What was recorded of `past`: 30 s of one run, 20 s of the next."""
    for number, starts in enumerate((0, 6, 12, 18, 24, 40, 46, 52)):
        SegmentFactory(
            stream=past.stream,
            run=1 if starts < 30 else 2,
            first=number,
            starts_at=at(starts),
            duration_ms=8000 if starts == 52 else 6000,
        )
    return past


@pytest.fixture
def replay(recorded, now):
    return services.make_replay(piece_id=recorded.pk, now=now) or Replay()
