"""The batcher's figures: batches that PostgreSQL took, by size and time."""

import uuid
from datetime import UTC, datetime

import pytest
from django.db import OperationalError
from prometheus_client import REGISTRY

from creators.chat.batcher import Batcher
from creators.chat.posting import Draft
from shops.facts.refused import Refused


def figures():
    names = ("lines_count", "lines_sum", "seconds_count")
    return [REGISTRY.get_sample_value(f"liveshop_chat_batch_{name}") for name in names]


def away(drafts):
    raise OperationalError("the server closed the connection")


@pytest.mark.parametrize(
    ("post", "grown"),
    [(lambda drafts: [f"posted {one.body}" for one in drafts], [1, 1, 1]), (away, [0, 0, 0])],
    ids=["taken", "away"],
)
def test_only_what_was_taken_is_counted(post, grown):
    before = figures()
    batcher = Batcher(post)
    line = Draft(1, 1, uuid.uuid4(), "hello", None, datetime.now(UTC))
    try:
        batcher.submit(line).result(5)
    except Refused:
        assert post is away
    batcher.close()

    assert [now - then for now, then in zip(figures(), before, strict=True)] == grown
