"""Streams and what was recorded of them, for tests."""

from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from creators.media.models import Segment, Stream
from tests.factories.creators import CreatorFactory


class StreamFactory(DjangoModelFactory):
    class Meta:
        model = Stream

    creator = factory.SubFactory(CreatorFactory)
    is_private = False


class SegmentFactory(DjangoModelFactory):
    class Meta:
        model = Segment

    stream = factory.SubFactory(StreamFactory)
    run = 1
    first = factory.Sequence(lambda n: n)
    starts_at = factory.LazyFunction(lambda: datetime.now(UTC))
    duration_ms = 6000
    size_bytes = 1000
    name = factory.LazyAttribute(lambda one: f"{one.stream.pk}/{one.first}.m4s")
    init_name = factory.LazyAttribute(lambda one: f"{one.stream.pk}/init-{one.run}.mp4")
