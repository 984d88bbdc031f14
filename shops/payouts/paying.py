"""Paying out balances, in runs.

A payout's row and the journal that takes the money out of the balance are committed before anybody
outside hears of it, and its id is the key that the provider dedups by. So however a process dies,
the same question is asked again, and nobody is paid twice.
"""

import logging
import uuid
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.ledger import queries as ledger
from shops.ledger.models import Kind, Side
from shops.ledger.money import digits
from shops.ledger.services import Line, post
from shops.payments.providers import NoAnswer, Rejected, provider_of
from shops.payouts.events import PayoutChanged
from shops.payouts.models import (
    PAYOUT_TRANSITIONS,
    Payout,
    PayoutAccount,
    PayoutEvent,
    PayoutRun,
    PayoutState,
    RunState,
    Way,
)
from shops.payouts.terms import payable_kind, shop_of

log = logging.getLogger(__name__)

SOURCE_PAYOUT: Final = "payouts.payout"
SOURCE_PAID: Final = "payouts.paid"
SOURCE_FAILED: Final = "payouts.failed"
PAYABLE: Final = (Kind.SELLER_PAYABLE, Kind.CREATOR_COMMISSION_PAYABLE)
UNDER_WAY: Final = (PayoutState.CREATED, PayoutState.SENT)


class NotUnderWay(Refused):
    code = "payout_not_under_way"
    message = _("This payout has ended already.")


class NotByFile(Refused):
    code = "not_by_file"
    message = _("The provider says how these payouts end, not people.")


def minimum(currency: str) -> int:
    """Tell the least amount that is paid out, in minor units."""
    least: int = settings.PAYOUT_MINIMUM * 10 ** digits(currency)
    return least


def start_run(
    *,
    run_id: uuid.UUID,
    by: User | None = None,
    scheduled_for: date | None = None,
    now: datetime,
) -> PayoutRun:
    """Begin a run, once per id (and per day for those that begin by themselves), and carry it on.

    Call it outside of any transaction: the provider is asked in between.
    """
    fields = {
        "way": Way(settings.PAYOUT_WAY),
        "started_by": by,
        "scheduled_for": scheduled_for,
        "started_at": now,
    }
    if scheduled_for is not None:
        run, _made = PayoutRun.objects.get_or_create(
            scheduled_for=scheduled_for, defaults=fields | {"id": run_id}
        )
    else:
        run, _made = PayoutRun.objects.get_or_create(id=run_id, defaults=fields)
    return carry_on(run_id=run.pk, now=now)


def carry_on(*, run_id: uuid.UUID, now: datetime) -> PayoutRun:
    """Do what is left to do of a run; harmless at any time, by several at once, too."""
    run = PayoutRun.objects.get(pk=run_id)
    if run.collected_at is None:
        _collect(run, now=now)
    if run.way == Way.SANDBOX:
        for payout_id in _under_way(run):
            send(payout_id=payout_id, now=now)
    _finish(run, now=now)
    run.refresh_from_db()
    return run


def carry_on_all(*, now: datetime) -> int:
    """Carry on with every run that is not done; count them."""
    ids = list(PayoutRun.objects.filter(state=RunState.OPEN).values_list("pk", flat=True))
    for run_id in ids:
        carry_on(run_id=run_id, now=now)
    return len(ids)


def _collect(run: PayoutRun, *, now: datetime) -> None:
    """Make a payout for each owner and currency with enough to pay and somewhere to pay it to."""
    owed = {
        key
        for kind in PAYABLE
        for key, balance in ledger.balances_of_kind(kind=kind).items()
        if -balance >= minimum(key[1])
    }
    for owner, currency in sorted(owed):
        create_payout(run_id=run.pk, owner=owner, currency=currency, now=now)
    PayoutRun.objects.filter(pk=run.pk, collected_at=None).update(collected_at=now)


@transaction.atomic
def create_payout(*, run_id: uuid.UUID, owner: str, currency: str, now: datetime) -> Payout | None:
    """Take an owner's whole balance out of the books' payable account, to be paid in this run.

    None when there is too little, nowhere to pay it to, or a payout of the run already. Payouts of
    one owner take turns on the row of their bank account, so no balance is taken twice; money that
    comes or is taken back meanwhile is not waited for and counts the next time.
    """
    account = PayoutAccount.objects.select_for_update().filter(owner=owner, retired_at=None).first()
    if account is None:
        return None
    if Payout.objects.filter(run_id=run_id, owner=owner, currency=currency).exists():
        return None
    kind = payable_kind(owner)
    amount = -ledger.balance_of(kind=kind, owner=owner, currency=currency)
    if amount < max(minimum(currency), 1):
        return None
    payout = Payout.objects.create(
        run_id=run_id,
        owner=owner,
        account=account,
        currency=currency,
        amount_minor=amount,
        created_at=now,
    )
    _post(payout, SOURCE_PAYOUT, kind, owner, Kind.PAYOUT_CLEARING, "", now=now)
    _told(payout, "", "", now=now)
    return payout


