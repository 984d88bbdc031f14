"""Write down what endpoints are to be told, and send it until it got through or was given up."""

import asyncio
import json
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs
from procrastinate.exceptions import AlreadyEnqueued
from standardwebhooks import Webhook

from shops.catalog.models import Shop
from shops.facts.refused import NotFound, Refused
from shops.webhooks import sending
from shops.webhooks.models import Attempt, Endpoint, Message, MessageState
from shops.webhooks.services.endpoints import disable
from shops.webhooks.types import TEST, matches

# The job of tasks.py; by its name, because that one stands on this module.
DELIVER: Final = "webhooks.deliver"
# The pauses between attempts, each ± a tenth (so that what failed together does not come back
# together): after the last, some three days after the first, a message is given up.
PAUSES: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 72_000)
)
JITTER: Final = 0.1
# An endpoint that nothing got through to for so long is switched off.
FAILING_FOR: Final = timedelta(days=5)
# One that doesn't answer at all is left alone for a while, so that others needn't wait for it.
REST: Final = timedelta(minutes=1)
GONE: Final = 410
BATCH: Final = 40
PER_ENDPOINT: Final = 8
# Longer than an attempt can take: a worker that died over one leaves it to the next.
_LEASE: Final = timedelta(seconds=60)


class EndpointIsOff(Refused):
    code = "endpoint_disabled"
    message = _("This webhook is switched off. Switch it on first.")


@dataclass(frozen=True)
class Told:
    """An event for one shop: what of it receivers get, and what makes it this event."""

    shop_id: int
    source: str
    type: str
    data: Mapping[str, Any]
    at: datetime


def listeners(shop_ids: Collection[int]) -> set[int]:
    """Tell which of some shops have an endpoint that is switched on."""
    found = Endpoint.objects.filter(shop__in=shop_ids, is_enabled=True)
    return set(found.values_list("shop_id", flat=True))


@transaction.atomic
def tell(events: Iterable[Told], *, now: datetime) -> int:
    """Write a message for each endpoint that asks for an event; returns how many are new."""
    told = list(events)
    shops = {event.shop_id for event in told}
    endpoints = list(Endpoint.objects.filter(shop__in=shops, is_enabled=True)) if told else []
    made = [
        _message(endpoint, event, now=now)
        for event in told
        for endpoint in endpoints
        if endpoint.shop_id == event.shop_id and matches(endpoint.events, event.type)
    ]
    if not made:
        return 0
    before = Message.objects.filter(pk__in=[message.pk for message in made])
    Message.objects.bulk_create(made, ignore_conflicts=True)
    deliver_soon()
    return before.count()


def tell_endpoint(endpoint: Endpoint, event: Told, *, now: datetime) -> None:
    """Write a message for one endpoint; call it in a transaction."""
    Message.objects.bulk_create([_message(endpoint, event, now=now)], ignore_conflicts=True)
    deliver_soon()


def deliver_soon(*, at: datetime | None = None) -> None:
    """Queue the job that delivers; one that waits already serves for all that came since."""
    lock = DELIVER if at is None else None
    try:
        # A savepoint: a refused job must not spoil the caller's transaction.
        with transaction.atomic():
            jobs.configure_task(
                DELIVER, allow_unknown=False, lock=lock, queueing_lock=lock, schedule_at=at
            ).defer()
    except AlreadyEnqueued:
        return


@transaction.atomic
def send_test(*, endpoint_id: UUID, shop: Shop, now: datetime) -> Message:
    """Tell an endpoint that this is a test, whatever it asked for.

    :raises NotFound: the shop has no such endpoint
    :raises EndpointIsOff: it is switched off
    """
    endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id, shop=shop).first()
    if endpoint is None:
        raise NotFound
    if not endpoint.is_enabled:
        raise EndpointIsOff
    event = Told(
        shop_id=endpoint.shop_id,
        source=f"test:{uuid4()}",
        type=TEST,
        data={"shop": shop.slug, "hello": "This is a test: nothing happened."},
        at=now,
    )
    message = _message(endpoint, event, now=now)
    message.save(force_insert=True)
    deliver_soon()
    return message


@transaction.atomic
def replay(*, message_id: UUID, shop: Shop, now: datetime) -> Message:
    """Send a message again, with the same id and body, and with all its attempts before it.

    :raises NotFound: the shop has no such message
    :raises EndpointIsOff: its endpoint is switched off
    """
    message = Message.objects.filter(pk=message_id, endpoint__shop=shop).first()
    if message is None:
        raise NotFound
    endpoint = Endpoint.objects.select_for_update().get(pk=message.endpoint_id)
    if not endpoint.is_enabled:
        raise EndpointIsOff
    # Somebody asks for it now: their server is awake again.
    Endpoint.objects.filter(pk=endpoint.pk).update(resting_until=None)
    Message.objects.filter(pk=message.pk).update(
        state=MessageState.PENDING, tries=0, next_attempt_at=now
    )
    deliver_soon()
    message.refresh_from_db()
    return message


