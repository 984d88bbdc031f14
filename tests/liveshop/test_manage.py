"""Which commands start the embedded servers."""

import pytest

from manage import needs_embedded_servers


@pytest.fixture(autouse=True)
def nobody_named_servers(monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.delenv("REDIS_URL", raising=False)


@pytest.mark.parametrize("command", ["migrate", "shell", "runserver", "seed_demo", "procrastinate"])
def test_a_command_that_talks_to_the_database_does(command):
    assert needs_embedded_servers([command])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--version"],
        ["help"],
        ["check"],
        ["makemigrations", "--check"],
        ["collectstatic"],
        ["migrate", "--help"],
        ["demo"],
    ],
)
def test_a_command_that_works_on_files_only_does_not(arguments):
    assert not needs_embedded_servers(arguments)


@pytest.mark.parametrize(
    ("redis", "expected"), [("redis://127.0.0.1/0", False), ("", True), (None, True)]
)
def test_real_servers_are_used_when_both_are_named(monkeypatch, redis, expected):
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1/liveshop")
    if redis is not None:
        monkeypatch.setenv("REDIS_URL", redis)
    assert needs_embedded_servers(["migrate"]) is expected
