"""The sandbox provider's file: its tables, and how an older file gets what is new."""

import sqlite3
from pathlib import Path
from typing import Final

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS charge (
    key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, card_token TEXT NOT NULL, failure_code TEXT NOT NULL, settle_at REAL
);
CREATE TABLE IF NOT EXISTS refund (
    key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, charge TEXT NOT NULL REFERENCES charge
);
CREATE TABLE IF NOT EXISTS chargeback (
    ref TEXT PRIMARY KEY, charge TEXT NOT NULL UNIQUE REFERENCES charge, charge_ref TEXT NOT NULL,
    amount_minor INTEGER NOT NULL, currency TEXT NOT NULL, reason TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS payout (
    key TEXT PRIMARY KEY, ref TEXT NOT NULL, state TEXT NOT NULL, amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL, account TEXT NOT NULL, failure_code TEXT NOT NULL, settle_at REAL
);
CREATE TABLE IF NOT EXISTS delivery (
    id TEXT PRIMARY KEY, body TEXT NOT NULL, due_at REAL, attempts INTEGER NOT NULL DEFAULT 0
);
"""
# What is due is looked for ten times a second, among all that ever was.
_INDEXES: Final = """
CREATE INDEX IF NOT EXISTS charge_by_ref ON charge (ref);
CREATE INDEX IF NOT EXISTS charge_pending ON charge (settle_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS charge_to_charge_back ON charge (charge_back_at)
    WHERE charge_back_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (due_at) WHERE due_at IS NOT NULL;
"""
# Added since the first version: (table, column, type, what fills the old rows).
_ADDED: Final = (
    (
        "charge",
        "captured_minor",
        "INTEGER NOT NULL DEFAULT 0",
        "UPDATE charge SET captured_minor = amount_minor WHERE state = 'succeeded'",
    ),
    ("charge", "is_manual", "INTEGER NOT NULL DEFAULT 0", ""),
    ("charge", "return_url", "TEXT NOT NULL DEFAULT ''", ""),
    ("charge", "description", "TEXT NOT NULL DEFAULT ''", ""),
    ("charge", "action_url", "TEXT NOT NULL DEFAULT ''", ""),
    ("charge", "charge_back_at", "REAL", ""),
    ("chargeback", "is_won", "INTEGER NOT NULL DEFAULT 0", ""),
    ("delivery", "message", "TEXT NOT NULL DEFAULT ''", "UPDATE delivery SET message = id"),
)


def open_file(path: Path) -> sqlite3.Connection:
    """Open a provider's file, new or of any earlier version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.row_factory = sqlite3.Row
    db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + _TABLES)
    for table, column, kind, fill in _ADDED:
        known = {row["name"] for row in db.execute(f"PRAGMA table_info({table})")}
        if column not in known:
            with db:
                db.execute("BEGIN IMMEDIATE")
                db.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
                if fill:
                    db.execute(fill)
    db.executescript(_INDEXES)
    return db
