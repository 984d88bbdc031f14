"""The recording of the demo's finished show, in a process of its own that soon ends."""

import os
import signal
from typing import Any

from django.core.management.base import BaseCommand

from liveshop.demo.recording import record, waiting_shows
from liveshop.embedded.children import die_with_parent


class Command(BaseCommand):
    help = "Draw and keep the picture of the demo's finished show, where that is still to be done."
    requires_system_checks = ()

    def handle(self, *_args: Any, **_options: Any) -> None:
        die_with_parent(signal.SIGTERM, parent=os.getppid())
        # Whoever looks at the demo meanwhile comes first.
        os.nice(10)
        for session in waiting_shows():
            kept = record(session)
            self.stdout.write(f"“{session.piece.title}”: {kept} segments kept")
