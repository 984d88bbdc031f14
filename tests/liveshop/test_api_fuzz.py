"""The API against schemathesis: everything its document allows, and much that it does not."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from liveshop.api_document import document
from tests.factories.api import everything
from tests.factories.webhooks import token_for

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
# Ids are of one thing each; a number of any order does.
NUMBERS = ("number", "unpaid_number", "delivered_number")
# What is right by its form may still be refused for what it means: that is 409 or 422, never 400;
# and with 429 who tries one voucher's code after the other.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429"]
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


@pytest.fixture
def one_connection():
    """Let requests keep this test's connection, as the test client does."""
    both = request_started, request_finished
    for signal in both:
        signal.disconnect(close_old_connections)
    yield
    for signal in both:
        signal.connect(close_old_connections)


@pytest.mark.long
@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
def test_some_of_what_one_can_send_in_this_process(alice, carol, shop, now):
    """A taste of the campaign below: one right and one wrong request for each operation."""
    # It takes seconds, which only the process that needs it should spend.
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.config import SchemathesisConfig
    from schemathesis.core.failures import FailureGroup

    world = everything(alice, shop, now=now)
    tokens = token_for(alice), token_for(carol, shop=shop)
    config = SchemathesisConfig.from_str(CONFIG)
    schema = schemathesis.openapi.from_dict(_with_ids(world), config=config)
    schema.app, schema.location = get_wsgi_application(), "/api/openapi.yaml"
    wrong = []

    @seed(1)
    @settings(
        max_examples=2, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def ask(data, operation):
        mode = data.draw(st.sampled_from(list(GenerationMode)))
        case = data.draw(operation.as_strategy(generation_mode=mode))
        token = tokens["{shop}" in operation.path]
        with transaction.atomic():
            try:
                case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
            except FailureGroup as failures:
                wrong.extend(map(str, failures.exceptions))
            transaction.set_rollback(True)

    for found in schema.get_all_operations():
        ask(operation=found.ok())
    assert wrong == []


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
