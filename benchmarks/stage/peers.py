"""Socket.IO 4 with its Redis adapter under the same load as ours, in turns, in one run.

The programs are in tests/bench/peers/, with packages of their own that only this bench installs.
As taught (an emit per event) it takes fewer events than it is offered: it is offered the same, and
what it delivered counts. Its server is started anew for each round, as is ours, for it would go on
for minutes with what it has not sent yet. It authenticates nobody and keeps no history.

It has no chat that judges lines and writes them down, either. So ours runs twice a round: with all
events by the one door that the peer has, too, which is what the ratios compare; and with lines by
the chat's door, which is what the other figures tell, with ratios of their own.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from benchmarks.private_site import Site, free_ports
from benchmarks.stage.measure import WARM_SECONDS, median, run
from benchmarks.stage.scenarios import Wanted
from benchmarks.stage.site import Server, cores, on
from liveshop.embedded import children
from liveshop.embedded.places import PROJECT

FOLDER: Final = PROJECT / "tests" / "bench" / "peers"
SECONDS: Final = 8.0
OURS: Final = "ours"
LIKE_PEERS: Final = "ours_like_peers"
PEERS: Final = {"socketio": "taught", "socketio_batched": "batched"}


def install() -> None:
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run([str(PROJECT / "scripts" / "with-node"), *command], cwd=FOLDER, check=True)


@contextlib.contextmanager
def peer(site: Site, mode: str) -> Iterator[Server]:
    """Start a Socket.IO server on the server's core."""
    (port,) = free_ports(1)
    name = f"peer-{port}"
    with on(cores()[0]), site.log(name).open("ab") as log:
        process = children.spawn(
            [PROJECT / "scripts" / "with-node", "node", "server.js", str(port), mode],
            cwd=FOLDER,
            env={**site.environment, "NODE_ENV": "production"},
            log=log,
            when_parent_dies=signal.SIGKILL,
        )
    try:
        site.wait_for(name, process, port)
        site.processes[name] = process
        yield Server(site, [name], [port])
    finally:
        site.processes.pop(name, None)
        # With all that it started: it may have been a program that runs Node for us.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def compare(wanted: Wanted) -> dict[str, Any]:
    """Run ours and both peers in turns; tells ours in full, and the medians and ratios."""
    install()
    seconds = min(wanted.seconds, SECONDS)
    rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in (OURS, LIKE_PEERS, *PEERS)}
    for _ in range(wanted.rounds):
        for name, found in rounds.items():
            found.append(_round(wanted, name, seconds))
            told = {key: found[-1].get(key) for key in ("deliveries_per_s", "cpu_s_per_100k")}
            print(f"{name}: {told}, p99 {found[-1]['p99_ms']} ms", flush=True)
    cpu = {name: median(found, "cpu_s_per_100k") for name, found in rounds.items()}
    worst = {
        key: max(one[key] for one in (*rounds[OURS], *rounds[LIKE_PEERS]))
        for key in ("gaps", "duplicates", "strays", "lost", "unknown", "disorder", "twice")
    }
    figures = ("deliveries_per_s", "p50_ms", "p99_ms", "cpu_s_per_100k")
    return {
        **rounds[OURS][-1],
        **worst,
        **{key: median(rounds[OURS], key) for key in (*figures, "connects_per_s")},
        **{
            f"{name}_{key}": median(rounds[name], key)
            for name in PEERS
            for key in (*figures, "rss_per_conn_kb")
        },
        f"{LIKE_PEERS}_cpu_s_per_100k": cpu[LIKE_PEERS],
        **{f"times_less_cpu_than_{name}": round(cpu[name] / cpu[LIKE_PEERS], 2) for name in PEERS},
        **{
            f"times_less_cpu_than_{name}_with_chat": round(cpu[name] / cpu[OURS], 2)
            for name in PEERS
        },
    }


def _round(wanted: Wanted, name: str, seconds: float) -> dict[str, Any]:
    if name in PEERS:
        return _peer(wanted, name, seconds)
    if name == LIKE_PEERS:
        wanted = replace(wanted, rate=wanted.rate + wanted.lines, lines=0)
    return _ours(wanted, seconds)


def _ours(wanted: Wanted, seconds: float) -> dict[str, Any]:
    with wanted.run() as found:
        wanted.publish(found)
        found.span(seconds)
        found.end()
        return found.found | found.windows()[0]


def _peer(wanted: Wanted, name: str, seconds: float) -> dict[str, Any]:
    """Offer all events by one door: it has no chat to write in."""
    with (
        peer(wanted.site, PEERS[name]) as server,
        run(wanted.site, server, viewers=wanted.viewers, socketio=True) as found,
    ):
        found.publish(
            rate=wanted.rate + wanted.lines,
            target=f"http://127.0.0.1:{server.ports[0]}",
            lines=0,
        )
        time.sleep(WARM_SECONDS)
        found.span(seconds)
        window = found.windows()[0]
        found.end(counts=False)
        return found.found | window
