"""How fast units are reserved and orders are paid, with nothing oversold: `make bench-checkout`.

A private site: its own PostgreSQL, which waits for the disk at every commit as in production, its
own Valkey, two web processes (`manage.py stage`), the sandbox of a payment provider, a job worker.
What asks is in processes of its own.

    make bench-checkout PARTS=reservations,orders,http IN_FLIGHT=512 SECONDS=10 ORDERS=5000
                        BUYERS=2000 SEATS=64 THREADS=64 WAY=pages|api

The last line is one JSON object:

- reservations_per_s, reservation_p50_ms, reservation_p99_ms: by the stock room's batcher in one
  process, IN_FLIGHT requests at any time, all for one SKU;
- orders_service_per_s, order_service_p50_ms, order_service_p99_ms: whole orders by the services
  (quote with its hold, order, the provider's report applied), in two processes with THREADS each;
- orders_per_s, order_p50_ms, order_p99_ms: put in the cart, check out, order and pay at the sandbox
  over HTTP, by the site's pages or its API, SEATS buyers at any time, all for one SKU;
- order_cpu_ms: the processor time of such an order by kind of process (web, database, valkey,
  provider, worker, buyers), until the jobs that it sets off are done (jobs_left: but for so many);
- oversold: units promised above what there is, over all rounds, those included in which more people
  want a SKU than there are units, by the batcher and over HTTP; false_sold_out: units that were
  left of it although somebody was told that there are none; unexplained: units that stock, holds
  and movements tell different things about; wrong: answers that nobody should get.

It ends with status 1 when a bar of benchmarks/checkout/bars.py is missed. Other work on the machine
makes figures worse, never better: two idle cores are needed.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.checkout import goods
from benchmarks.checkout.bars import EXACT, PARTS
from benchmarks.checkout.cpu import Meter, wait_for_jobs
from benchmarks.private_site import Site, free_ports, private_site
from benchmarks.stage.site import sign_in
from liveshop.embedded.places import PROJECT

_FINITE: Final = 777
_WEB_PROCESSES: Final = 2
_JOBS_SECONDS: Final = 120.0
_MANAGE: Final = str(PROJECT / "manage.py")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--in-flight", type=int, default=512)
    parser.add_argument("--seconds", type=float, default=10, help="how long is reserved")
    parser.add_argument("--orders", type=int, default=5000, help="at service level")
    parser.add_argument("--threads", type=int, default=64, help="of each process at service level")
    parser.add_argument("--buyers", type=int, default=2000, help="over HTTP")
    parser.add_argument("--seats", type=int, default=64, help="buyers at a time")
    parser.add_argument("--way", choices=["pages", "api"], default="pages")
    found = parser.parse_args()
    found.parts = [part for part in found.parts.split(",") if part]
    if unknown := set(found.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    return found


class Bench:
    """A site, and what was found of it."""

    def __init__(self, site: Site, asked: argparse.Namespace) -> None:
        self.site = site
        self.asked = asked
        self.found: dict[str, Any] = {
            "oversold": 0,
            "false_sold_out": 0,
            "unexplained": 0,
            "wrong": 0,
        }

    def helper(self, module: str, *words: str) -> "subprocess.Popen[str]":
        """Start a process of the bench."""
        log = self.site.log(module)
        with log.open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", f"benchmarks.checkout.{module}", *words],
                cwd=PROJECT,
                env=self.site.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def answer(self, process: "subprocess.Popen[str]", module: str, said: str = "") -> Any:
        """Read what a process of the bench found.

        :raises SystemExit: it failed
        """
        text, _ = process.communicate(said)
        if process.returncode:
            raise SystemExit(f"{module} failed:\n{_tail(self.site.log(module))}")
        return json.loads(text.splitlines()[-1])

    def count(self, sku_id: int, *, refused: int, scarce: bool) -> None:
        """Add a round's books to what was found."""
        books = goods.books(sku_id=sku_id)
        self.found["oversold"] += books["oversold"]
        self.found["unexplained"] += books["unexplained"]
        if refused or scarce:
            # Somebody went away with nothing, so everything must be gone.
            self.found["false_sold_out"] += books["left"]

    # --- Reservations -------------------------------------------------------------------------

    def reservations(self) -> None:
        steady = goods.hot_sku(on_hand=goods.PLENTY)
        self.found |= self._reserve(do="steadily", sku_id=steady, seconds=self.asked.seconds)
        self.count(steady, refused=0, scarce=False)
        scarce = goods.hot_sku(on_hand=_FINITE)
        ends = self._reserve(do="finite", sku_id=scarce, requests=4 * _FINITE)
        self.found["wrong"] += ends["others"]
        self.found["finite_granted"] = ends["granted"]
        self.count(scarce, refused=ends["refused"], scarce=True)
        print(f"reservations: {self.found['reservations_per_s']:,} a second", flush=True)

    def _reserve(self, **what: Any) -> dict[str, Any]:
        asked = {"in_flight": self.asked.in_flight, **what}
        process = self.helper("reservations", json.dumps(asked))
        found: dict[str, Any] = self.answer(process, "reservations")
        return found

    # --- Orders by the services ---------------------------------------------------------------

    def orders(self, users: Sequence[int]) -> None:
        sku_id = goods.hot_sku(on_hand=goods.PLENTY)
        goods.with_cart(users, sku_id=sku_id)
        shares = [users[part::_WEB_PROCESSES] for part in range(_WEB_PROCESSES)]
        processes = [
            self.helper(
                "orders", json.dumps({"user_ids": list(share), "threads": self.asked.threads})
            )
            for share in shares
        ]
        for process in processes:
            assert process.stdout is not None  # noqa: S101
            if process.stdout.readline() != "ready\n":
                raise SystemExit(f"orders failed:\n{_tail(self.site.log('orders'))}")
        meter = Meter(self.site)
        for process in processes:
            assert process.stdin is not None  # noqa: S101
            process.stdin.write("go\n")
            process.stdin.flush()
        ends = [self.answer(process, "orders") for process in processes]
        seconds = max(end["ended"] for end in ends) - min(end["began"] for end in ends)
        self._timed("order_service", [one for end in ends for one in end["took"]])
        self.found["orders_service_per_s"] = round(len(users) / seconds, 1)
        used = {**meter.since(), "services": sum(end["cpu"] for end in ends)}
        self.found["order_service_cpu_ms"] = {
            kind: round(seconds / len(users) * 1000, 2) for kind, seconds in used.items()
        }
        self.count(sku_id, refused=0, scarce=False)
        print(f"orders: {self.found['orders_service_per_s']} a second", flush=True)

    # --- Orders over HTTP ---------------------------------------------------------------------

    def http(self, cookies: Sequence[str]) -> None:
        ports = self._serve()
        most = self.asked.seats * 4
        # Templates, routes and connections are made once.
        self._buy(ports, goods.hot_sku(on_hand=goods.PLENTY), cookies[:most])
        wait_for_jobs(patience=_JOBS_SECONDS)
        plenty = goods.hot_sku(on_hand=goods.PLENTY)
        meter = Meter(self.site)
        ends = self._buy(ports, plenty, cookies[most : most + self.asked.buyers])
        bought = len(ends["took"])
        # What an order sets off counts, too, although nobody waits for it.
        self.found["jobs_left"] = wait_for_jobs(patience=_JOBS_SECONDS)
        used = {**meter.since(), "buyers": ends["cpu"]}
        self.found["order_cpu_ms"] = {
            kind: round(seconds / max(bought, 1) * 1000, 2) for kind, seconds in used.items()
        }
        self._timed("order", ends["took"])
        self.found["orders_per_s"] = round(bought / ends["seconds"], 1)
        self.found["wrong"] += ends["wrong"] + ends["sold_out"] + abs(bought - self._paid(plenty))
        self.found["busy"] = ends["busy"]
        self.count(plenty, refused=ends["sold_out"], scarce=False)
        print(f"orders over HTTP: {self.found['orders_per_s']} a second", flush=True)
        few = goods.hot_sku(on_hand=len(cookies[most + self.asked.buyers :]) // 2)
        ends = self._buy(ports, few, cookies[most + self.asked.buyers :])
        self.found["wrong"] += ends["wrong"] + abs(len(ends["took"]) - self._paid(few))
        self.found["scarce_bought"] = len(ends["took"])
        self.found["scarce_refused"] = ends["sold_out"]
        self.count(few, refused=ends["sold_out"], scarce=True)

    def _serve(self) -> list[int]:
        *ports, provider = free_ports(_WEB_PROCESSES + 1)
        self.site.environment["PAYMENTS_SANDBOX_URL"] = f"http://127.0.0.1:{provider}"
        hook = f"http://127.0.0.1:{ports[0]}/payments/webhooks/sandbox/"
        words = ("-m", "shops.payments.sandbox", "--port", str(provider), "--webhook-url", hook)
        self.site.start("provider", *words)
        for port in ports:
            self.site.start(f"web-{port}", _MANAGE, "stage", "--port", str(port), answers=port)
        self.site.start("worker", _MANAGE, "worker")
        return ports

    def _buy(self, ports: list[int], sku_id: int, cookies: Sequence[str]) -> dict[str, Any]:
        asked = {
            "ports": ports,
            "cookies": list(cookies),
            "sku_id": sku_id,
            "in_flight": min(self.asked.seats, len(cookies)),
            "way": self.asked.way,
        }
        ends: dict[str, Any] = self.answer(
            self.helper("buyers"), "buyers", json.dumps(asked) + "\n"
        )
        for wrong in ends["wrongs"]:
            print(f"wrong: {wrong}", flush=True)
        return ends

    def _paid(self, sku_id: int) -> int:
        """Count the paid units of a SKU."""
        from shops.orders.models import OrderLine

        return OrderLine.objects.filter(sku_id=sku_id, order__paid_at__isnull=False).count()

    def _timed(self, name: str, took: Sequence[float]) -> None:
        ordered = sorted(took) or [float("nan")]
        for part in (50, 99):
            value = ordered[int(len(ordered) * part / 100)]
            self.found[f"{name}_p{part}_ms"] = round(value * 1000, 1)


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


def main() -> int:
    asked = options()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    settings = {
        "LOG_LEVEL": "WARNING",
        "STAGE_SOCKETS_PER_ADDRESS": "100000",
    }
    began = time.monotonic()
    with private_site(settings=settings, parts=(), durable=True) as site:
        bench = Bench(site, asked)
        bench.found |= {name: vars(asked)[name] for name in ("in_flight", "seats", "way")}
        bench.found["load_before"] = round(os.getloadavg()[0], 2)
        from shops.accounts.models import User

        scarce = 200
        over_http = asked.seats * 4 + asked.buyers + scarce if "http" in asked.parts else 0
        by_services = asked.orders if "orders" in asked.parts else 0
        cookies = sign_in(over_http + by_services)
        users = list(User.objects.order_by("pk").values_list("pk", flat=True))
        goods.with_address(users)
        if "reservations" in asked.parts:
            bench.reservations()
        if "orders" in asked.parts:
            bench.orders(users[over_http:])
        if "http" in asked.parts:
            bench.http(cookies[:over_http])
        found = bench.found
    found["seconds"] = round(time.monotonic() - began, 1)
    bars = [*EXACT, *(bar for part in asked.parts for bar in PARTS[part])]
    misses = [missed for bar in bars if (missed := bar.misses(found))]
    for missed in misses:
        print(f"missed: {missed}", flush=True)
    print(json.dumps(found))
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
