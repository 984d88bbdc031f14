"""What can be done about a return as it stands: which forms its pages show."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from shops.returns.deciding import most_minor
from shops.returns.disputes import is_disputable
from shops.returns.models import Return
from shops.returns.states import DisputeState, ReturnState

_S = ReturnState


@dataclass(frozen=True)
class Possible:
    """For the buyer: cancel, send, dispute, withdraw. For the shop: decide, receive, refund.

    For both: say. For an operator: judge, or from when. `most_minor` may go back at most.
    """

    cancel: bool
    send: bool
    dispute: bool
    dispute_from: datetime | None
    say: bool
    decide: bool
    receive: bool
    refund: bool
    judge: bool
    most_minor: int


def possible(case: Return, *, now: datetime) -> Possible:
    state = case.state
    dispute = case.dispute if hasattr(case, "dispute") else None
    is_open = is_heard = False
    if dispute is not None and dispute.is_open:
        is_open = True
        is_heard = dispute.state == DisputeState.ANSWERED or now >= dispute.answer_by
    silent_from = None
    if state == _S.IN_TRANSIT and case.sent_at:
        silent_from = case.sent_at + timedelta(days=settings.RETURN_ARRIVAL_DAYS)
    return Possible(
        cancel=state in (_S.REQUESTED, _S.APPROVED),
        send=state == _S.APPROVED,
        dispute=is_disputable(case, now=now),
        dispute_from=silent_from,
        say=is_open,
        decide=state == _S.REQUESTED,
        receive=state in (_S.APPROVED, _S.IN_TRANSIT),
        refund=state in (_S.REQUESTED, _S.APPROVED, _S.IN_TRANSIT, _S.RECEIVED),
        judge=is_heard,
        most_minor=most_minor(case),
    )
