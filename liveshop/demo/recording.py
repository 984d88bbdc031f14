"""The picture of the demo's finished show, drawn and kept as if it had been sent that day."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from creators.live.models import LiveSession, Pin, ShowState
from creators.live.replays.services import make_soon
from creators.media.hls.cutter import Cutter, Fragment, Init
from creators.media.models import Stream
from creators.media.services import record_segment
from liveshop.demo.airtime import product_of
from liveshop.demo.encoder import Encoder
from liveshop.demo.picture import Studio
from liveshop.demo.planes import Sprite
from liveshop.demo.shows import PAST
from liveshop.demo.sound import RATE, Loop

# Smaller and slower than the live picture: it is drawn while somebody waits for the demo.
WIDTH: Final = 540
FPS: Final = 15
SEGMENT_SECONDS: Final = 6.0


def waiting_shows() -> list[LiveSession]:
    """List the demo's shows that have been, and should have a recording, but have none yet."""
    recorded = [script.title for script in PAST if script.seconds]
    return list(
        LiveSession.objects.filter(
            state=ShowState.ENDED,
            piece__title__in=recorded,
            stream__on_air_from__isnull=False,
            stream__erased_at=None,
            stream__segments=None,
        ).select_related("stream", "piece")
    )


def record(session: LiveSession) -> int:
    """Draw the picture of a show that is over, keep it, and have its replay made.

    Returns how many segments were kept.
    """
    stream = session.stream
    began, ended = (stream.on_air_from, stream.on_air_until) if stream else (None, None)
    if stream is None or began is None or ended is None:
        return 0
    with tempfile.TemporaryDirectory(prefix="liveshop-recording-") as folder:
        path = Path(folder, "show.mp4")
        _draw(session, path, began=began, ended=ended)
        kept = _keep(stream, path, began=began)
    make_soon(piece_id=session.pk)
    return kept


def _draw(session: LiveSession, path: Path, *, began: datetime, ended: datetime) -> None:
    studio = Studio(poster=Path(session.poster_path).stem, width=WIDTH)
    loop, samples = Loop(), RATE // FPS
    output = ["-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof", str(path)]
    first_ms, seconds = _ms(began), (ended - began).total_seconds()
    cards = _cards(session.pins.select_related("product").order_by("pk"), studio)
    following = next(cards, None)
    with Encoder(studio, output, fps=FPS) as encoder:
        for number in range(int(seconds * FPS)):
            ms = first_ms + number * 1000 // FPS
            while following is not None and following[0] <= ms:
                studio.show(following[1], ms=following[0])
                following = next(cards, None)
            sound = loop.part(first_ms, skip=number * samples, samples=samples)
            encoder.write(studio.frame(ms), sound)


def _cards(pins: Iterable[Pin], studio: Studio) -> Iterator[tuple[int, Sprite]]:
    for pin in pins:
        yield _ms(pin.pinned_at), studio.card(product_of(pin.product_id, pin.product.title))


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _keep(stream: Stream, path: Path, *, began: datetime) -> int:
    """Put the file into the recordings' storage as segments of some seconds, and enter them."""
    storage, run = storages["recordings"], 1
    init_name = f"{stream.pk}/{run}/init.mp4"
    kept = 0
    first = 0
    waiting: list[Fragment] = []

    def keep() -> None:
        nonlocal kept, first
        data = b"".join(fragment.data for fragment in waiting)
        name = storage.save(f"{stream.pk}/{run}/{first}.m4s", ContentFile(data))
        lasts = sum(fragment.duration for fragment in waiting)
        record_segment(
            stream_id=stream.pk,
            run=run,
            first=first,
            starts_at=began + timedelta(seconds=waiting[0].start),
            duration_ms=round(lasts * 1000),
            size_bytes=len(data),
            name=name,
            init_name=init_name,
        )
        first += len(waiting)
        kept += 1
        waiting.clear()

    with path.open("rb") as file:
        for piece in Cutter().feed(file.read()):
            if isinstance(piece, Init):
                init_name = storage.save(init_name, ContentFile(piece.data))
                continue
            waiting.append(piece)
            if sum(fragment.duration for fragment in waiting) >= SEGMENT_SECONDS:
                keep()
    if waiting:
        keep()
    Stream.objects.filter(pk=stream.pk).update(run=run, lost_at=stream.on_air_until)
    return kept
