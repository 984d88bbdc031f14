"""What becomes of an order's money: its settlement, what is held back, and what is paid out."""

from shops.payouts.models.payouts import (
    PAYOUT_TRANSITIONS,
    Payout,
    PayoutAccount,
    PayoutEvent,
    PayoutRun,
    PayoutState,
    RunState,
    Way,
)
from shops.payouts.models.settlements import (
    SETTLEMENT_TRANSITIONS,
    Part,
    Posting,
    PostingKind,
    Reserve,
    Settlement,
    SettlementState,
)

__all__ = [
    "PAYOUT_TRANSITIONS",
    "SETTLEMENT_TRANSITIONS",
    "Part",
    "Payout",
    "PayoutAccount",
    "PayoutEvent",
    "PayoutRun",
    "PayoutState",
    "Posting",
    "PostingKind",
    "Reserve",
    "RunState",
    "Settlement",
    "SettlementState",
    "Way",
]
