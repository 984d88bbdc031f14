"""Checkpoints: what an account's entries sum up to so far, so that nobody adds them all up again.

All sales share a few accounts. No balance is ever written where they post, so nobody waits for
anybody there: they insert entries, and a job sums them up behind their backs.

Ids are handed out before their transactions commit, so an entry may become visible after others
with higher ids. A checkpoint that had passed it by would miss it for ever. Therefore it goes only
as far as ids that nobody still holds: every transaction that could have drawn one of them has
ended. `services.post` inserts the journal first, which gives its transaction an id of its own
*before* it draws the ids of entries; hence all transactions that hold ids up to now are older than
this one, and when no older one runs, none of those ids can appear any more.
"""

import time
from datetime import datetime
from typing import Final

from django.db import connection, transaction

# Fewer new entries than this are as quickly added up by those who ask.
LEAST: Final = 100

_HORIZON = """
SELECT coalesce(pg_sequence_last_value(
    pg_get_serial_sequence('ledger_entry', 'id')::regclass), 0)
"""
# Transactions of other databases write no entries here. Where sessions of another role hide theirs
# from us, we wait for all there are.
_ALL_OLDER_HAVE_ENDED = """
SELECT pg_stat_clear_snapshot();

SELECT CASE WHEN coalesce(bool_or(query = '<insufficient privilege>'), false)
    THEN pg_snapshot_xmin(pg_current_snapshot()) >= pg_current_xact_id()
    ELSE NOT coalesce(bool_or(age(backend_xid) > age(pg_current_xact_id()::xid)), false)
END FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_WRITE = """
INSERT INTO ledger_checkpoint (account_id, entry_id, balance_minor, at)
SELECT account.id, %(horizon)s, coalesce(last.balance_minor, 0) + fresh.sum, %(now)s
FROM ledger_account account
LEFT JOIN LATERAL (
    SELECT entry_id, balance_minor FROM ledger_checkpoint
    WHERE account_id = account.id ORDER BY entry_id DESC LIMIT 1
) last ON true
CROSS JOIN LATERAL (
    SELECT count(*) AS entries,
           sum(CASE side WHEN 'debit' THEN amount_minor ELSE -amount_minor END) AS sum
    FROM ledger_entry
    WHERE account_id = account.id AND id > coalesce(last.entry_id, 0) AND id <= %(horizon)s
) fresh
WHERE fresh.entries >= %(least)s
ON CONFLICT ON CONSTRAINT ledger_checkpoint_once DO NOTHING
"""


def write(*, now: datetime, least: int = LEAST, patience: float = 2.0) -> int:
    """Write a checkpoint for each account with at least so many new entries; return how many.

    Waits up to `patience` seconds for older transactions to end; when one goes on for longer,
    nothing is written, and the next run catches up.
    """
    # READ COMMITTED: each statement sees what is committed by then.
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_HORIZON)
        [(horizon,)] = cursor.fetchall()
        if not _all_older_have_ended(patience):
            return 0
        cursor.execute(_WRITE, {"horizon": horizon, "least": max(least, 1), "now": now})
        return int(cursor.rowcount)


def _all_older_have_ended(patience: float) -> bool:
    until = time.monotonic() + patience
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_ALL_OLDER_HAVE_ENDED)
            cursor.nextset()
            [(ended,)] = cursor.fetchall()
            if ended:
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.02)