def deliver_due(*, now: datetime) -> int:
    """Make one attempt for each of the messages that are due, some at once; returns how many."""
    claimed = _claim(now=now)
    if not claimed:
        return 0
    requests = [(message, _headers(message, now=now)) for message in claimed]
    for (message, headers), sent in zip(requests, asyncio.run(_send_all(requests)), strict=True):
        record(message_id=message.pk, headers=headers, sent=sent, now=now)
    return len(claimed)


@transaction.atomic
def record(
    *, message_id: UUID, headers: Mapping[str, str], sent: sending.Sent, now: datetime
) -> None:
    """Write down what came of an attempt, and when the next one is, if any."""
    message = Message.objects.filter(pk=message_id).first()
    if message is None:
        return  # its endpoint was deleted meanwhile
    endpoint = (
        Endpoint.objects.select_for_update().select_related("shop").get(pk=message.endpoint_id)
    )
    Attempt.objects.create(
        message=message,
        at=now,
        milliseconds=sent.milliseconds,
        request_headers=dict(headers),
        status=sent.status,
        error=sent.error,
        answer=sent.answer,
        is_by_hand=message.tries == 0 and message.attempts.exists(),
    )
    tries = message.tries + 1
    mine = Message.objects.filter(pk=message.pk, state=MessageState.PENDING)
    if sent.is_success:
        mine.update(
            state=MessageState.DELIVERED, tries=tries, next_attempt_at=None, delivered_at=now
        )
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None, resting_until=None)
        return
    failing_since = endpoint.failing_since or now
    Endpoint.objects.filter(pk=endpoint.pk).update(
        failing_since=failing_since, resting_until=None if sent.status else now + REST
    )
    if tries > len(PAUSES):
        mine.update(state=MessageState.FAILED, tries=tries, next_attempt_at=None)
    else:
        pause = PAUSES[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        mine.update(tries=tries, next_attempt_at=now + pause)
        if tries == 1:
            deliver_soon(at=now + pause)
    if not endpoint.is_enabled:
        return
    if sent.status == GONE:
        reason = Endpoint.Disabled.GONE
    elif now - failing_since >= FAILING_FOR:
        reason = Endpoint.Disabled.FAILING
    else:
        return
    disable(endpoint_id=endpoint.pk, shop=endpoint.shop, reason=reason, now=now)


def forget_old(*, before: datetime) -> int:
    """Delete messages of another time with their attempts; returns how many rows that were."""
    old = Message.objects.filter(created_at__lt=before).exclude(state=MessageState.PENDING)
    return old.delete()[0]


def _message(endpoint: Endpoint, event: Told, *, now: datetime) -> Message:
    body = {
        "type": event.type,
        "timestamp": event.at.astimezone(UTC).isoformat(),
        "data": dict(event.data),
    }
    return Message(
        endpoint=endpoint,
        source=event.source,
        type=event.type,
        body=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        next_attempt_at=now,
        created_at=now,
    )


def _claim(*, now: datetime) -> list[Message]:
    """Take messages that are due, not too many of one endpoint, and keep other workers off."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE webhooks_message SET next_attempt_at = %(until)s
            WHERE id IN (
                SELECT id FROM webhooks_message
                WHERE state = 'pending' AND next_attempt_at <= %(now)s AND id IN (
                    SELECT id FROM (
                        SELECT due.id, due.next_attempt_at, failing_since, row_number() OVER (
                            PARTITION BY due.endpoint_id ORDER BY due.next_attempt_at, due.id
                        ) AS place
                        FROM webhooks_message AS due
                        JOIN webhooks_endpoint AS endpoint ON endpoint.id = due.endpoint_id
                        WHERE due.state = 'pending' AND due.next_attempt_at <= %(now)s
                          AND endpoint.is_enabled
                          AND (endpoint.resting_until IS NULL OR endpoint.resting_until <= %(now)s)
                    ) AS ranked
                    -- One that fails is tried with a single message at a time.
                    WHERE place <= CASE WHEN failing_since IS NULL THEN %(each)s ELSE 1 END
                    ORDER BY next_attempt_at LIMIT %(batch)s
                )
                FOR UPDATE SKIP LOCKED
            )
            RETURNING id
            """,
            {"until": now + _LEASE, "now": now, "each": PER_ENDPOINT, "batch": BATCH},
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Message.objects.filter(pk__in=ids).select_related("endpoint"))


def _headers(message: Message, *, now: datetime) -> dict[str, str]:
    """Sign as Standard Webhooks does, by UTC; with both secrets while the old one is good."""
    endpoint, at = message.endpoint, now.astimezone(UTC)
    secrets = [endpoint.secret]
    if endpoint.old_secret and endpoint.old_secret_until and endpoint.old_secret_until > now:
        secrets.append(endpoint.old_secret)
    signatures = [Webhook(secret).sign(message.webhook_id, at, message.body) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "liveshop-webhooks/1",
        "webhook-id": message.webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _send_all(requests: list[tuple[Message, dict[str, str]]]) -> list[sending.Sent]:
    return await asyncio.gather(
        *(
            sending.send(url=message.endpoint.url, headers=headers, body=message.body.encode())
            for message, headers in requests
        )
    )
