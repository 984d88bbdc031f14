"""What the scores do about facts: queue a recalculation of the creators concerned."""

from datetime import datetime

from creators.live.events import ShowEnded
from creators.scoring import queries, services
from shops.orders.events import OrderFact


def rescore_after_order(fact: OrderFact, *, event_id: int, now: datetime) -> None:
    """Recalculate who earned the order, once for all orders that wait."""
    services.rescore_soon(creator_ids=queries.creator_ids_of(fact.referrals))


def rescore_after_show(fact: ShowEnded, *, event_id: int, now: datetime) -> None:
    services.rescore_soon(creator_ids=[fact.creator_id])
