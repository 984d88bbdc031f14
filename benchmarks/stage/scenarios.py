"""What happens in a run of the stage's bench: steady load, nothing much, or trouble."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.private_site import Site
from benchmarks.stage.measure import WARM_SECONDS, Run, median, run
from benchmarks.stage.site import Server, server

SLOW_VIEWERS: Final = 100
SLOW_CODE: Final = 1013
# A reader that is slow for longer is closed (1013).
LONGEST_LAG_SECONDS: Final = 36.0
FLOOD_PER_SECOND: Final = 100
BLIP_SECONDS: Final = 5.0
FEW: Final = 3
# After a change, until the figures are those of the new state.
CHANGE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Wanted:
    """What was asked for; `rate` goes by the hub's door, `lines` by the chat's, a second."""

    site: Site
    show: int
    cookies: str
    server: str
    fast: bool
    deflate: bool
    processes: int
    viewers: int
    rate: float
    lines: float
    seconds: float
    rounds: int

    @contextmanager
    def run(self, *, slow: int = 0) -> Iterator[Run]:
        """Start the server and have the viewers come; `slow` ones are there besides."""
        with (
            server(self.site, self.server, fast=self.fast, processes=self.processes) as web,
            self.crowd(web, slow=slow) as found,
        ):
            yield found

    @contextmanager
    def crowd(self, web: Server, *, slow: int = 0) -> Iterator[Run]:
        with run(
            self.site,
            web,
            viewers=self.viewers + slow,
            slow=slow,
            show=self.show,
            cookies=self.cookies,
            deflate=self.deflate,
        ) as found:
            yield found

    def publish(self, found: Run) -> None:
        found.publish(rate=self.rate, target=f"live:{self.show}", lines=self.lines)
        time.sleep(WARM_SECONDS)


def steady(wanted: Wanted) -> dict[str, Any]:
    """Let all viewers read what comes."""
    with wanted.run() as found:
        wanted.publish(found)
        found.span(wanted.seconds)
        found.end()
        return found.found | found.windows()[0]


def slow(wanted: Wanted) -> dict[str, Any]:
    """Have some viewers more stop reading, in turns with nobody doing so; at last for too long."""
    grown: list[float] = []
    endings: Counter[str] = Counter()
    with wanted.run(slow=SLOW_VIEWERS) as found:
        wanted.publish(found)
        closed = found.server.closes(SLOW_CODE)
        for stalls in [wanted.seconds] * wanted.rounds + [LONGEST_LAG_SECONDS]:
            found.span(wanted.seconds)
            before = found.server.memory_kb()
            found.crowd.ask("stall")
            time.sleep(CHANGE_SECONDS)
            found.span(wanted.seconds)
            grown.append((found.server.memory_kb() - before) / SLOW_VIEWERS)
            time.sleep(stalls - wanted.seconds)
            endings.update(found.crowd.ask("unstall")["endings"])
            time.sleep(CHANGE_SECONDS)
        # Who does not read can't read why it was closed, either: the server says why.
        closed = found.server.closes(SLOW_CODE) - closed - endings["1013"] - endings["4013"]
        endings["1013 unseen"] = min(closed, endings["reset"])
        endings["reset"] -= endings["1013 unseen"]
        found.end()
        told = {"resync", "1013", "4013", "1013 unseen"}
        return (
            found.found
            | found.windows()[0]
            | _with_and_without(found.windows())
            | {
                "rss_per_slow_kb": round(max(grown), 1),
                "endings": dict(+endings),
                "ended_otherwise": sum(n for how, n in endings.items() if how not in told),
            }
        )


def flood(wanted: Wanted) -> dict[str, Any]:
    """Have one viewer more write without end, in turns with nobody doing so."""
    with wanted.run() as found:
        wanted.publish(found)
        for _ in range(wanted.rounds):
            found.span(wanted.seconds)
            found.crowd.ask("flood", rate=FLOOD_PER_SECOND)
            time.sleep(CHANGE_SECONDS)
            found.span(wanted.seconds)
            found.crowd.ask("flood", rate=0)
            time.sleep(CHANGE_SECONDS)
        found.end()
        return found.found | found.windows()[0] | _with_and_without(found.windows())


def _with_and_without(windows: list[dict[str, Any]]) -> dict[str, Any]:
    """Compare spans in turns: without trouble, with it, without it, and so on."""
    without, with_it = median(windows[::2], "p99_ms"), median(windows[1::2], "p99_ms")
    return {
        "p99_without_ms": without,
        "p99_with_ms": with_it,
        "p99_change_percent": round((with_it / without - 1) * 100, 1),
        **{
            f"{name}_each": [window.get(name, -1) for window in windows]
            for name in ("p99_ms", "hub_p99_ms", "chat_p99_ms")
        },
    }


def reconnect(wanted: Wanted) -> dict[str, Any]:
    """Cut everybody off, and count what PostgreSQL is asked until all are back."""
    with wanted.run() as found:
        wanted.publish(found)
        found.span(min(wanted.seconds, 5))
        (log,) = wanted.site.state.rglob("postgres.log")
        with Statements(log) as statements:
            # As long as coming back takes at least, so that the rounds of a server are known.
            time.sleep(2 * BLIP_SECONDS)
            otherwise, began = statements.count(), time.monotonic()
            back = found.crowd.ask("blip", within=BLIP_SECONDS)
            passed = time.monotonic() - began
            meanwhile = statements.count()
        found.end()
        more = more_than_usual(meanwhile, otherwise, longer=passed / (2 * BLIP_SECONDS))
        for text, count in more.most_common(20):
            print(f"{count} more of {text[:200]}", flush=True)
        return (
            found.found
            | found.windows()[0]
            | back
            | {
                "resume_queries": more.total(),
                "queries_meanwhile": meanwhile.total(),
                "queries_otherwise": otherwise.total(),
            }
        )


def more_than_usual(
    meanwhile: Counter[str], otherwise: Counter[str], *, longer: float
) -> Counter[str]:
    """Select the statements that came more often than a server's rounds explain.

    Rounds keep no exact time on a busy machine, and a show is looked up anew once nobody was there:
    a few more of what comes otherwise, too, are nobody's resume. What never does is not excused.
    """
    usual = {text: count * max(1.0, longer) + FEW for text, count in otherwise.items()}
    return Counter(
        {
            text: count - int(usual.get(text, 0))
            for text, count in meanwhile.items()
            if count > usual.get(text, 0)
        }
    )


class Statements:
    """Has PostgreSQL write down each statement, and counts them by their text without values."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._at = log.stat().st_size

    def __enter__(self) -> "Statements":
        self._set("log_statement = 'all'")
        self._at = self._log.stat().st_size
        return self

    def __exit__(self, *error: object) -> None:
        self._set("log_statement = 'none'")

    def _set(self, setting: str) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute(f"ALTER SYSTEM SET {setting}")
            cursor.execute("SELECT pg_reload_conf()")
        # Each server process reads it before its next statement.
        time.sleep(0.5)

    def count(self) -> Counter[str]:
        """Count the statements since the last call."""
        time.sleep(0.2)
        with self._log.open("rb") as log:
            log.seek(self._at)
            text = log.read().decode(errors="replace")
            self._at = log.tell()
        found = re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", text)
        return Counter(without_values(one) for one in found)


def without_values(statement: str) -> str:
    plain = re.sub(r"'(?:[^']|'')*'|\$\d+|\b\d+\b", "?", statement)
    return re.sub(r"\((?:\?(?:::\w+)?(?:, )?)+\)", "(?)", plain).strip()


SCENARIOS: Final[dict[str, Callable[[Wanted], dict[str, Any]]]] = {
    "steady": steady,
    "idle": steady,
    "slow": slow,
    "flood": flood,
    "reconnect": reconnect,
}
