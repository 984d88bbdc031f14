"""The API against schemathesis: everything its document allows, and much that it does not."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from liveshop.api_document import document
from tests.factories.api import everything
from tests.factories.webhooks import token_for

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
# Ids are of one thing each; a number of any order does.
NUMBERS = ("number", "unpaid_number", "delivered_number")
# What is right by its form may still be refused for what it means: that is 409 or 422, never 400.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""


def _with_ids(world):
    """Return the API's document with ids that exist, so that what is asked gets somewhere."""
    known = deepcopy(document())
    for methods in known["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                name = parameter["name"]
                if parameter["in"] != "path" or name not in world:
                    continue
                values = [world[each] for each in NUMBERS] if name == "number" else [world[name]]
                parameter["schema"] = {
                    **parameter["schema"],
                    "enum": [each if isinstance(each, int) else str(each) for each in values],
                }
    return known


@pytest.mark.campaign
@pytest.mark.parametrize("whose", ["user", "shop"])
def test_nothing_that_one_can_send_breaks_the_api(site, alice, carol, shop, whose, tmp_path):
    world = everything(alice, shop, now=datetime.now(UTC))
    schema, config = tmp_path / "openapi.json", tmp_path / "schemathesis.toml"
    schema.write_text(json.dumps(_with_ids(world)))
    config.write_text(CONFIG)
    token = token_for(alice) if whose == "user" else token_for(carol, shop=shop)
    only = "--exclude-path-regex" if whose == "user" else "--include-path-regex"
    done = subprocess.run(
        [
            Path(sys.executable).parent / "schemathesis",
            "--config-file", config,
            "run", schema,
            "--url", site.url,
            "--header", f"Authorization: Bearer {token}",
            "--checks", "all",
            "--max-examples", str(EXAMPLES),
            "--continue-on-failure",
            "--suppress-health-check", "all",
            only, "/shops/",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    (Path(os.environ.get("FUZZ_REPORT", tmp_path)) / f"{whose}.txt").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
