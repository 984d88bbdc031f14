"""What must hold in the books whatever happened; `manage.py doctor` asks."""

from collections.abc import Iterator

from django.db import connection

_SIGNED = "CASE side WHEN 'debit' THEN entry.amount_minor ELSE -entry.amount_minor END"
_MOST = 100


def off() -> Iterator[str]:
    """Yield a text for each thing that is wrong: journals, the whole, checkpoints."""
    yield from _rows(
        "journal {} does not sum to zero in {}: {}",
        f"""
        SELECT entry.journal_id, account.currency, sum({_SIGNED})
        FROM ledger_entry entry JOIN ledger_account account ON account.id = entry.account_id
        GROUP BY 1, 2 HAVING sum({_SIGNED}) <> 0 ORDER BY 1, 2
        """,  # noqa: S608
    )
    yield from _rows(
        "journal {} has {} entries",
        """
        SELECT journal.id, count(entry.id)
        FROM ledger_journal journal LEFT JOIN ledger_entry entry ON entry.journal_id = journal.id
        GROUP BY 1 HAVING count(entry.id) < 2 ORDER BY 1
        """,
    )
    yield from _rows(
        "checkpoint of account {} up to entry {} says {}, the entries say {}",
        f"""
        SELECT point.account_id, point.entry_id, point.balance_minor, real.sum
        FROM ledger_checkpoint point
        CROSS JOIN LATERAL (
            SELECT coalesce(sum({_SIGNED}), 0) AS sum FROM ledger_entry entry
            WHERE entry.account_id = point.account_id AND entry.id <= point.entry_id
        ) real
        WHERE real.sum <> point.balance_minor ORDER BY 1, 2
        """,  # noqa: S608
    )


def _rows(text: str, sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT {_MOST}")
        for row in cursor.fetchall():
            yield text.format(*row)
