"""Reading what Stripe says: its objects and events, in our words."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from shops.payments.providers import Unheard
from shops.payments.providers.stripe_amounts import from_stripe
from shops.payments.wire import (
    ChargeBackReport,
    ChargeReport,
    RefundReport,
    RefundWord,
    Report,
    State,
)

_STATES: Final[Mapping[str, State]] = {
    "requires_action": "requires_action",
    "processing": "pending",
    "requires_capture": "authorized",
    "succeeded": "succeeded",
    "canceled": "cancelled",
}
_REFUNDS: Final[Mapping[str, RefundWord]] = {
    "pending": "pending",
    "requires_action": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "cancelled",
}
# Stripe tells of one that was won by both, in any order.
_DISPUTE_ENDS: Final = frozenset({"charge.dispute.closed", "charge.dispute.funds_reinstated"})
_ENDED: Final = frozenset({"succeeded", "requires_capture", "canceled"})


def charge_of(intent: Mapping[str, Any], key: uuid.UUID | str) -> ChargeReport:
    """Read a PaymentIntent.

    :raises Unheard: it was made and never confirmed: the card was not asked
    """
    status, said = intent["status"], intent.get("last_payment_error") or {}
    is_hosted = (intent.get("metadata") or {}).get("hosted") == "yes"
    if status == "requires_confirmation" or (
        status == "requires_payment_method" and not said and not is_hosted
    ):
        raise Unheard
    state: State = _STATES.get(status, "requires_action" if is_hosted else "failed")
    next_action = intent.get("next_action") or {}
    currency = intent["currency"].upper()
    code = said.get("decline_code") or said.get("code") or "card_declined"
    return ChargeReport(
        key=str(key),
        ref=intent["id"],
        state=state,
        amount_minor=from_stripe(intent["amount"], currency),
        currency=currency,
        failure_code=str(code)[:60] if state == "failed" else "",
        captured_minor=from_stripe(intent.get("amount_received") or 0, currency),
        action_url=(next_action.get("redirect_to_url") or {}).get("url") or "",
    )


def refund_of(refund: Mapping[str, Any], key: uuid.UUID | str) -> RefundReport:
    currency = refund["currency"].upper()
    return RefundReport(
        key=str(key),
        ref=refund["id"],
        state=_REFUNDS[refund["status"]],
        amount_minor=from_stripe(refund["amount"], currency),
        currency=currency,
        failure_code=str(refund.get("failure_reason") or "")[:60],
    )


def chargeback_of(dispute: Mapping[str, Any]) -> ChargeBackReport:
    currency = dispute["currency"].upper()
    return ChargeBackReport(
        ref=dispute["id"],
        charge_ref=dispute["payment_intent"],
        amount_minor=from_stripe(dispute["amount"], currency),
        currency=currency,
        reason=str(dispute.get("reason") or "")[:60],
        is_won=dispute.get("status") == "won",
    )


def report_of(kind: str, about: Mapping[str, Any]) -> Report | None:
    """Read an event; None for one that is not about a charge or refund of ours."""
    if kind == "charge.dispute.funds_withdrawn":
        return chargeback_of(about)
    if kind in _DISPUTE_ENDS:
        # One that was lost changes nothing; an inquiry that was closed never took any money.
        return chargeback_of(about) if about.get("status") == "won" else None
    key = (about.get("metadata") or {}).get("key")
    if not key:
        return None
    if kind.startswith("refund.") or kind == "charge.refund.updated":
        return refund_of(about, key)
    if kind.startswith("payment_intent."):
        is_hosted = about["metadata"].get("hosted") == "yes"
        if is_hosted and about["status"] not in _ENDED:
            return None  # the buyer may try other cards on Stripe's page
        try:
            return charge_of(about, key)
        except Unheard:
            return None
    return None
