"""Two web processes under load lose Valkey, and one dies: nobody ends with a wrong state."""

import asyncio
import contextlib
from datetime import UTC, datetime

import pytest
from django.db import connection

from creators.chat.models import Message
from creators.live import services as live
from shops.stock.models import Stock
from tests.doors import Visitor
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.faults.valkey import OwnValkey
from tests.faults.watching import Watcher
from tests.servers import Site

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

FORGETFUL = "tests.faults.forgetful_stage:application"
VIEWERS = 16
WRITERS = 12
LINES = 3


@pytest.fixture
def valkey(tmp_path):
    own = OwnValkey(tmp_path / "valkey.log").start()
    yield own
    own.stop()


@pytest.fixture
def start_sites(valkey, tmp_path, transactional_db):
    """start_sites(app) starts two web processes on one Valkey."""
    with contextlib.ExitStack() as stack:

        def start(app):
            sites = []
            for name in ("one", "other"):
                logs = tmp_path / name
                logs.mkdir()
                site = Site(logs=logs, settings={"REDIS_URL": valkey.url}, app=app)
                stack.callback(site.stop)
                site.start_one("web")
                sites.append(site)
            for site in sites:
                site.wait()
            return sites

        yield start


@pytest.fixture
def sale(bob, shop):
    """Bob's show on the air; `sale.sku` has plenty."""
    now = datetime.now(UTC)
    product = ProductFactory(shop=shop)
    sku = SkuFactory(product=product, on_hand=100, options=[])
    show = live.schedule_show(
        creator=bob.creator,
        title="Lamps",
        scheduled_at=now,
        product_ids=[product.pk],
        now=now,
    )
    live.start_show(piece_id=show.pk, by=bob, now=now)
    show.sku = sku
    return show


def cookies_of(visitor):
    return "; ".join(f"{one.name}={one.value}" for one in visitor.http.cookies.jar)


async def an_evening(sites, valkey, piece_id, *, writers, buy, checks_epoch=True):
    """Viewers watch and writers write while Valkey and one web process die and come back."""
    viewers = [Watcher(sites[i % 2], piece_id, checks_epoch=checks_epoch) for i in range(VIEWERS)]
    authors = [
        Watcher(sites[i % 2], piece_id, cookie=cookie, checks_epoch=checks_epoch)
        for i, cookie in enumerate(writers)
    ]
    everybody = viewers + authors
    tasks = [asyncio.create_task(one.run()) for one in everybody]
    try:
        await until(lambda: all(one.is_live for one in everybody), seconds=20)
        for number in range(LINES):
            for author in authors:
                await author.write(f"line {number} of {id(author)}")
                await asyncio.sleep(0.06)
            if number == 0:
                await asyncio.to_thread(valkey.kill)
            if number == 1:
                await asyncio.to_thread(buy)
                await asyncio.to_thread(valkey.start)
            if number == 2:
                sites[1].kill("web")
                sites[1].start_one("web")
        await written(piece_id, WRITERS * LINES)
        # Whoever missed something silently does not learn of it from what comes later.
        await authors[0].write("the last line")
        await written(piece_id, WRITERS * LINES + 1)
        truth = await asyncio.to_thread(state_of, piece_id)
        with contextlib.suppress(AssertionError):
            await until(lambda: all((one.lines, stock(one)) == truth for one in everybody))
        return everybody, truth
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def stock(watcher):
    return {sku: available for sku, (_, available) in watcher.stock.items()}


def state_of(piece_id):
    """Read from PostgreSQL what everybody should see; in a thread, which leaves no connection."""
    rows = Message.objects.filter(piece_id=piece_id, deleted_at__isnull=True)
    levels = Stock.objects.filter(sku__product__shown_in__piece_id=piece_id)
    try:
        return (
            dict(rows.values_list("pk", "body")),
            {level.sku_id: level.available for level in levels},
        )
    finally:
        connection.close()


async def written(piece_id, count, *, seconds=25):
    deadline = asyncio.get_running_loop().time() + seconds
    while len((await asyncio.to_thread(state_of, piece_id))[0]) < count:
        assert asyncio.get_running_loop().time() < deadline, "a line got lost"
        await asyncio.sleep(0.1)


async def until(true, *, seconds=15):
    deadline = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.05)


def run(start_sites, valkey, sale, *, app="liveshop.asgi:application", checks_epoch=True):
    sites = start_sites(app)
    visitors = [Visitor(sites[0], UserFactory()) for _ in range(WRITERS)]
    buyer = Visitor(sites[0], UserFactory())
    writers = [cookies_of(visitor) for visitor in visitors]

    def buy():
        answer = buyer.post("/buy/", {"sku": sale.sku.pk, "quantity": 2})
        assert answer.status_code < 400
        assert buyer.get("/checkout/").status_code in (200, 302)

    try:
        return asyncio.run(
            an_evening(sites, valkey, sale.pk, writers=writers, buy=buy, checks_epoch=checks_epoch)
        )
    finally:
        for visitor in [*visitors, buyer]:
            visitor.http.close()


def test_everybody_ends_with_the_right_state(start_sites, valkey, sale):
    everybody, (lines, levels) = run(start_sites, valkey, sale)

    assert len(lines) == WRITERS * LINES + 1
    assert len(set(lines.values())) == len(lines), "a line was written twice"
    assert all(watcher.lines == lines for watcher in everybody)
    assert all(stock(watcher) == levels for watcher in everybody)
    assert all(watcher.repeated == 0 and not watcher.unsaid for watcher in everybody)
    # It was no quiet evening.
    assert any(watcher.returns for watcher in everybody)
    assert all(watcher.snapshots > 1 for watcher in everybody)


@pytest.mark.campaign
def test_without_the_check_of_epochs_some_miss_something_silently(start_sites, valkey, sale):
    everybody, (lines, _) = run(
        start_sites,
        valkey,
        sale,
        app="tests.faults.forgetful_stage:application",
        checks_epoch=False,
    )

    assert any(watcher.lines != lines for watcher in everybody)
