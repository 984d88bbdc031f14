"""The jobs of replays: make one when a show has ended, give it its pictures, tidy up."""

from datetime import UTC, datetime
from typing import Final

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from creators.live.replays import illustrating, services
from creators.live.replays.queries import ended_show

# Seconds between two looks at what was recorded. After the fourth it is not waited for the rest:
# what comes late (an origin that was away, a slow storage) still becomes part of the replay.
_LOOKS: Final = (4, 8, 15, 25, 120, 600, 3600)
_PATIENT_LOOKS: Final = 4


@app.task(name=services.MAKE, queue="replays", retry=RetryStrategy(max_attempts=5, wait=10))
def make_replay(*, piece_id: int, look: int = 0) -> None:
    """Make a replay as soon as all is recorded, or from what there is when that takes long."""
    session = ended_show(piece_id)
    if session is None:
        return
    is_all_there = services.is_all_there(session)
    if is_all_there or look >= _PATIENT_LOOKS:
        replay = services.make_replay(piece_id=piece_id, now=datetime.now(UTC))
        if replay is not None:
            services.illustrate_soon(piece_id=piece_id)
    if not is_all_there and look < len(_LOOKS):
        app.configure_task(services.MAKE, schedule_in={"seconds": _LOOKS[look]}).defer(
            piece_id=piece_id, look=look + 1
        )


@app.task(
    name=services.ILLUSTRATE,
    queue="replays",
    retry=RetryStrategy(max_attempts=5, exponential_wait=6),
)
def illustrate_replay(*, piece_id: int) -> None:
    illustrating.illustrate(piece_id=piece_id, now=datetime.now(UTC))


@app.task(
    name=services.FORGET,
    queue="replays",
    retry=RetryStrategy(max_attempts=20, exponential_wait=2),
)
def forget_files(*, names: list[str]) -> None:
    services.forget_files(names=names)
