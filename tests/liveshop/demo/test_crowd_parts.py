"""Parts of the crowd without a site: what it understands of a show, says, and when bob rests."""

import random
import string

import pytest

from liveshop.demo import lines
from liveshop.demo.crowd import Crowd, Plan, Show
from liveshop.demo.host import Host, _sku_form


def _state(**changes):
    product = {
        "id": 7,
        "title": "Blue lamp",
        "skus": [{"id": 70, "available": 3, "rev": 5}, {"id": 71, "available": 0, "rev": 5}],
    }
    return {
        "rev": 4,
        "show": {"id": 1, "state": "live", "host": "Bob Bellacosa", "referral": "r"},
        "pin": {"id": 9, "product_id": 7, "referral": "p"},
        "bag": [product],
        "questions": [{"id": 3, "votes": 2, "answered_at": None, "deleted": False}],
        **changes,
    }


@pytest.fixture
def show():
    show = Show()
    show.open(_state())
    return show


def test_a_snapshot_says_what_is_pinned_and_can_be_bought(show):
    assert (show.piece_id, show.host, show.pinned_title) == (1, "Bob", "Blue lamp")
    assert [sku["id"] for sku in show.to_buy(7)] == [70]


def test_events_apply_once_and_late_ones_not_at_all(show):
    show.apply({"t": "unpinned", "rev": 6, "pin_id": 9})
    show.apply({"t": "pinned", "rev": 5, "pin": {"id": 8, "product_id": 7, "referral": "x"}})
    assert show.pin is None

    show.apply({"t": "stock", "product_id": 7, "sku_id": 70, "available": 0, "rev": 8})
    show.apply({"t": "stock", "product_id": 7, "sku_id": 70, "available": 9, "rev": 7})
    assert show.to_buy(7) == []

    show.apply({"t": "show_ended"})
    assert show.piece_id is None
    assert not show.opened.is_set()


def test_open_questions_and_the_newest_lines_are_known(show):
    def question(number, **changes):
        card = {"id": number, "votes": 1, "answered_at": None, "deleted": False, **changes}
        show.apply({"t": "question", "question": card})

    question(4)
    question(3, votes=5)
    assert show.questions == {3: 5, 4: 1}
    question(3, answered_at=5)
    question(4, deleted=True)
    assert show.questions == {}

    for number in (1, 2, 2):
        show.apply({"t": "chat", "line": {"id": number}})
    show.apply({"t": "chat_deleted", "id": 1, "rev": 1})
    assert list(show.heard) == [2]


def test_a_show_that_is_over_is_not_opened():
    show = Show()
    show.open(_state(show={"id": 1, "state": "ended", "host": "Bob", "referral": ""}))

    assert not show.opened.is_set()


def test_the_crowd_has_much_to_say_all_of_it_short_and_different():
    kinds = (
        lines.HELLO, lines.ASK, lines.LIKE, lines.PRICE, lines.BUY, lines.STOCK, lines.CHAT,
        lines.BYE, lines.ANSWER, lines.HOST_ANSWER,
    )  # fmt: skip
    everything = [line for kind in kinds for line in kind]

    assert len(everything) >= 200
    assert len(set(everything)) == len(everything)
    for line in [*everything, *lines.HOST]:
        fields = {name for _t, name, _s, _c in string.Formatter().parse(line) if name}
        assert fields <= {"product", "host"}
        assert len(line) < 200


def test_nothing_is_said_twice_soon_and_products_only_when_there_is_one():
    talk = lines.Talk(random.Random(1))
    said = [talk.idle(product=None, host="Bob") for _ in range(60)]

    assert len(set(said)) == 60
    assert not any("{" in line for line in said)


@pytest.mark.parametrize(
    ("title", "spoken"),
    [("The unhurried clock", "unhurried clock"), ("Moka – for company, 6 cups", "moka")],
)
def test_products_are_called_as_people_would(title, spoken):
    assert lines.short(title) == spoken


async def test_the_host_rests_when_somebody_else_changed_the_pin(show):
    crowd = Crowd(Plan(url="http://127.0.0.1:1", password="x"), dice=random.Random(1))
    crowd.show = show
    host = Host(crowd)
    host._notice()
    assert host._rests_until == 0

    host._product = 7
    show.apply({"t": "pinned", "rev": 7, "pin": {"id": 10, "product_id": 7, "referral": "x"}})
    host._notice()
    assert host._rests_until == 0

    show.apply({"t": "pinned", "rev": 8, "pin": {"id": 11, "product_id": 3, "referral": "x"}})
    host._notice()
    assert host._rests_until > 0
    await crowd.close()


def test_the_sellers_row_is_read_by_its_form():
    page = (
        '<form id="sku70" action="/seller/a/skus/70/"></form>'
        '<input type="number" name="on_hand" value="3" form="sku70">'
        '<input name="price" value="19.90" form="sku70"><input name="was" form="sku70">'
        '<input name="on_hand" value="99" form="sku71">'
    )
    assert _sku_form(page, "a", 70) == {"on_hand": "3", "price": "19.90", "was": ""}
    assert _sku_form(page, "b", 70) == {}
