"""How many events a second one core brings to how many viewers, and how late: `make bench-stage`.

A private site (its own PostgreSQL and Valkey) has a show on the air; its web server has one core
for itself. Viewers, each signed in, with a real cookie and origin, are in a process of their own on
the other core(s) (benchmarks/stage/crowd.py), as is what publishes: a part of the events are lines
that viewers write by the chat's door, the rest comes by the hub's (150 bytes each). Every viewer
checks that it got every event exactly once and in order.

    make bench-stage VIEWERS=2000 RATE=500 SECONDS=20 SERVER=uvicorn|daphne FAST=on|off PROCESSES=1
                     CHAT=0.1 DEFLATE=off|on PEERS=0|1
                     SCENARIO=steady|idle|slow|flood|reconnect

The last line is one JSON object:

- deliveries_per_s, p50_ms, p99_ms: events × viewers; from the time written inside the event, when
  it was published or its chat line sent, until a viewer's socket has it (`hub_…` and `chat_…`: of
  each door by itself);
- cpu_s_per_100k: processor seconds of the web processes for 100,000 deliveries;
- rss_per_conn_kb: what one idle connection adds to their memory; connects_per_s: websockets opened
  a second, each with its origin and session checked; states_per_s: of these, how many a second were
  given the show's state and their own; cpu_ms_per_connect: what both cost together;
- gaps, duplicates: by the numbers in the frames, of all viewers together; lost, unknown, disorder,
  twice: by the bench's own numbers; strays: frames of another history; dropped: lost connections;
- null_per_s, null_ratio: what the viewers take from a server of ready frames, and how many times
  the events asked for that is: below 1.3 the bench itself would be what is measured.

SCENARIO=slow: 100 more viewers stop reading now and then; the others' p99 with and without,
rss_per_slow_kb, and how the slow ones ended. flood: one more viewer sends 100 lines a second.
reconnect: everybody is cut off and is back within 5 s; resume_queries counts the statements that
PostgreSQL got meanwhile and does not get otherwise. PEERS=1: the same load on Socket.IO 4 with its
Redis adapter, as taught (an emit per event) and with equal batching, in turns with ours.

It ends with status 1 when a bar of benchmarks/stage/bars.py is missed. Other work on the machine
makes figures worse, never better: two idle cores are needed.
"""

import argparse
import json
import os
import resource
import sys
from typing import Any, Final

from benchmarks.private_site import private_site
from benchmarks.stage import peers, scenarios
from benchmarks.stage.bars import SCENARIOS, bars
from benchmarks.stage.measure import WARM_VIEWERS, null_test
from benchmarks.stage.scenarios import Wanted
from benchmarks.stage.site import cookies_file, cores, sign_in


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenario", choices=SCENARIOS, default="steady")
    parser.add_argument("--viewers", type=int)
    parser.add_argument("--rate", type=float, help="events a second")
    parser.add_argument("--seconds", type=float, default=20, help="how long is counted")
    parser.add_argument("--chat", type=float, help="part of the events written in the chat (0.1)")
    parser.add_argument("--server", choices=["uvicorn", "daphne"], default="uvicorn")
    parser.add_argument("--fast", choices=["on", "off"], default="on", help="the fast path")
    parser.add_argument("--deflate", choices=["on", "off"], default="off")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--peers", type=int, choices=[0, 1], default=0)
    parser.add_argument("--rounds", type=int, default=3, help="of what is compared in turns")
    found = parser.parse_args()
    # Nobody writes while statements are counted: lines are statements.
    viewers, rate, chat = {"idle": (10_000, 1.0, 0.0), "reconnect": (10_000, 2.0, 0.0)}.get(
        found.scenario, (2000, 500.0, 0.1)
    )
    found.viewers = found.viewers or viewers
    found.rate = found.rate or rate
    found.chat = chat if found.chat is None else found.chat
    if found.peers and found.scenario != "steady":
        parser.error("peers are compared under steady load only")
    return found


# The slow ones, and those who warm the server up.
SPARE_USERS: Final = 100 + WARM_VIEWERS


def main() -> int:
    asked = options()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # What is started from here on inherits it; servers get their own core.
    os.sched_setaffinity(0, cores()[1])
    settings = {
        "STAGE_MAX_SOCKETS": "100000",
        "STAGE_SOCKETS_PER_ADDRESS": "100000",
        "STAGE_SOCKETS_PER_USER": "100000",
        "LOG_LEVEL": "WARNING",
    }
    found: dict[str, Any] = {**vars(asked)}
    with private_site(settings=settings, parts=()) as site:
        from benchmarks.video import begin_show

        show = begin_show("A show for a bench").session.pk
        cookies = cookies_file(site, sign_in(asked.viewers + SPARE_USERS))
        found["null_per_s"] = null_test(site, viewers=asked.viewers, rate=asked.rate)
        found["null_ratio"] = round(found["null_per_s"] / asked.viewers / asked.rate, 2)
        print(f"null test: {found['null_per_s']:,} deliveries/s", flush=True)
        wanted = Wanted(
            site=site,
            show=show,
            cookies=cookies,
            server=asked.server,
            fast=asked.fast == "on",
            deflate=asked.deflate == "on",
            processes=asked.processes,
            viewers=asked.viewers,
            rate=asked.rate * (1 - asked.chat),
            lines=asked.rate * asked.chat,
            seconds=asked.seconds,
            rounds=asked.rounds,
        )
        if asked.peers:
            found |= peers.compare(wanted)
        else:
            found |= scenarios.SCENARIOS[asked.scenario](wanted)
    misses = [
        missed
        for bar in bars(
            scenario=asked.scenario,
            server=asked.server,
            fast=asked.fast == "on",
            viewers=asked.viewers,
            rate=asked.rate,
            peers=bool(asked.peers),
        )
        if (missed := bar.misses(found))
    ]
    for missed in misses:
        print(f"missed: {missed}", flush=True)
    print(json.dumps(found))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
