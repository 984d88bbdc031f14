"""Bob in his console while nobody is at it: he pins and answers in turn, and carol refills."""

import asyncio
import contextlib
import html
import logging
import re
import time
from typing import Any

from liveshop.demo import lines
from liveshop.demo.crowd import Crowd
from liveshop.demo.visitor import JSON, TROUBLE

log = logging.getLogger("liveshop.crowd")


class Host:
    """Pins in turn; when somebody else changed the pin, the console is theirs for a while."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.bob = crowd.visitor("bob")
        self.carol = crowd.visitor("carol")
        self._pin_seen: int | None = None
        self._product: int | None = None
        self._rests_until = 0.0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._be_there())
            tasks.create_task(self._refill())
            tasks.create_task(self._answer())
            while True:
                await asyncio.sleep(self.crowd.plan.pin_every * self.crowd.dice.uniform(0.75, 1.25))
                with contextlib.suppress(*TROUBLE):
                    await self._pin_next()

    async def _be_there(self) -> None:
        while True:
            await self.crowd.show.opened.wait()
            try:
                if not self.bob.is_signed_in:
                    await self.bob.sign_in()
                await self.crowd.watch(self.bob, self._notice)
            except TROUBLE as error:
                self.bob.http.cookies.clear()
                log.info("host: %s", error or type(error).__name__)
            await asyncio.sleep(self.crowd.dice.uniform(2, 6))

    def _notice(self) -> None:
        """Look whether the pin is still what the host made it."""
        pin = self.crowd.show.pin
        pin_id = pin["id"] if pin else None
        if pin_id == self._pin_seen:
            return
        is_first = self._pin_seen is None and self._product is None
        is_ours = pin is not None and pin["product_id"] == self._product
        self._pin_seen = pin_id
        if not is_first and not is_ours:
            self._rests_until = time.monotonic() + self.crowd.plan.host_rests
            log.info("somebody is at the console; the host rests")

    async def _pin_next(self) -> None:
        show = self.crowd.show
        if show.piece_id is None or time.monotonic() < self._rests_until:
            return
        if not self.bob.is_signed_in:
            return
        ids = [product for product in show.bag if show.to_buy(product)]
        if not ids:
            return
        everything = list(show.bag)
        at = everything.index(show.pinned_id) if show.pinned_id in everything else -1
        turn = everything[at + 1 :] + everything[: at + 1]
        following = next((p for p in turn if p in ids and p != show.pinned_id), None)
        if following is None:
            return
        self._product = following
        answer = await self.bob.post(
            f"/live/{show.piece_id}/pin/", {"product": following}, headers=JSON
        )
        if answer.status_code >= 400:
            log.info("the host could not pin: status %s", answer.status_code)
            self._product = show.pinned_id
            return
        here = self.crowd.socket_of(self.bob)
        if here is not None:
            title = str(show.bag[following]["title"])
            line = self.crowd.talk.say(lines.HOST, product=title, host=show.host)
            await self.crowd.speak((self.bob, here), line)

    async def _answer(self) -> None:
        while True:
            await asyncio.sleep(self.crowd.plan.answer_every * self.crowd.dice.uniform(0.75, 1.25))
            with contextlib.suppress(*TROUBLE):
                await self._answer_most_wanted()

    async def _answer_most_wanted(self) -> None:
        show = self.crowd.show
        if not show.questions or not self.bob.is_signed_in or time.monotonic() < self._rests_until:
            return
        wanted = max(show.questions, key=lambda one: (show.questions[one], -one))
        answer = await self.bob.post(
            f"/live/{show.piece_id}/questions/answer/", {"question": wanted}, headers=JSON
        )
        here = self.crowd.socket_of(self.bob)
        if answer.status_code < 400 and here is not None:
            line = self.crowd.talk.say(lines.HOST_ANSWER, product=None, host=show.host)
            await self.crowd.speak((self.bob, here), line)

    # --- Refilling ------------------------------------------------------------------------

    async def _refill(self) -> None:
        while True:
            await asyncio.sleep(self.crowd.plan.restock_every)
            with contextlib.suppress(*TROUBLE, ValueError):
                await self._refill_once()

    async def _refill_once(self) -> None:
        """Put 12 units more of the scarcest product on the shelf, by the seller's own page."""
        gone = [
            (product["title"], sku)
            for product in self.crowd.show.bag.values()
            for sku in product["skus"]
            if sku["available"] <= 0
        ]
        # A few sold out ones are part of a sale; a bare shelf is not.
        if len(gone) * 3 < sum(len(p["skus"]) for p in self.crowd.show.bag.values()):
            return
        if not self.carol.is_signed_in:
            await self.carol.sign_in()
        title, sku = self.crowd.dice.choice(gone)
        seller = await self.carol.http.get("/seller/", follow_redirects=True)
        for shop in dict.fromkeys(re.findall(r"/seller/([-\w]+)/products/", seller.text)):
            page = await self.carol.http.get(f"/seller/{shop}/products/", params={"q": title})
            form = _sku_form(page.text, shop, sku["id"])
            if form:
                form["on_hand"] = str(int(form["on_hand"]) + 12)
                await self.carol.post(f"/seller/{shop}/skus/{sku['id']}/", form)
                log.info("refilled: %s", title)
                return


def _sku_form(page: str, shop: str, sku_id: int) -> dict[str, Any]:
    """Read the SKU's row of the seller's table; empty when it is not there."""
    if f"/seller/{shop}/skus/{sku_id}/" not in page:
        return {}
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        if f'form="sku{sku_id}"' in tag:
            name, value = re.search(r'name="(\w+)"', tag), re.search(r'value="([^"]*)"', tag)
            if name:
                found[name.group(1)] = html.unescape(value.group(1)) if value else ""
    return found if "on_hand" in found and "price" in found else {}
