"""The background task that ends what is pending and delivers the sandbox's webhooks."""

import asyncio
import logging
import time
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

from shops.payments.sandbox.records import Delivery
from shops.payments.sandbox.store import Store

log = logging.getLogger("sandbox")
_TICK = 0.1


async def deliver(store: Store, *, secret: str, url: str) -> None:
    """Send webhooks until cancelled; what is not taken in is tried again, a few times."""
    webhook = Webhook(secret)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        while True:
            now = time.time()
            store.settle_due(now)
            due = store.due_deliveries(now)
            await asyncio.gather(*(_send(store, client, webhook, url, one) for one in due))
            await asyncio.sleep(_TICK)


async def _send(
    store: Store, client: httpx.AsyncClient, webhook: Webhook, url: str, delivery: Delivery
) -> None:
    at = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "webhook-id": delivery.message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": webhook.sign(delivery.message, at, delivery.body),
    }
    try:
        answer = await client.post(url, content=delivery.body, headers=headers)
        taken_in = answer.is_success
        said = str(answer.status_code)
    except httpx.HTTPError as error:
        taken_in, said = False, type(error).__name__
    if taken_in:
        store.delivered(delivery)
    else:
        log.warning("webhook %s was not taken in: %s", delivery.message, said)
        store.not_delivered(delivery, now=time.time())
