"""The picture of the demo's show, in a process of its own."""

import os
import signal
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from creators.media import access
from creators.media.models import StreamKey
from creators.media.services import make_key
from liveshop.demo.airtime import Airtime, bob
from liveshop.demo.camera import Camera, Watch
from liveshop.demo.drawing.studio import WIDTH
from liveshop.embedded.children import die_with_parent
from liveshop.embedded.places import hand_to_caller
from liveshop.management.commands.demo import KEY_FILE


class Command(BaseCommand):
    help = "Send a generated picture with sound to the demo's show, by bob's stream key."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--width", type=int, default=WIDTH, help="in pixels; 9:16 upright")

    def handle(self, *_args: Any, **options: Any) -> None:
        die_with_parent(signal.SIGTERM, parent=os.getppid())
        key = _key(Path(settings.STATE_DIR) / KEY_FILE)
        watch = Watch(Airtime(key), width=options["width"])
        camera = Camera(watch=watch, rtmp_url=settings.RTMP_URL, key=key)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: camera.stop())
        camera.run()


def _key(path: Path) -> str:
    """Return bob's stream key that this demo made; a new one when it was lost or changed."""
    kept = path.read_text().strip() if path.exists() else ""
    if kept and StreamKey.objects.filter(digest=access.key_digest(kept)).exists():
        return kept
    key = make_key(creator=bob(), now=datetime.now(UTC))
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")
    hand_to_caller(fresh)
    fresh.rename(path)
    return key
