"""What the sandbox provider remembers, in a file: a restart forgets nothing."""

import json
import sqlite3
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from shops.payments.sandbox.cards import Card

_SCHEMA = """
CREATE TABLE IF NOT EXISTS charge (
    key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, card_token TEXT NOT NULL, failure_code TEXT NOT NULL, settle_at REAL
);
CREATE TABLE IF NOT EXISTS refund (
    key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, charge TEXT NOT NULL REFERENCES charge
);
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, due_at REAL, attempts INTEGER NOT NULL DEFAULT 0
);
"""
# Seconds to wait after each failed delivery; after the last one the provider gives up.
RETRY_AFTER = (1, 2, 4, 8, 15, 30, 60)

State = Literal["pending", "succeeded", "failed", "cancelled"]


class Conflict(Exception):
    """A key was used before, for something else."""


class NotPossible(Exception):
    """The provider refuses a well-formed request; the code says why."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Charge:
    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    failure_code: str


@dataclass(frozen=True)
class Refund:
    key: str
    ref: str
    state: State
    amount_minor: int
    currency: str
    charge: str


@dataclass(frozen=True)
class Delivery:
    id: str
    body: str
    attempts: int


class Store:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _SCHEMA)

    def close(self) -> None:
        self._db.close()

    def charge(self, key: str) -> Charge | None:
        row = self._db.execute("SELECT * FROM charge WHERE key = ?", [key]).fetchone()
        return _charge(row) if row else None

    def refund(self, key: str) -> Refund | None:
        row = self._db.execute("SELECT * FROM refund WHERE key = ?", [key]).fetchone()
        return _refund(row) if row else None

    def make_charge(
        self,
        *,
        key: str,
        amount_minor: int,
        currency: str,
        card: Card,
        now: float,
        delay: float,
        tell_at: float,
    ) -> tuple[Charge, bool]:
        """Charge a card once per key; the second value tells whether this call did it.

        :raises Conflict: the key stands for another amount, currency or card
        """
        row = self._db.execute("SELECT * FROM charge WHERE key = ?", [key]).fetchone()
        if row:
            if row["state"] == "cancelled" and not row["card_token"]:
                return _charge(row), False
            if (row["amount_minor"], row["currency"], row["card_token"]) != (
                amount_minor,
                currency,
                card.token,
            ):
                raise Conflict
            return _charge(row), False
        ended: State = "failed" if card.failure_code else "succeeded"
        charge = Charge(
            key=key,
            ref=f"ch_{uuid.uuid4().hex}",
            state="pending" if card.is_slow else ended,
            amount_minor=amount_minor,
            currency=currency,
            failure_code="" if card.is_slow else card.failure_code,
        )
        settle_at = now + delay if card.is_slow else None
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._insert(charge, card_token=card.token, settle_at=settle_at)
            self._tell(f"charge.{charge.state}", charge, now=now, due_at=tell_at)
        return charge, True

    def cancel_charge(self, key: str, *, now: float) -> Charge:
        """See to it that a key is never charged, unless it was: then tell what became of it."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self.charge(key)
            if known is None:
                known = Charge(
                    key=key,
                    ref=f"ch_{uuid.uuid4().hex}",
                    state="cancelled",
                    amount_minor=0,
                    currency="",
                    failure_code="cancelled",
                )
                self._insert(known, card_token="", settle_at=None)
        return known

    def make_refund(
        self, *, key: str, charge_key: str, amount_minor: int, currency: str, now: float
    ) -> Refund:
        """Give money of a charge back, once per key.

        :raises Conflict: the key stands for another refund
        :raises NotPossible: no such paid charge, another currency, or more than was charged
        """
        known = self.refund(key)
        if known:
            if (known.charge, known.amount_minor, known.currency) != (
                charge_key,
                amount_minor,
                currency,
            ):
                raise Conflict
            return known
        refund = Refund(
            key=key,
            ref=f"re_{uuid.uuid4().hex}",
            state="succeeded",
            amount_minor=amount_minor,
            currency=currency,
            charge=charge_key,
        )
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            charge = self.charge(charge_key)
            if charge is None or charge.state != "succeeded":
                raise NotPossible("charge_not_paid")
            if charge.currency != currency:
                raise NotPossible("other_currency")
            (back,) = self._db.execute(
                "SELECT coalesce(sum(amount_minor), 0) FROM refund WHERE charge = ?", [charge_key]
            ).fetchone()
            if back + amount_minor > charge.amount_minor:
                raise NotPossible("more_than_was_charged")
            self._db.execute(
                "INSERT INTO refund (key, ref, state, amount_minor, currency, charge)"
                " VALUES (:key, :ref, :state, :amount_minor, :currency, :charge)",
                asdict(refund),
            )
            self._tell("refund.succeeded", refund, now=now, due_at=now)
        return refund

    def settle_due(self, now: float) -> None:
        """End the pending charges whose time has come, as their cards do."""
        due = self._db.execute(
            "SELECT * FROM charge WHERE state = 'pending' AND settle_at <= ?", [now]
        ).fetchall()
        for row in due:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._db.execute(
                    "UPDATE charge SET state = 'succeeded' WHERE key = ?", [row["key"]]
                )
                charge = self.charge(row["key"])
                if charge:
                    self._tell("charge.succeeded", charge, now=now, due_at=now)

    def due_deliveries(self, now: float) -> list[Delivery]:
        rows = self._db.execute(
            "SELECT id, body, attempts FROM delivery WHERE due_at <= ? ORDER BY due_at LIMIT 50",
            [now],
        )
        return [Delivery(**row) for row in rows]

    def delivered(self, delivery: Delivery) -> None:
        self._db.execute(
            "UPDATE delivery SET due_at = NULL, attempts = attempts + 1 WHERE id = ?", [delivery.id]
        )

    def not_delivered(self, delivery: Delivery, *, now: float) -> None:
        again = (
            now + RETRY_AFTER[delivery.attempts] if delivery.attempts < len(RETRY_AFTER) else None
        )
        self._db.execute(
            "UPDATE delivery SET due_at = ?, attempts = attempts + 1 WHERE id = ?",
            [again, delivery.id],
        )

    def _insert(self, charge: Charge, *, card_token: str, settle_at: float | None) -> None:
        self._db.execute(
            "INSERT INTO charge"
            " (key, ref, state, amount_minor, currency, card_token, failure_code, settle_at)"
            " VALUES (:key, :ref, :state, :amount_minor, :currency, :card_token, :failure_code,"
            " :settle_at)",
            {**asdict(charge), "card_token": card_token, "settle_at": settle_at},
        )

    def _tell(self, kind: str, about: Charge | Refund, *, now: float, due_at: float) -> None:
        body = json.dumps({"type": kind, "timestamp": now, "data": asdict(about)})
        self._db.execute(
            "INSERT INTO delivery (id, body, due_at) VALUES (?, ?, ?)",
            [f"msg_{uuid.uuid4().hex}", body, due_at],
        )


def _charge(row: sqlite3.Row) -> Charge:
    return Charge(**{name: row[name] for name in Charge.__dataclass_fields__})


def _refund(row: sqlite3.Row) -> Refund:
    fields: dict[str, Any] = {name: row[name] for name in Refund.__dataclass_fields__}
    return Refund(**fields)
