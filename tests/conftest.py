"""The cast: alice (viewer), bob (creator), carol (seller), dave (brand), erin, olga (operator)."""

import functools
import gc
import importlib
import time
from datetime import UTC, datetime

import httpx
import hypothesis
import pytest
from django.apps import apps
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation

from creators.live import services as live
from creators.profiles.models import Creator
from creators.stage import publishing, rooms
from creators.stage.wire.framing import GOES_TO
from shops.accounts.models import Grant, Role
from shops.facts import batching
from shops.stock.telling import teller
from tests import emptying, migrated
from tests.factories.accounts import AddressFactory, UserFactory
from tests.factories.catalog import ProductFactory, ShopFactory, ShopStaffFactory, SkuFactory
from tests.factories.creators import CreatorFactory, PartnerShopFactory
from tests.servers import Site

# How long a machine takes for an example is no one's fault.
for profile, examples in (("liveshop", 30), ("campaign", 500)):
    hypothesis.settings.register_profile(
        profile,
        max_examples=examples,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile("liveshop")


def _person(name, role=None, **fields):
    user = UserFactory(email=f"{name}@test.example", display_name=name.title(), **fields)
    if role:
        Grant.objects.create(user=user, role=role)
    return user


_end_migrating = []


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    _end_migrating.append(migrated.begin())


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure():
    for end in _end_migrating:
        end()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Have the processes of a run copy one database."""
    name = migrated.template()
    if name is not None:
        connection.settings_dict["TEST"]["TEMPLATE"] = name


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Let tests that are undone by emptying all tables empty the books, too."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("ledger_account", "ledger_journal", "ledger_entry"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ledger_no_truncate")
        cursor.execute("ALTER TABLE stock_stockmovement DISABLE TRIGGER stock_no_truncate")
    yield
    # Their threads may have connections still, and a database that is used is not dropped.
    batching.close_all()
    teller.close()
    # Others of a process that was just ended are on their way out.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def alice(db):
    """A viewer with an address."""
    user = _person("alice")
    AddressFactory(user=user)
    return user


@pytest.fixture
def bob(db, shop):
    """A creator (`bob.creator`) who may show carol's shop."""
    user = _person("bob", Role.CREATOR)
    creator = CreatorFactory(user=user, handle="bob", name="Bob")
    PartnerShopFactory(creator=creator, shop=shop)
    return user


@pytest.fixture
def shop(db):
    """Carol's shop."""
    return ShopFactory(slug="carols", name="Carol's")


@pytest.fixture
def carol(db, shop):
    """Staff of `shop`."""
    user = _person("carol", Role.SELLER)
    ShopStaffFactory(shop=shop, user=user)
    return user


@pytest.fixture
def dave(db):
    return _person("dave", Role.BRAND)


@pytest.fixture
def erin(db):
    return _person("erin")


@pytest.fixture
def olga(db):
    return _person("olga", Role.OPERATOR, is_staff=True, is_superuser=True)


@pytest.fixture(scope="session")
def site_processes(django_db_setup, tmp_path_factory):
    """The site's processes, once per run: they read the tests' database."""
    site = Site(logs=tmp_path_factory.mktemp("site"))
    try:
        yield site.start()
    finally:
        site.stop()


@pytest.fixture
def site(site_processes, transactional_db):
    """A running site on a database that is emptied after the test."""
    yield site_processes
    site_processes.settle()


def pytest_itemcollected(item):
    """Mark what can be shown by any number of examples, for the campaign."""
    if getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
        item.add_marker(pytest.mark.properties)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Let those that need the site come last: its worker takes every job that it finds.

    The long ones of them come first: what is short fills the processes evenly at the end.
    """
    items.sort(
        key=lambda item: (
            "site" in getattr(item, "fixturenames", ()),
            item.get_closest_marker("long") is None,
        )
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage in what all tests share, neither while it comes together nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _authorities_are_read_once():
    """Have the clients of a process share the certificates that one of them read.

    Reading them takes longer than most of what is asked here, and nothing here is asked by TLS.
    """
    read_once = functools.cache(httpx.create_ssl_context)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", read_once)
        yield


@pytest.fixture(scope="session", autouse=True)
def _patient_emptying():
    """Empty the tables again when a process of the site was using them in another order.

    The formula that a migration published goes with all the rest and is published anew: any test
    may come next.
    """
    first_formula = importlib.import_module("creators.scoring.migrations.0002_formula_v1")

    def patiently(case):
        for tries_left in (4, 3, 2, 1, 0):
            try:
                emptying.empty(case)
                return first_formula.publish(apps, None)
            except emptying.Busy:
                if not tries_left:
                    raise
                time.sleep(0.3)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", patiently)
        yield


@pytest.fixture(autouse=True)
def _nobody_chose_a_language():
    """Forget the language of the test before: a request leaves its own to its thread."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _events_keep_to_their_rooms(monkeypatch):
    """Insist that what is published to a room is what the protocol says goes there."""
    publish, astray = publishing.publish_all, []

    def watched(told):
        for room, events in told.items():
            kind = rooms.kind_of(room)
            astray.extend((room, event) for event in events if kind not in GOES_TO[type(event)])
        return publish(told)

    monkeypatch.setattr(publishing, "publish_all", watched)
    yield
    assert astray == []


@pytest.fixture
def buyers():
    """buyers(n) makes n users who could order at once."""

    def make(count):
        users = [UserFactory() for _ in range(count)]
        for user in users:
            AddressFactory(user=user)
        return users

    return make


@pytest.fixture
def show(site, bob, shop):
    """Bob is live with one product in his bag: `show.product`, `show.sku` (10 units)."""
    creator = Creator.objects.get(user=bob)
    now = datetime.now(UTC)
    product = ProductFactory(shop=shop, title="Blue lamp")
    sku = SkuFactory(product=product, on_hand=10, options=[])
    session = live.schedule_show(
        creator=creator,
        title="Lamps at night",
        scheduled_at=now,
        product_ids=[product.pk],
        now=now,
    )
    live.start_show(piece_id=session.pk, by=bob, now=now)
    session.product, session.sku = product, sku
    return session
