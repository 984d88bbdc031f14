"""Bob's camera while nobody is at it: sends the studio's picture and sound over RTMP by ffmpeg."""

import logging
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.db import DatabaseError, close_old_connections

from liveshop.demo.airtime import Airtime, OnAir
from liveshop.demo.encoder import Encoder, Fell, rtmp_output
from liveshop.demo.picture import FPS, Product, Studio
from liveshop.demo.planes import Sprite
from liveshop.demo.sound import RATE, Loop

log = logging.getLogger("liveshop.camera")
LOOK_SECONDS: Final = 0.5
# Further behind than that, beginning anew is better than catching up.
LATEST_SECONDS: Final = 3.0
# ffmpeg may stay without a word when its server is gone.
STUCK_SECONDS: Final = 4.0
LONGEST_PAUSE: Final = 10.0


@dataclass(frozen=True)
class Scene:
    """What is to be sent now, ready to be drawn."""

    stream_id: UUID
    studio: Studio
    product: Product | None
    card: Sprite | None


class Watch(threading.Thread):
    """Looks at the show beside the frames, so that no frame waits for the database."""

    def __init__(self, airtime: Airtime, *, width: int) -> None:
        super().__init__(name="watch", daemon=True)
        self.scene: Scene | None = None
        self.is_sending = False
        # Called when no frame was finished for long.
        self.when_stuck: Callable[[], None] | None = None
        self.last_frame_at = time.monotonic()
        self._airtime = airtime
        self._width = width
        self._poster: str | None = None

    def run(self) -> None:
        while True:
            try:
                close_old_connections()
                on_air = self._airtime.look(now=datetime.now(UTC), is_sending=self.is_sending)
                self.scene = self._staged(on_air)
            except DatabaseError as error:
                # What is on goes on.
                log.info("the database does not answer: %s", error)
            except (OSError, subprocess.SubprocessError) as error:
                log.warning("the picture could not be drawn: %s", error)
            when_stuck = self.when_stuck
            if when_stuck and time.monotonic() - self.last_frame_at > STUCK_SECONDS:
                log.warning("ffmpeg takes nothing any more")
                when_stuck()
            time.sleep(LOOK_SECONDS)

    def _staged(self, on_air: OnAir | None) -> Scene | None:
        if on_air is None:
            return None
        before = self.scene
        studio = before.studio if before and self._poster == on_air.poster else None
        if studio is None:
            studio, before = Studio(poster=on_air.poster, width=self._width), None
            self._poster = on_air.poster
        if before and before.product == on_air.product and before.stream_id == on_air.stream_id:
            return before
        card = studio.card(on_air.product) if on_air.product else None
        return Scene(on_air.stream_id, studio, on_air.product, card)


class Camera:
    """Sends whenever it may, until `stop()`."""

    def __init__(self, *, watch: Watch, rtmp_url: str, key: str) -> None:
        self._watch = watch
        self._output = rtmp_output(rtmp_url, key)
        self._loop = Loop()
        self._is_stopping = threading.Event()

    def stop(self) -> None:
        self._is_stopping.set()

    def run(self) -> None:
        self._watch.start()
        falls = 0
        while not self._is_stopping.is_set():
            scene = self._watch.scene
            if scene is None:
                self._is_stopping.wait(LOOK_SECONDS)
                continue
            began = time.monotonic()
            try:
                self._broadcast(scene)
                falls = 0
            except Fell as error:
                falls = 1 if time.monotonic() - began > LONGEST_PAUSE else falls + 1
                pause = min(2.0 ** (falls - 1), LONGEST_PAUSE)
                log.info("%s; again in %.0f s", error, pause)
                self._is_stopping.wait(pause)

    def _broadcast(self, scene: Scene) -> None:
        """Send until the scene is over.

        :raises Fell: the way to the origin broke
        """
        log.info("sending to %s", scene.stream_id)
        with Encoder(scene.studio, self._output) as encoder:
            self._watch.last_frame_at = time.monotonic()
            self._watch.is_sending, self._watch.when_stuck = True, encoder.kill
            try:
                self._film(scene, encoder)
            finally:
                self._watch.is_sending, self._watch.when_stuck = False, None
        log.info("stopped sending to %s", scene.stream_id)

    def _film(self, scene: Scene, encoder: Encoder) -> None:
        began, began_ms = time.monotonic(), round(time.time() * 1000)
        card: Sprite | None = None
        samples = RATE // FPS
        number = 0
        while not self._is_stopping.is_set():
            latest = self._watch.scene
            if latest is None or (latest.stream_id, latest.studio) != (
                scene.stream_id,
                scene.studio,
            ):
                return
            late = time.monotonic() - began - number / FPS
            if late < 0:
                time.sleep(-late)
            elif late > LATEST_SECONDS:
                raise Fell("the machine was too busy")
            ms = round(time.time() * 1000 - max(0.0, late) * 1000)
            if latest.card is not card:
                card = latest.card
                scene.studio.show(card, ms=ms)
            sound = self._loop.part(began_ms, skip=number * samples, samples=samples)
            encoder.write(scene.studio.frame(ms), sound)
            self._watch.last_frame_at = time.monotonic()
            number += 1
