"""The payouts of a run as a table for the bank (CSV), the same however often it is asked for."""

import csv
import io
import uuid
from datetime import datetime
from typing import Final

from django.db import transaction

from shops.facts.refused import NotFound
from shops.ledger.money import Money
from shops.payouts.models import Payout, PayoutRun, PayoutState, Way
from shops.payouts.paying import NotByFile, move

COLUMNS: Final = ("reference", "holder", "account", "bic", "currency", "amount")


def plain_text(text: str) -> str:
    """Keep a text from being read as a formula by the spreadsheet that opens the table."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


@transaction.atomic
def write(*, run_id: uuid.UUID, now: datetime) -> str:
    """Write the file of a run; its payouts are on their way from then on.

    Those that failed are left out. A payout keeps its reference, so a bank that gets the file
    again knows what it has carried out.

    :raises NotFound: no such run
    :raises NotByFile: its payouts go by a provider
    """
    run = PayoutRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound
    if run.way != Way.FILE:
        raise NotByFile
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    payouts = Payout.objects.select_related("account").filter(run=run)
    for payout in payouts.exclude(state=PayoutState.FAILED).order_by("owner", "currency"):
        move(payout_id=payout.pk, to=PayoutState.SENT, now=now)
        account = payout.account
        table.writerow(
            [
                payout.reference,
                plain_text(account.holder),
                account.number,
                account.bic,
                payout.currency,
                Money(payout.amount_minor, payout.currency).plain,
            ]
        )
    return out.getvalue()
