"""Lines of this process on their way to PostgreSQL, many in one transaction (`batching`).

A lone line waits for nobody. What comes right behind it waits until `EVERY_SECONDS` after that
transaction began: one for three lines costs hardly more than one for a single line.

What is answered was committed; what was not answered (the process died, PostgreSQL was away) is
still with its sender, who sends it again by the same client id.
"""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final

from django.utils.translation import gettext_lazy as _

from creators.chat import metrics
from creators.chat.posting import Draft, NotTaken, Posted, post_batch
from shops.facts import batching
from shops.facts.refused import Refused

MOST_WAITING: Final = 5_000
# Nobody sees a line come so much later; at hundreds of lines a second a batch has several.
EVERY_SECONDS: Final = 0.010


class Busy(batching.Busy):
    message = _("More is written than we can take. Try again in a moment.")


class Unavailable(batching.Unavailable):
    message = _("We can't write that down for the moment. Try again.")
    retry_after = 2


def _post_now(drafts: Sequence[Draft], then: Callable[[Sequence[Posted | Refused]], None]) -> None:
    began = time.perf_counter()
    answers = post_batch(drafts, now=datetime.now(UTC), as_kept=True)
    metrics.batch(lines=len(drafts), seconds=time.perf_counter() - began)
    then(answers)


_batcher: batching.Batcher[Draft, Posted] = batching.Batcher(
    _post_now,
    name="chat-batcher",
    busy=Busy,
    unavailable=Unavailable,
    failed=NotTaken,
    most_waiting=MOST_WAITING,
    every_seconds=EVERY_SECONDS,
)


def submit(draft: Draft) -> "Future[Posted]":
    """Have a line written; the future has what was committed, or a `Refused`.

    Its callbacks run in the batcher's thread. Never blocks. A line waits as long as it takes: who
    has said something is not to say it again because others are many.

    :raises Busy: too many lines wait
    """
    return _batcher.submit(draft, patience=math.inf)
