"""Fuzz both parsers side by side for SECONDS each; say in one line what came of it.

What was found interesting stays in .liveshop/fuzz/ and is gone on from the next time. An input
that fails is kept there, too; it belongs into test_findings.py.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

TARGETS = ("rtmp", "fmp4")
FOLDER = Path(".liveshop/fuzz")
# A process with its corpus; what the parsers keep for one input is next to nothing of it.
MOST_MB = 768
SLOWEST_S = 10


def start(name: str, seconds: int) -> subprocess.Popen[bytes]:
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.fuzz.target", name, str(folder / "corpus")),
                *(f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MB}"),
                *(f"-timeout={SLOWEST_S}", f"-artifact_prefix={folder}/", "-print_final_stats=1"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def figures(name: str, code: int) -> dict[str, object]:
    """Read what libFuzzer says at its end."""
    folder = FOLDER / name
    log = (folder / "log").read_text(errors="replace")
    stats = {key: int(value) for key, value in re.findall(r"stat::(\w+):\s+(\d+)", log)}
    covered = re.findall(r"cov: (\d+)", log)
    return {
        "executions": stats.get("number_of_executed_units", 0),
        "slowest_s": stats.get("slowest_unit_time_sec"),
        "peak_mb": stats.get("peak_rss_mb"),
        "covered": int(covered[-1]) if covered else 0,
        "failures": sorted(
            str(one) for kind in ("crash", "oom", "timeout") for one in folder.glob(f"{kind}-*")
        ),
        "code": code,
    }


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    if sys.platform != "win32":
        os.nice(10)
    print(f"Fuzzing {' and '.join(TARGETS)} for {seconds} s …", flush=True)
    running = {name: start(name, seconds) for name in TARGETS}
    try:
        found = {name: figures(name, process.wait()) for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()
    is_fine = all(
        not one["code"] and not one["failures"] and one["executions"] for one in found.values()
    )
    print(json.dumps({"is_fine": is_fine, "seconds": seconds, **found}))
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