def send(*, payout_id: uuid.UUID, now: datetime) -> Payout:
    """Have the provider pay, or learn how it stands; its key makes asking again harmless.

    Without an answer it stays as it is and is asked about again. Call this outside of transactions.
    """
    payout = Payout.objects.select_related("account").get(pk=payout_id)
    if payout.state not in UNDER_WAY:
        return payout
    try:
        report = provider_of("sandbox").payout(
            key=payout.pk,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
            account=payout.account.number,
        )
    except Rejected as no:
        return move(payout_id=payout.pk, to=PayoutState.FAILED, reason=no.code, now=now)
    except NoAnswer as error:
        log.warning("payout %s: no clear answer: %s", payout.pk, error)
        return payout
    if (report.amount_minor, report.currency) != (payout.amount_minor, payout.currency):
        log.error(
            "payout %s: the provider names %s %s", payout.pk, report.amount_minor, report.currency
        )
        return payout
    to = {"paid": PayoutState.PAID, "failed": PayoutState.FAILED}.get(
        report.state, PayoutState.SENT
    )
    return move(payout_id=payout.pk, to=to, ref=report.ref, reason=report.failure_code, now=now)


@transaction.atomic
def move(
    *,
    payout_id: uuid.UUID,
    to: PayoutState,
    ref: str = "",
    reason: str = "",
    by: User | None = None,
    now: datetime,
) -> Payout:
    """Bring a payout to a state, once; what it has reached already, or has left, stays.

    Paid: the money has left the provider's account. Failed: it is back in the owner's balance.

    :raises NotFound: no such payout
    """
    payout = Payout.objects.select_for_update().filter(pk=payout_id).first()
    if payout is None:
        raise NotFound
    before = PayoutState(payout.state)
    if to not in PAYOUT_TRANSITIONS[before]:
        return payout
    payout.state = to
    payout.provider_ref = ref[:80] or payout.provider_ref
    payout.failure_code = reason[:60] if to == PayoutState.FAILED else ""
    payout.ended_at = None if to == PayoutState.SENT else now
    payout.save(update_fields=["state", "provider_ref", "failure_code", "ended_at"])
    if to == PayoutState.PAID:
        _post(payout, SOURCE_PAID, Kind.PAYOUT_CLEARING, "", Kind.PSP_CLEARING, "", now=now)
    elif to == PayoutState.FAILED:
        kind = payable_kind(payout.owner)
        _post(payout, SOURCE_FAILED, Kind.PAYOUT_CLEARING, "", kind, payout.owner, now=now)
    _told(payout, before, reason, now=now)
    return payout


def confirm(*, payout_id: uuid.UUID, is_paid: bool, reason: str, now: datetime) -> Payout:
    """Note what the bank did about a payout of a file.

    :raises NotFound: no such payout
    :raises NotByFile: it was not in a file
    :raises NotUnderWay: it is known already how it ended
    """
    payout = Payout.objects.select_related("run").filter(pk=payout_id).first()
    if payout is None:
        raise NotFound
    if payout.run.way != Way.FILE:
        raise NotByFile
    if not payout.is_under_way:
        raise NotUnderWay
    to = PayoutState.PAID if is_paid else PayoutState.FAILED
    moved = move(payout_id=payout_id, to=to, reason=reason, now=now)
    _finish(payout.run, now=now)
    return moved


def confirm_run(*, run_id: uuid.UUID, now: datetime) -> int:
    """Note that the bank carried out all that is under way of a run's file; count them.

    :raises NotFound: no such run
    :raises NotByFile: it is not one of a file
    """
    run = PayoutRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound
    if run.way != Way.FILE:
        raise NotByFile
    ids = _under_way(run)
    for payout_id in ids:
        move(payout_id=payout_id, to=PayoutState.PAID, now=now)
    _finish(run, now=now)
    return len(ids)


def _under_way(run: PayoutRun) -> list[uuid.UUID]:
    found = Payout.objects.filter(run=run, state__in=UNDER_WAY).order_by("created_at", "pk")
    return list(found.values_list("pk", flat=True))


def _finish(run: PayoutRun, *, now: datetime) -> None:
    if not _under_way(run):
        PayoutRun.objects.filter(pk=run.pk, state=RunState.OPEN, collected_at__isnull=False).update(
            state=RunState.DONE, done_at=now
        )


def _post(
    payout: Payout,
    source: str,
    from_kind: Kind,
    from_owner: str,
    to_kind: Kind,
    to_owner: str,
    *,
    now: datetime,
) -> None:
    amount, currency = payout.amount_minor, payout.currency
    post(
        source=source,
        key=str(payout.pk),
        lines=[
            Line(
                kind=from_kind,
                owner=from_owner,
                side=Side.DEBIT,
                amount_minor=amount,
                currency=currency,
            ),
            Line(
                kind=to_kind,
                owner=to_owner,
                side=Side.CREDIT,
                amount_minor=amount,
                currency=currency,
            ),
        ],
        description=f"Payout {payout.reference}",
        now=now,
    )


def _told(payout: Payout, before: str, reason: str, *, now: datetime) -> None:
    """Append the event of a payout's new state, and tell of it."""
    PayoutEvent.objects.create(
        payout=payout, from_state=before, to_state=payout.state, reason=reason[:200], at=now
    )
    publish(
        PayoutChanged(
            payout_id=str(payout.pk),
            owner=payout.owner,
            shop_id=shop_of(payout.owner),
            currency=payout.currency,
            amount_minor=payout.amount_minor,
            state=payout.state,
        )
    )
