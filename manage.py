#!/usr/bin/env python3
"""Django's command line; starts the embedded servers for commands that need some."""

import contextlib
import os
import sys
import warnings

# These work on files and settings only; everything else talks to PostgreSQL or Valkey.
# `demo` starts the servers itself, after it has found its port free.
NEEDS_NO_SERVERS = {
    "asyncapi",
    "check",
    "collectstatic",
    "compilemessages",
    "create_max_migration_files",
    "demo",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "makemigrations",
    "rebase_migration",
    "spectacular",
    "startapp",
    "test",
    "version",
}


def needs_embedded_servers(arguments: list[str]) -> bool:
    """Say if the command with these arguments needs servers that nobody named."""
    if not arguments or arguments[0].startswith("-") or arguments[0] in NEEDS_NO_SERVERS:
        return False
    if {"-h", "--help"} & set(arguments):
        return False
    return not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"))


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liveshop.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.stderr.write("Django is not installed for this Python; run make .venv first.\n")
        return 1
    from liveshop import embedded

    if sys.argv[1:2] == ["makemigrations"]:
        # It also compares with the database's history when it can. Without a running server it
        # works from the files alone: that is no news, and no reason to wait for a pool.
        warnings.filterwarnings("ignore", message="Got an error checking a consistent migration")
        os.environ["DATABASE_POOL"] = "0"
    with contextlib.ExitStack() as stack:
        if needs_embedded_servers(sys.argv[1:]):
            try:
                stack.enter_context(embedded.lease())
            except embedded.EmbeddedError as error:
                sys.stderr.write(f"{error}\n")
                return 1
        execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
