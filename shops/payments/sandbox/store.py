"""What the sandbox provider remembers, in a file: a restart forgets nothing."""

import json
import sqlite3
import uuid
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from shops.payments.sandbox.cards import BY_TOKEN, Card
from shops.payments.sandbox.records import (
    Charge,
    ChargeBack,
    Conflict,
    Delivery,
    NotPossible,
    Refund,
    Times,
    Wish,
    ended,
)
from shops.payments.sandbox.schema import open_file

# Seconds to wait after each failed delivery; after the last one the provider gives up.
RETRY_AFTER = (1, 2, 4, 8, 15, 30, 60)
# How long after the message about its end one about its begin comes, when they are shuffled.
_SHUFFLED_BY: Final = 1.0

_Row = TypeVar("_Row", Charge, Refund)


class Store:
    def __init__(self, path: Path, times: Times) -> None:
        self._db = open_file(path)
        self._times = times

    @property
    def db(self) -> sqlite3.Connection:
        return self._db

    def close(self) -> None:
        self._db.close()

    def charge(self, key: str) -> Charge | None:
        row = self._db.execute("SELECT * FROM charge WHERE key = ?", [key]).fetchone()
        return _read(Charge, row) if row else None

    def charge_page(self, ref: str) -> tuple[Charge, str, str] | None:
        """Find a charge by its name, with where its buyer goes back to and what it is for."""
        row = self._db.execute("SELECT * FROM charge WHERE ref = ?", [ref]).fetchone()
        return (_read(Charge, row), row["return_url"], row["description"]) if row else None

    def refund(self, key: str) -> Refund | None:
        row = self._db.execute("SELECT * FROM refund WHERE key = ?", [key]).fetchone()
        return _read(Refund, row) if row else None

    def charge_backs(self, since: float) -> list[ChargeBack]:
        rows = self._db.execute("SELECT * FROM chargeback WHERE at >= ? ORDER BY at", [since])
        return [_charge_back(row) for row in rows]

    def charge_back_of(self, key: str) -> ChargeBack | None:
        row = self._db.execute("SELECT * FROM chargeback WHERE charge = ?", [key]).fetchone()
        return _charge_back(row) if row else None

    def make_charge(
        self, wish: Wish, *, now: float, tell_at: float, page_url: str
    ) -> tuple[Charge, bool]:
        """Charge a card once per key; the second value tells whether this call did it.

        :raises Conflict: the key stands for another amount, currency or card
        """
        row = self._db.execute("SELECT * FROM charge WHERE key = ?", [wish.key]).fetchone()
        if row:
            if row["state"] == "cancelled" and not row["card_token"]:
                return _read(Charge, row), False
            if (row["amount_minor"], row["currency"], row["card_token"], row["is_manual"]) != (
                wish.amount_minor,
                wish.currency,
                wish.card.token,
                wish.is_manual,
            ):
                raise Conflict
            return _read(Charge, row), False
        card = wish.card
        ref = f"ch_{uuid.uuid4().hex}"
        charge = Charge(
            key=wish.key,
            ref=ref,
            state="pending",
            amount_minor=wish.amount_minor,
            currency=wish.currency,
            failure_code="",
            captured_minor=0,
            action_url="",
        )
        if card.asks_buyer:
            charge = replace(charge, state="requires_action", action_url=f"{page_url}{ref}")
        elif not card.is_slow:
            charge = ended(charge, card.failure_code, is_manual=wish.is_manual)
        settle_at = now + self._times.delay if card.is_slow else None
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._insert(charge, wish, settle_at=settle_at, now=now)
            if card.webhooks == "shuffled" and settle_at is not None:
                tell_at = settle_at + _SHUFFLED_BY
            self._tell_charge(charge, card, now=now, due_at=tell_at)
        return charge, True

    def answer_buyer(self, ref: str, *, confirms: bool, now: float) -> None:
        """End a charge that waits for its buyer; one that does not wait is left alone."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT * FROM charge WHERE ref = ?", [ref]).fetchone()
            if row and row["state"] == "requires_action":
                self._end(row, "" if confirms else "authentication_failed", now=now)

    def capture(self, key: str, *, amount_minor: int, currency: str, now: float) -> Charge | None:
        """Take an authorised charge or a part of it, once.

        :raises NotPossible: it is not authorised, or was captured with another amount
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT * FROM charge WHERE key = ?", [key]).fetchone()
            if row is None:
                return None
            charge = _read(Charge, row)
            if charge.currency != currency:
                raise NotPossible("other_currency")
            if charge.state == "succeeded" and charge.captured_minor == amount_minor:
                return charge
            if charge.state != "authorized":
                raise NotPossible("not_authorized")
            if amount_minor > charge.amount_minor:
                raise NotPossible("more_than_was_authorized")
            charge = replace(charge, state="succeeded", captured_minor=amount_minor)
            self._update(charge)
            self._tell_charge(charge, BY_TOKEN[row["card_token"]], now=now, due_at=now)
        return charge

    def cancel_charge(self, key: str, *, now: float) -> Charge:
        """See to it that a key is never charged, unless it was: then tell what became of it."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            row = self._db.execute("SELECT * FROM charge WHERE key = ?", [key]).fetchone()
            if row is None:
                known = Charge(
                    key=key,
                    ref=f"ch_{uuid.uuid4().hex}",
                    state="cancelled",
                    amount_minor=0,
                    currency="",
                    failure_code="cancelled",
                    captured_minor=0,
                    action_url="",
                )
                self._insert(known, None, settle_at=None, now=now)
                return known
            known = _read(Charge, row)
            if known.state in ("requires_action", "authorized"):
                known = replace(known, state="cancelled", failure_code="cancelled", action_url="")
                self._update(known)
                self._tell_charge(known, BY_TOKEN[row["card_token"]], now=now, due_at=now)
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
            taken = self.charge_back_of(charge_key)
            if taken is not None and not taken.is_won:
                raise NotPossible("charged_back")
            if self._given_back(charge_key) + amount_minor > charge.captured_minor:
                raise NotPossible("more_than_was_charged")
            self._db.execute(
                "INSERT INTO refund (key, ref, state, amount_minor, currency, charge)"
                " VALUES (:key, :ref, :state, :amount_minor, :currency, :charge)",
                asdict(refund),
            )
            self._tell("refund.succeeded", asdict(refund), now=now, due_at=now)
        return refund

    def fail_refund(self, key: str, *, now: float) -> Refund:
        """Have the buyer's bank send a refund back, days after it seemed to have arrived.

        :raises NotPossible: there is no such refund
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self.refund(key)
            if known is None:
                raise NotPossible("no_such_refund")
            failed = replace(known, state="failed")
            if failed != known:
                self._db.execute("UPDATE refund SET state = 'failed' WHERE key = ?", [key])
                self._tell("refund.failed", asdict(failed), now=now, due_at=now)
        return failed

    def last_refund(self, charge_key: str) -> Refund | None:
        """Find the newest refund of a charge that the buyer has."""
        row = self._db.execute(
            "SELECT * FROM refund WHERE charge = ? AND state = 'succeeded'"
            " ORDER BY rowid DESC LIMIT 1",
            [charge_key],
        ).fetchone()
        return _read(Refund, row) if row else None

    def charge_back(self, key: str, *, reason: str, now: float) -> ChargeBack:
        """Take back for the buyer what is left of a charge, once.

        :raises NotPossible: it is not paid, was charged back, or nothing is left of it
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            charge = self.charge(key)
            if charge is None or charge.state != "succeeded":
                raise NotPossible("charge_not_paid")
            left = charge.captured_minor - self._given_back(key)
            if self.charge_back_of(key) or left <= 0:
                raise NotPossible("nothing_left")
            made = ChargeBack(
                ref=f"cb_{uuid.uuid4().hex}",
                charge_ref=charge.ref,
                amount_minor=left,
                currency=charge.currency,
                reason=reason,
                is_won=False,
            )
            self._db.execute(
                "INSERT INTO chargeback"
                " (ref, charge, charge_ref, amount_minor, currency, reason, at)"
                " VALUES (:ref, :charge, :charge_ref, :amount_minor, :currency, :reason, :at)",
                {**asdict(made), "charge": key, "at": now},
            )
            self._tell("chargeback.created", asdict(made), now=now, due_at=now)
        return made

    def win(self, key: str, *, now: float) -> ChargeBack:
        """Decide a charge's charge-back for the shop, which has the money again; once.

        :raises NotPossible: it was not charged back
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            known = self.charge_back_of(key)
            if known is None:
                raise NotPossible("not_charged_back")
            if known.is_won:
                return known
            won = replace(known, is_won=True)
            self._db.execute("UPDATE chargeback SET is_won = 1 WHERE charge = ?", [key])
            self._tell("chargeback.won", asdict(won), now=now, due_at=now)
        return won

    def settle_due(self, now: float) -> None:
        """End the pending charges whose time has come, as their cards do, and charge back."""
        due = self._db.execute(
            "SELECT * FROM charge WHERE state = 'pending' AND settle_at <= ?", [now]
        ).fetchall()
        for row in due:
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                self._end(row, BY_TOKEN[row["card_token"]].failure_code, now=now)
        back = self._db.execute(
            "SELECT key FROM charge WHERE state = 'succeeded' AND charge_back_at <= ?", [now]
        ).fetchall()
        for row in back:
            self._db.execute("UPDATE charge SET charge_back_at = NULL WHERE key = ?", [row["key"]])
            try:
                self.charge_back(row["key"], reason="fraudulent", now=now)
            except NotPossible:
                continue  # refunded meanwhile

    def due_deliveries(self, now: float) -> list[Delivery]:
        rows = self._db.execute(
            "SELECT id, message, body, attempts FROM delivery WHERE due_at <= ?"
            " ORDER BY due_at LIMIT 50",
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

    def _end(self, row: sqlite3.Row, failure_code: str, *, now: float) -> None:
        charge = ended(_read(Charge, row), failure_code, is_manual=bool(row["is_manual"]))
        self._update(charge)
        self._tell_charge(charge, BY_TOKEN[row["card_token"]], now=now, due_at=now)

    def _insert(
        self, charge: Charge, wish: Wish | None, *, settle_at: float | None, now: float
    ) -> None:
        charges_back = wish is not None and wish.card.charges_back
        values = {
            **asdict(charge),
            "card_token": wish.card.token if wish else "",
            "settle_at": settle_at,
            "is_manual": wish.is_manual if wish else False,
            "return_url": wish.return_url if wish else "",
            "description": wish.description if wish else "",
            "charge_back_at": now + self._times.charge_back if charges_back else None,
        }
        self._db.execute(
            "INSERT INTO charge"
            " (key, ref, state, amount_minor, currency, failure_code, captured_minor, action_url,"
            " card_token, settle_at, is_manual, return_url, description, charge_back_at)"
            " VALUES (:key, :ref, :state, :amount_minor, :currency, :failure_code, :captured_minor,"
            " :action_url, :card_token, :settle_at, :is_manual, :return_url, :description,"
            " :charge_back_at)",
            values,
        )

    def _update(self, charge: Charge) -> None:
        self._db.execute(
            "UPDATE charge SET state = :state, failure_code = :failure_code,"
            " captured_minor = :captured_minor, action_url = :action_url WHERE key = :key",
            asdict(charge),
        )

    def _given_back(self, charge_key: str) -> int:
        (back,) = self._db.execute(
            "SELECT coalesce(sum(amount_minor), 0) FROM refund"
            " WHERE charge = ? AND state = 'succeeded'",
            [charge_key],
        ).fetchone()
        return int(back)

    def _tell_charge(self, charge: Charge, card: Card, *, now: float, due_at: float) -> None:
        if card.webhooks == "never":
            return
        times = 2 if card.webhooks == "twice" else 1
        if card.webhooks == "late":
            due_at += self._times.late
        self._tell(f"charge.{charge.state}", asdict(charge), now=now, due_at=due_at, times=times)

    def _tell(
        self, kind: str, about: dict[str, Any], *, now: float, due_at: float, times: int = 1
    ) -> None:
        body = json.dumps({"type": kind, "timestamp": now, "data": about})
        message = f"msg_{uuid.uuid4().hex}"
        for number in range(times):
            self._db.execute(
                "INSERT INTO delivery (id, message, body, due_at) VALUES (?, ?, ?, ?)",
                [f"{message}-{number}", message, body, due_at],
            )


def _charge_back(row: sqlite3.Row) -> ChargeBack:
    values = {field.name: row[field.name] for field in fields(ChargeBack)}
    return ChargeBack(**values | {"is_won": bool(row["is_won"])})


def _read(kind: type[_Row], row: sqlite3.Row) -> _Row:
    return kind(**{field.name: row[field.name] for field in fields(kind)})
