"""Processes of the site that die, as by kill -9, the first time they come to a named step.

`DIES_AT` names a function and a moment (`shops.payments.services:start:before`), `DIES_ONCE` a file
that is there once it has happened. Only the faults' tests use it; production code has no such
switch.
"""

import importlib
import os
import signal
from functools import wraps
from pathlib import Path


def rig():
    """Have this process die at its step."""
    module, name, moment = os.environ["DIES_AT"].split(":")
    done = Path(os.environ["DIES_ONCE"])
    owner = importlib.import_module(module)
    step = getattr(owner, name)

    def die():
        if not done.exists():
            done.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    @wraps(step)
    def rigged(*args, **kwargs):
        if moment == "before":
            die()
        found = step(*args, **kwargs)
        if moment == "after":
            die()
        return found

    setattr(owner, name, rigged)
