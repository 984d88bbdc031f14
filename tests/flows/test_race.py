"""200 buyers race for 20 units over HTTP against a running server; the control shows the race."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shops.orders.models import Order, OrderLine
from shops.stock.models import Hold, Stock
from tests.doors import Visitor
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.servers import Site

BUYERS = 200
UNITS = 20
AT_ONCE = 40


@pytest.fixture
def lamp(transactional_db, shop):
    return SkuFactory(product=ProductFactory(shop=shop), on_hand=UNITS)


@pytest.fixture
def unguarded_site(lamp, tmp_path):
    site = Site(logs=tmp_path, app="tests.flows.unguarded:application")
    try:
        yield site.start("provider", "web")
    finally:
        site.stop()


def _race(site, users, lamp):
    visitors = [Visitor(site, user) for user in users]
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = pool.map(lambda visitor: visitor.buy_patiently(lamp.pk), visitors)
            return [answer.status_code for answer in answers]
    finally:
        for visitor in visitors:
            visitor.http.close()


@pytest.mark.long
def test_two_hundred_buyers_get_exactly_twenty_units(site, lamp, buyers):
    answers = _race(site, buyers(BUYERS), lamp)

    assert answers.count(201) == UNITS
    assert set(answers) == {201, 409}
    assert Order.objects.filter(paid_at__isnull=False).count() == UNITS
    stock = Stock.objects.get(pk=lamp.pk)
    assert (stock.on_hand, stock.available) == (UNITS, 0)


@pytest.mark.campaign
def test_control_without_the_guard_the_same_race_oversells(unguarded_site, lamp, buyers):
    answers = _race(unguarded_site, buyers(60), lamp)

    assert answers.count(201) > UNITS
    assert OrderLine.objects.count() == Hold.objects.count() > UNITS
