"""What the scores do about facts: queue a recalculation of the creators concerned."""

from collections.abc import Sequence
from datetime import datetime

from creators.live.events import ShowEnded
from creators.scoring import queries, services
from shops.facts.reacting import takes_many
from shops.orders.events import OrderFact


def rescore_after_orders(facts: Sequence[tuple[int, OrderFact]], *, now: datetime) -> None:
    """Recalculate who earned orders, once for all that wait."""
    referrals = {text for _event_id, fact in facts for text in fact.referrals}
    services.rescore_soon(creator_ids=queries.creator_ids_of(referrals))


@takes_many(rescore_after_orders)
def rescore_after_order(fact: OrderFact, *, event_id: int, now: datetime) -> None:
    rescore_after_orders([(event_id, fact)], now=now)


def rescore_after_show(fact: ShowEnded, *, event_id: int, now: datetime) -> None:
    services.rescore_soon(creator_ids=[fact.creator_id])
