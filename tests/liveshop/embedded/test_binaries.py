"""Which PostgreSQL is taken, and what is said when it can't be."""

from pathlib import Path

import pytest

from liveshop import embedded
from liveshop.embedded.places import Places
from tests.liveshop.embedded.conftest import query

LOCAL_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("1[56]/bin"))


@pytest.fixture
def pretend(tmp_path, monkeypatch):
    """pretend(line) makes PG_BIN a folder whose programs just say that line."""

    def make(line):
        for name in ("postgres", "initdb"):
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\necho '{line}'\n")
            program.chmod(0o755)
        monkeypatch.setenv("PG_BIN", str(tmp_path))

    return make


def test_a_pg_bin_without_programs_is_refused_in_plain_words(state, tmp_path, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(tmp_path))

    with pytest.raises(embedded.EmbeddedError, match="no initdb and postgres in that folder"):
        embedded.lease(state, fast=True)


@pytest.mark.parametrize(
    "line", ["postgres (PostgreSQL) 14.11", "postgres (PostgreSQL) 9.6.24 (Debian 9.6.24-0)"]
)
def test_a_postgresql_that_is_too_old_is_refused_in_plain_words(state, pretend, line):
    pretend(line)

    with pytest.raises(embedded.EmbeddedError, match="liveshop needs 15 or later"):
        embedded.lease(state, fast=True)


def test_a_program_that_is_no_postgresql_is_refused(state, pretend):
    pretend("cannot execute")

    with pytest.raises(embedded.EmbeddedError, match="does not run here: cannot execute"):
        embedded.lease(state, fast=True)


@pytest.mark.usefixtures("started_before")
def test_after_a_wrong_pg_bin_the_next_start_works(state, tmp_path, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(tmp_path))
    with pytest.raises(embedded.EmbeddedError):
        embedded.lease(state, fast=True)
    monkeypatch.delenv("PG_BIN")

    with embedded.lease(state, fast=True):
        assert query(state, "SELECT 1") == 1


@pytest.mark.usefixtures("started_before")
def test_data_of_another_version_are_left_alone(state):
    with embedded.lease(state, fast=True):
        pass
    version = Places.of(state).database / "PG_VERSION"
    made_by = version.read_text()
    version.write_text("17\n")

    with pytest.raises(embedded.EmbeddedError, match="was made by PostgreSQL 17"):
        embedded.lease(state, fast=True)

    version.write_text(made_by)
    with embedded.lease(state, fast=True):
        assert query(state, "SELECT 1") == 1


@pytest.mark.skipif(not LOCAL_POSTGRES, reason="no PostgreSQL 15 or 16 on this machine")
def test_a_local_postgresql_does_as_well(state, monkeypatch):
    monkeypatch.setenv("PG_BIN", str(LOCAL_POSTGRES[0]))

    with embedded.lease(state, fast=True):
        assert str(query(state, "SHOW server_version")).startswith(LOCAL_POSTGRES[0].parent.name)
        assert query(state, "SHOW server_encoding") == "UTF8"
