"""Creators, pieces and live sessions for tests."""

from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from creators.live.models import LiveSession, Pin
from creators.pieces.models import Piece, PieceProduct
from creators.profiles.models import Creator, PartnerShop
from tests.factories.accounts import UserFactory
from tests.factories.catalog import CategoryFactory, ProductFactory, ShopFactory


class CreatorFactory(DjangoModelFactory):
    class Meta:
        model = Creator

    user = factory.SubFactory(UserFactory)
    handle = factory.Sequence(lambda n: f"creator-{n}")
    name = factory.Sequence(lambda n: f"Creator {n}")
    category = factory.SubFactory(CategoryFactory)


class PartnerShopFactory(DjangoModelFactory):
    class Meta:
        model = PartnerShop

    creator = factory.SubFactory(CreatorFactory)
    shop = factory.SubFactory(ShopFactory)


class PieceFactory(DjangoModelFactory):
    class Meta:
        model = Piece

    kind = Piece.Kind.LIVE
    creator = factory.SubFactory(CreatorFactory)
    category = factory.SubFactory(CategoryFactory)
    title = factory.Sequence(lambda n: f"Show {n}")


class PieceProductFactory(DjangoModelFactory):
    class Meta:
        model = PieceProduct

    piece = factory.SubFactory(PieceFactory)
    product = factory.SubFactory(ProductFactory)
    position = factory.Sequence(lambda n: n + 1)
    added_at = factory.LazyFunction(lambda: datetime.now(UTC))


class LiveSessionFactory(DjangoModelFactory):
    class Meta:
        model = LiveSession

    piece = factory.SubFactory(PieceFactory)
    state = "live"
    scheduled_at = factory.LazyFunction(lambda: datetime.now(UTC))
    started_at = factory.LazyFunction(lambda: datetime.now(UTC))


class PinFactory(DjangoModelFactory):
    class Meta:
        model = Pin

    session = factory.SubFactory(LiveSessionFactory)
    product = factory.SubFactory(ProductFactory)
    pinned_at = factory.LazyFunction(lambda: datetime.now(UTC))
