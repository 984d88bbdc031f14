"""axe-core finds no WCAG 2.2 AA violation on any page, light and dark, phone and desktop."""

import io
import uuid
from datetime import timedelta
from pathlib import Path

import pytest

from creators.chat import posting as chat
from creators.chat.moderation import sanctions
from creators.live import services as live
from creators.live.replays import services as replays
from creators.scoring import services as scoring
from shops.feeds.services import import_feed
from shops.orders.models import Order
from tests.browser.conftest import DESKTOP, PHONE
from tests.doors import Visitor
from tests.factories.creators import LiveSessionFactory, PieceProductFactory, PinFactory
from tests.factories.media import SegmentFactory, StreamFactory

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js").read_text()
RUN_AXE = """
async (runOnly) => {
    // No rule that runs reads the style sheets' text; videos it wants to know.
    const preload = { assets: ["media"] };
    const result = await axe.run(document, { runOnly, preload, resultTypes: ["violations"] });
    return result.violations.map(({id, nodes}) => [id, nodes.map(({target}) => target)]);
}
"""
# Colours go over into those of the other scheme, and axe would read them on their way.
STAND_STILL = """
() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { transition: none !important; }");
    document.adoptedStyleSheets.push(sheet);
}
"""
RULES = {
    "light": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # Only the colours are others.
    "dark": {"type": "rule", "values": ["color-contrast"]},
}

# A page is loaded once; the dark colours are the same on a desk.
LOOKS = [(PHONE, "light"), (PHONE, "dark"), (DESKTOP, "light")]


@pytest.fixture
def pages(site, show, alice, bob, carol, dave, now):
    """Every page as (who, path), on a show with a pin, a chat line, an order and scores."""
    live.pin(piece_id=show.pk, product_id=show.product.pk, by=bob, now=now)
    chat.post_message(
        piece_id=show.pk, author=alice, client_id=uuid.uuid4(), body="Lovely!", now=now
    )
    with Visitor(site, alice) as visitor:
        assert visitor.buy(show.sku.pk).status_code == 201
        assert visitor.buy(show.sku.pk, card="tok_declined").status_code == 201
        visitor.post("/cart/add/", {"sku": show.sku.pk, "quantity": 1})
    scoring.recompute(creator_ids=None, now=now)
    sanctions.ban(piece_id=show.pk, user_id=dave.pk, by=bob, reason="Advertising", now=now)
    soon = live.schedule_show(
        creator=bob.creator, title="Lamps by day", scheduled_at=now + timedelta(days=1), now=now
    )
    past = _replayed(show, since=now - timedelta(hours=1))
    rows = b"Handle,Title,Variant Price\nblue-cup,Blue cup,12.00\nred-cup,Red cup,much\n"
    imported = import_feed(
        shop=show.product.shop, file=io.BytesIO(rows), file_name="feed.csv", now=now
    )
    address = alice.addresses.get()
    paid, declined = Order.objects.order_by("placed_at")
    product = f"/shops/{show.product.shop.slug}/{show.product.handle}/"
    return [
        (None, "/"),
        (None, "/accounts/login/"),
        (None, "/accounts/signup/"),
        (None, "/accounts/password/reset/"),
        (None, "/accounts/password/reset/done/"),
        (None, "/accounts/password/reset/key/done/"),
        (None, "/accounts/confirm-email/"),
        (None, "/accounts/inactive/"),
        (None, "/cart/"),
        (None, "/no-such-page/"),
        (None, "/buy/"),
        (None, f"/live/{show.pk}/"),
        (None, f"/live/{past.pk}/"),
        (None, product),
        (None, f"/shops/{show.product.shop.slug}/"),
        (None, "/creators/bob/"),
        (alice, f"/live/{show.pk}/"),
        (alice, "/cart/"),
        (alice, "/checkout/"),
        (alice, "/orders/"),
        (alice, f"/orders/{paid.number}/"),
        (alice, f"/orders/{declined.number}/"),
        (alice, "/waitlist/"),
        (alice, "/account/"),
        (alice, "/account/addresses/"),
        (alice, "/account/addresses/new/"),
        (alice, f"/account/addresses/{address.pk}/"),
        (alice, f"/account/addresses/{address.pk}/delete/"),
        (alice, "/accounts/email/"),
        (alice, "/accounts/password/change/"),
        (alice, "/accounts/logout/"),
        (alice, "/creator/join/"),
        (alice, f"/live/{soon.pk}/"),
        (alice, f"/live/{show.pk}/console/"),
        (bob, f"/live/{show.pk}/console/"),
        (bob, f"/live/{soon.pk}/console/"),
        (bob, f"/live/{past.pk}/replay/"),
        (bob, f"/live/{show.pk}/moderation/"),
        (bob, "/creator/"),
        (bob, "/creator/chat/"),
        (bob, "/creator/shows/new/"),
        (bob, "/creators/bob/scores/"),
        (dave, "/creators/"),
        (dave, f"/live/{show.pk}/"),
        (dave, "/account/sanctions/"),
        (carol, "/seller/"),
        (carol, f"/seller/{show.product.shop.slug}/products/"),
        (carol, f"/seller/{show.product.shop.slug}/stock/"),
        (carol, f"/seller/{show.product.shop.slug}/stock/{show.sku.pk}/"),
        (carol, f"/seller/{show.product.shop.slug}/pricing/"),
        (carol, f"/seller/{show.product.shop.slug}/pricing/shipping/new/"),
        (carol, f"/seller/{show.product.shop.slug}/orders/"),
        (carol, f"/seller/{show.product.shop.slug}/orders/{paid.number}/"),
        (carol, f"/seller/{show.product.shop.slug}/feeds/"),
        (carol, f"/seller/{show.product.shop.slug}/feeds/{imported.import_id}/"),
    ]


def _replayed(show, *, since):
    """Make an ended show with the same product, and its replay."""
    creator = show.piece.creator
    stream = StreamFactory(creator=creator, lost_at=since + timedelta(minutes=1))
    past = LiveSessionFactory(
        piece__creator=creator,
        state="ended",
        started_at=since,
        ended_at=since + timedelta(minutes=1),
        stream=stream,
    )
    PieceProductFactory(piece=past.piece, product=show.product)
    PinFactory(
        session=past,
        product=show.product,
        pinned_at=since + timedelta(seconds=5),
        unpinned_at=since + timedelta(seconds=50),
        price_minor=990,
        currency="EUR",
    )
    SegmentFactory(stream=stream, starts_at=since, duration_ms=60_000)
    replays.make_replay(piece_id=past.pk, now=since)
    return past


@pytest.mark.long
@pytest.mark.parametrize("half", [0, 1])
def test_no_page_has_a_violation(visit, pages, half):
    found, seen_by = [], None
    page = visit()
    # Through the debugger: the pages' own policy lets no foreign script in.
    page.add_init_script(AXE)
    for user, path in pages[half::2]:
        if user != seen_by:
            visit.sign_in(page.context, user)
            seen_by = user
        page.set_viewport_size(PHONE)
        page.goto(path)
        page.wait_for_load_state("load")
        who = user and user.display_name
        page.evaluate(STAND_STILL)
        for viewport, scheme in LOOKS:
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for rule, targets in page.evaluate(RUN_AXE, RULES[scheme]):
                found.append((path, who, viewport["width"], scheme, rule, targets))
            overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if overflow > 0:
                found.append((path, who, viewport["width"], "wider than the screen", overflow))
    assert found == []
