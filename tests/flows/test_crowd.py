"""The simulated crowd at a real running site: it chats, likes and buys, and the host pins."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from creators.audience.models import QualifiedView
from creators.chat.models import Message
from creators.live import services as live
from creators.live.models import Pin
from creators.profiles.models import Creator
from liveshop.demo import people
from shops.orders.models import Order
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.servers import PROJECT, free_port

PASSWORD = "a demo password"


@pytest.fixture
def demo_show(site):
    """Bob of the demo is live with two products, the first one pinned."""
    now = datetime.now(UTC)
    people.seed_people(password=PASSWORD, now=now)
    people.seed_categories()
    shop = ShopFactory()
    products = [ProductFactory(shop=shop, title=title) for title in ("Blue lamp", "Red stool")]
    for product in products:
        SkuFactory(product=product, on_hand=50)
    bob = people.seed_creators(now=now)["bob"]
    session = live.schedule_show(
        creator=Creator.objects.get(pk=bob.pk),
        title="A lively show",
        scheduled_at=now,
        product_ids=[product.pk for product in products],
        now=now,
    )
    live.start_show(piece_id=session.pk, by=bob.user, now=now)
    live.pin(piece_id=session.pk, product_id=products[0].pk, by=bob.user, now=now)
    return session


@pytest.fixture
def crowd(tmp_path):
    """crowd(url, *options) starts `manage.py crowd`; it is stopped after the test."""
    running = []

    def start(url, *options, environment=os.environ):
        with (tmp_path / "crowd.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "crowd", "--url", url, *options],
                cwd=PROJECT,
                env={**environment, "DEMO_PASSWORD": PASSWORD},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        running.append(process)
        process.log = tmp_path / "crowd.log"
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def _eventually(check, process, *, seconds=60):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, process.log.read_text()[-4000:]
        assert process.poll() is None, process.log.read_text()[-4000:]
        time.sleep(0.2)


@pytest.mark.long
def test_three_viewers_chat_watch_and_buy_and_the_host_pins(site, crowd, demo_show):
    rhythm = ["--buy-every=1", "--chat-every=0.5", "--host", "--pin-every=2"]
    process = crowd(site.url, "--viewers=3", *rhythm, environment=site.environment)

    _eventually(lambda: Order.objects.filter(paid_at__isnull=False).exists(), process)
    _eventually(lambda: Message.objects.filter(piece=demo_show.piece).count() >= 3, process)
    _eventually(lambda: Pin.objects.filter(session=demo_show).count() >= 2, process)
    _eventually(lambda: QualifiedView.objects.filter(piece=demo_show.piece).exists(), process)

    authors = set(Message.objects.values_list("author__email", flat=True))
    assert authors <= {f"{name}@demo.example" for name in ("crowd01", "crowd02", "crowd03", "bob")}
    paid = Order.objects.filter(paid_at__isnull=False).first()
    # One of them, declined before, may have had more in the cart.
    assert all(line.referral.startswith("piece.") for line in paid.lines.all())

    site.kill("web")
    site.start("web")
    said = Message.objects.count()
    _eventually(lambda: Message.objects.count() >= said + 3, process)

    process.terminate()
    assert process.wait(10) == 0
    assert "Traceback" not in process.log.read_text()


def test_it_stops_by_itself_after_its_time_though_nobody_answered(crowd):
    process = crowd(f"http://127.0.0.1:{free_port()}", "--viewers=1", "--seconds=1")

    assert process.wait(40) == 0
    assert "Traceback" not in process.log.read_text()


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--url=http://shop.example:80", "only goes to a site on this machine"),
        ("--url=https://127.0.0.1", "only goes to a site on this machine"),
        ("--viewers=0", "--viewers must be 1 to 50"),
        ("--chat-every=0", "Nobody is that fast"),
    ],
)
def test_it_goes_nowhere_else_and_takes_no_nonsense(monkeypatch, option, complaint):
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)

    with pytest.raises(CommandError, match=complaint):
        call_command("crowd", "--url=http://127.0.0.1:1", "--seconds=1", option)
