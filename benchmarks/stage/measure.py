"""One run of the stage's bench: viewers come, events flow, and what came of it is read."""

import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.private_site import Site, free_ports
from benchmarks.processes import cpu_seconds
from benchmarks.stage.site import Crowd, Helper, Publisher, Server, cores, on

# Until the first frames, caches and buffers are as they stay.
WARM_SECONDS: Final = 2.0
NULL_SECONDS: Final = 4.0
WINDOWS_PER_SECOND: Final = 20
# They are there before the others come, and stay while memory is measured: so many come at once,
# and what that takes of the process, once, is not what each of thousands takes.
WARM_VIEWERS: Final = 256


@dataclass
class Run:
    """A server with viewers, and what was measured of it so far."""

    site: Site
    server: Server
    crowd: Crowd
    viewers: int
    found: dict[str, Any] = field(default_factory=dict)
    publisher: Publisher | None = None
    spans: list[tuple[float, float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    crowd_cpu: list[float] = field(default_factory=list)

    def publish(self, *, rate: float, target: str, lines: float) -> None:
        """Let events flow: `rate` a second by the hub's door, `lines` by the chat's."""
        self.publisher = Publisher(self.site, rate=rate, target=target)
        self.publisher.go()
        self.crowd.ask("chat", rate=lines)

    def span(self, seconds: float) -> None:
        """Let some time pass, of which figures are wanted."""
        pid = self.crowd.process.pid
        began, cpu, mine = time.time(), self.server.cpu_seconds(), cpu_seconds(pid)
        time.sleep(seconds)
        self.spans.append((began, time.time()))
        self.cpu.append(self.server.cpu_seconds() - cpu)
        self.crowd_cpu.append(cpu_seconds(pid) - mine)

    def end(self, *, counts: bool = True) -> None:
        """Stop the events, and check that everybody got all of them."""
        told = {} if self.publisher is None else self.publisher.stop()
        if self.publisher is not None:
            self.publisher.end()
        published = told.get("published", 0) if counts else None
        self.found |= self.crowd.ask("finish", published=published)
        self.found |= {f"publisher_{name}": value for name, value in told.items()}

    def windows(self) -> list[dict[str, Any]]:
        """Tell what each span brought, with what it cost."""
        windows: list[dict[str, Any]] = self.crowd.ask("figures", windows=self.spans)["windows"]
        for window, span, cpu, mine in zip(
            windows, self.spans, self.cpu, self.crowd_cpu, strict=True
        ):
            seconds = span[1] - span[0]
            window["server_cpu_percent"] = round(cpu / seconds * 100, 1)
            window["viewers_cpu_percent"] = round(mine / seconds * 100, 1)
            if window["deliveries"]:
                window["cpu_s_per_100k"] = round(cpu / window["deliveries"] * 100_000, 4)
        return windows


@contextmanager
def run(
    site: Site, server: Server, *, viewers: int, slow: int = 0, **options: Any
) -> Iterator[Run]:
    """Have viewers come to a server; tells how fast they came and what each of them takes."""
    with Crowd(site, server.ports, **options) as crowd:
        with Crowd(site, server.ports, **options) as warm:
            warm.ask("open", count=WARM_VIEWERS, first=viewers + slow)
            time.sleep(1)
            before, cpu = server.memory_kb(), server.cpu_seconds()
            found = Run(site, server, crowd, viewers)
            found.found |= crowd.ask("open", count=viewers, slow=slow)
            cpu = server.cpu_seconds() - cpu
            time.sleep(WARM_SECONDS)
            found.found["cpu_ms_per_connect"] = round(cpu / viewers * 1000, 3)
            found.found["rss_per_conn_kb"] = round((server.memory_kb() - before) / viewers, 1)
        time.sleep(WARM_SECONDS)
        yield found


def null_test(site: Site, *, viewers: int, rate: float) -> int:
    """Return how many deliveries a second the viewers can take, from a server of ready frames."""
    events = max(1, round(rate / WINDOWS_PER_SECOND))
    (port,) = free_ports(1)
    with ExitStack() as stack:
        with on(cores()[0]):
            null = Helper(
                "stage.null",
                str(port),
                str(events),
                environment=site.environment,
                log=site.log("null"),
            )
        stack.enter_context(null)
        null.hear()
        crowd = stack.enter_context(Crowd(site, [port]))
        crowd.ask("open", count=viewers)
        null.say("go")
        time.sleep(1)
        began = time.time()
        time.sleep(NULL_SECONDS)
        span = (began, time.time())
        null.say("stop")
        time.sleep(0.5)
        checked = crowd.ask("finish", published=None)
        if checked["gaps"] or checked["duplicates"]:
            raise SystemExit(f"The viewers count wrong: {checked}")
        (window,) = crowd.ask("figures", windows=[span])["windows"]
    return int(window["deliveries_per_s"])


def median(windows: list[dict[str, Any]], name: str) -> float:
    return float(statistics.median([one[name] for one in windows if name in one] or [-1.0]))
