"""What the stage must reach in the bench, by what was asked for."""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Bar:
    """A figure and the limit that it keeps to, from below or from above."""

    name: str
    limit: float
    is_least: bool = False

    def misses(self, found: dict[str, Any]) -> str:
        """Say what is wrong with the figure; "" when nothing is."""
        value = found.get(self.name)
        if value is None or value == -1:
            return f"{self.name} was not measured"
        is_kept = value >= self.limit if self.is_least else value <= self.limit
        sign = "≥" if self.is_least else "≤"
        return "" if is_kept else f"{self.name} is {value}, must be {sign} {self.limit}"


def least(name: str, limit: float) -> Bar:
    return Bar(name, limit, is_least=True)


def most(name: str, limit: float) -> Bar:
    return Bar(name, limit)


# Whatever was asked for.
ALWAYS: Final = (
    most("gaps", 0),
    most("duplicates", 0),
    most("strays", 0),
    most("lost", 0),
    most("unknown", 0),
    most("disorder", 0),
    most("twice", 0),
    most("dropped", 0),
    least("null_ratio", 1.3),
)
SCENARIOS: Final = {
    "steady": (),
    "idle": (most("p99_ms", 300),),
    "slow": (
        most("p99_change_percent", 10),
        most("rss_per_slow_kb", 64),
        most("ended_otherwise", 0),
    ),
    "flood": (most("p99_change_percent", 10),),
    "reconnect": (most("resume_queries", 0), most("all_back_s", 35), most("snapshots", 0)),
}
PEERS: Final = (
    least("times_less_cpu_than_socketio", 16),
    least("times_less_cpu_than_socketio_batched", 1.3),
)
# Server, fast path, viewers, rate.
STEADY: Final = {
    ("uvicorn", True, 2000, 500): (
        least("deliveries_per_s", 985_000),
        most("p99_ms", 90),
        most("cpu_s_per_100k", 0.06),
    ),
    ("uvicorn", True, 5000, 100): (most("p99_ms", 150),),
    ("uvicorn", False, 2000, 500): (most("p99_ms", 250),),
    ("daphne", True, 2000, 500): (least("deliveries_per_s", 985_000), most("p99_ms", 120)),
    ("daphne", False, 1000, 100): (most("p99_ms", 400),),
}


def bars(
    *, scenario: str, server: str, fast: bool, viewers: int, rate: float, peers: bool
) -> list[Bar]:
    """List what a run is judged by."""
    wanted = [*ALWAYS, *SCENARIOS[scenario]]
    # daphne's own connections take more than that, whatever writes to them.
    is_small = fast and server == "uvicorn"
    if scenario == "steady":
        wanted += STEADY.get((server, fast, viewers, round(rate)), ())
        if is_small:
            wanted.append(least("connects_per_s", 3000))
    if scenario in ("steady", "idle"):
        # What a burst of people takes once is most of what a few thousand of them show.
        is_apart = is_small and viewers >= 10_000
        wanted.append(most("rss_per_conn_kb", 8 if is_apart else 35))
    if peers:
        wanted += PEERS
    return wanted
