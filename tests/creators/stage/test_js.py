"""The page's own modules, tested under Node: the machine's, or the one of the wheel."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
NODE = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
TESTS = sorted((PROJECT / "tests" / "js").glob("*.test.js"))


def test_there_are_tests_and_a_node_to_run_them():
    assert TESTS
    assert NODE


@pytest.mark.parametrize("test", TESTS, ids=lambda path: path.name)
def test_javascript(test):
    ran = subprocess.run(
        [NODE, "--test", str(test)], capture_output=True, text=True, timeout=120, check=False
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
