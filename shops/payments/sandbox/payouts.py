"""Payouts at the sandbox provider: money sent to accounts, once per key.

An account's name says what becomes of it: `acct_closed…` fails, `acct_slow…` is paid after a
while, any other at once.
"""

import sqlite3
import uuid
from dataclasses import asdict, fields

from shops.payments.sandbox.records import Conflict, Payout

_CLOSED, _SLOW = "acct_closed", "acct_slow"


def make(
    db: sqlite3.Connection,
    *,
    key: str,
    amount_minor: int,
    currency: str,
    account: str,
    now: float,
    delay: float,
) -> Payout:
    """Send money, once per key; asking again tells how it stands.

    :raises Conflict: the key stands for another payout
    """
    with db:
        db.execute("BEGIN IMMEDIATE")
        known = find(db, key, now=now)
        if known:
            if (known.amount_minor, known.currency, known.account) != (
                amount_minor,
                currency,
                account,
            ):
                raise Conflict
            return known
        is_slow = account.startswith(_SLOW)
        is_closed = account.startswith(_CLOSED)
        made = Payout(
            key=key,
            ref=f"po_{uuid.uuid4().hex}",
            state="failed" if is_closed else "pending" if is_slow else "paid",
            amount_minor=amount_minor,
            currency=currency,
            account=account,
            failure_code="account_closed" if is_closed else "",
        )
        db.execute(
            "INSERT INTO payout"
            " (key, ref, state, amount_minor, currency, account, failure_code, settle_at)"
            " VALUES (:key, :ref, :state, :amount_minor, :currency, :account, :failure_code,"
            " :settle_at)",
            {**asdict(made), "settle_at": now + delay},
        )
    return made


def find(db: sqlite3.Connection, key: str, *, now: float) -> Payout | None:
    db.execute(
        "UPDATE payout SET state = 'paid' WHERE key = ? AND state = 'pending' AND settle_at <= ?",
        [key, now],
    )
    row = db.execute("SELECT * FROM payout WHERE key = ?", [key]).fetchone()
    return Payout(**{field.name: row[field.name] for field in fields(Payout)}) if row else None
