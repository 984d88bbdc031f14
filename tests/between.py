"""Somebody who takes two rows in the order that all agreed on, and who comes in between."""

import threading
import time

from django.db import connection, transaction


def come_between(work, *, first, then):
    """Run `work` in a thread; while it waits for `first`, ask for `then`. A deadlock is raised.

    What is to be done with `first` may be given instead of `then`.
    """
    failed = []

    def run():
        try:
            work()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    with transaction.atomic():
        _take(first)
        thread = threading.Thread(target=run)
        thread.start()
        _wait_until_somebody_waits_for_us()
        if callable(then):
            then()
        else:
            _take(then)
    thread.join(30)
    if failed:
        raise failed[0]


def _take(row):
    type(row).objects.select_for_update(no_key=True).get(pk=row.pk)


def _wait_until_somebody_waits_for_us():
    deadline = time.monotonic() + 15
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(
                "SELECT count(*) FROM pg_locks"
                " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits")
