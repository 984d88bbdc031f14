"""A crowd that watches, chats, likes and buys, and a host: all over the site's own doors."""

import asyncio
import contextlib
import logging
import random
import re
import uuid
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection

from liveshop.demo import lines
from liveshop.demo.visitor import TROUBLE, Visitor, say, transport

log = logging.getLogger("liveshop.crowd")
decode: Final = msgspec.json.Decoder().decode
# Cards of the sandbox, and how often each is used.
CARDS: Final = {
    "tok_success": 86,
    "tok_declined": 6,
    "tok_insufficient_funds": 3,
    "tok_delay": 5,
}


@dataclass(frozen=True)
class Plan:
    """How big and how busy the crowd is; all rates are of the whole crowd, in seconds."""

    url: str
    password: str
    viewers: int = 50
    buy_every: float = 20
    chat_every: float = 2.5
    hearts_every: float = 1.2
    sign_in_every: float = 0.35
    pin_every: float = 40
    host_rests: float = 180
    restock_every: float = 60
    ask_every: float = 40
    vote_every: float = 5
    answer_every: float = 50


@dataclass
class Show:
    """What the crowd sees of the show; every viewer's events go in, and twice does no harm."""

    piece_id: int | None = None
    host: str = ""
    pin: dict[str, Any] | None = None
    bag: dict[int, dict[str, Any]] = field(default_factory=dict)
    referral: str = ""
    pin_rev: int = -1
    # The newest lines, and the open questions with their votes.
    heard: deque[int] = field(default_factory=lambda: deque(maxlen=15))
    questions: dict[int, int] = field(default_factory=dict)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def open(self, state: dict[str, Any]) -> None:
        show = state["show"]
        if show["state"] != "live":
            self.shut()
            return
        if show["id"] != self.piece_id:
            self.pin_rev = -1
        self.piece_id, self.referral = show["id"], show["referral"]
        self.host = str(show["host"]).split()[0]
        self.bag = {product["id"]: product for product in state["bag"]}
        if state["rev"] >= self.pin_rev:
            self.pin, self.pin_rev = state["pin"], state["rev"]
        self.questions = {}
        for question in state["questions"]:
            self._note(question)
        self.opened.set()

    def shut(self) -> None:
        self.piece_id, self.pin, self.pin_rev, self.bag = None, None, -1, {}
        self.heard.clear()
        self.questions.clear()
        self.opened.clear()

    def apply(self, event: dict[str, Any]) -> None:
        match event["t"]:
            case "pinned" | "unpinned" if event["rev"] >= self.pin_rev:
                self.pin, self.pin_rev = event.get("pin"), event["rev"]
            case "bag_changed":
                self.bag = {product["id"]: product for product in event["products"]}
            case "stock":
                for sku in self.bag.get(event["product_id"], {}).get("skus", []):
                    if sku["id"] == event["sku_id"] and sku["rev"] <= event["rev"]:
                        sku["available"], sku["rev"] = event["available"], event["rev"]
            case "chat" if event["line"]["id"] not in self.heard:
                self.heard.append(event["line"]["id"])
            case "chat_deleted" if event["id"] in self.heard:
                self.heard.remove(event["id"])
            case "question":
                self._note(event["question"])
            case "show_ended" | "show_cancelled":
                self.shut()

    def _note(self, question: dict[str, Any]) -> None:
        if question["answered_at"] is None and not question["deleted"]:
            self.questions[question["id"]] = question["votes"]
        else:
            self.questions.pop(question["id"], None)

    @property
    def pinned_id(self) -> int | None:
        return self.pin["product_id"] if self.pin else None

    @property
    def pinned_title(self) -> str | None:
        product = self.bag.get(self.pinned_id or 0)
        return str(product["title"]) if product else None

    def to_buy(self, product_id: int) -> list[dict[str, Any]]:
        product = self.bag.get(product_id, {})
        return [sku for sku in product.get("skus", []) if sku["available"] > 0]


class Crowd:
    """Runs everybody until it is cancelled; one who fails comes back by themselves."""

    def __init__(self, plan: Plan, *, dice: random.Random) -> None:
        self.plan = plan
        self.dice = dice
        self.show = Show()
        self.talk = lines.Talk(dice)
        self.paid = self.said = self.bought = 0
        self._via = transport()
        self._here: dict[str, tuple[Visitor, ClientConnection]] = {}

    async def run(self) -> None:
        viewers = [self.visitor(f"crowd{n:02d}") for n in range(1, self.plan.viewers + 1)]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._find_shows(self.visitor("nobody")))
            for number, viewer in enumerate(viewers):
                tasks.create_task(self._stay(viewer, after=number * self.plan.sign_in_every))
            tasks.create_task(self._chat())
            tasks.create_task(self._ask())
            tasks.create_task(self._vote())
            tasks.create_task(self._like())
            tasks.create_task(self._shop())
            tasks.create_task(self._report())

    async def close(self) -> None:
        await self._via.aclose()

    def visitor(self, name: str) -> Visitor:
        return Visitor(
            url=self.plan.url,
            email=f"{name}@demo.example",
            password=self.plan.password,
            via=self._via,
        )

    async def pause(self, mean: float) -> None:
        """Wait as long as people do: often short, sometimes long."""
        await asyncio.sleep(min(self.dice.expovariate(1 / mean), 4 * mean))

    # --- Being there ----------------------------------------------------------------------

    async def _find_shows(self, guest: Visitor) -> None:
        """Look on the home page for a show that is live, while none is known."""
        while True:
            if not self.show.opened.is_set():
                with contextlib.suppress(*TROUBLE, ValueError, KeyError):
                    home = await guest.http.get("/")
                    for piece_id in dict.fromkeys(re.findall(r"/live/(\d+)/", home.text)):
                        answer = await guest.http.get(f"/live/{piece_id}/snapshot.json")
                        found = _state(answer)
                        if found is not None and found["show"]["state"] == "live":
                            self.show.open(found)
                            log.info("the crowd goes to show %s", piece_id)
                            break
            await asyncio.sleep(5)

    async def _stay(self, viewer: Visitor, *, after: float) -> None:
        """Keep one viewer in the show: sign in, watch, and come back when the line breaks."""
        await asyncio.sleep(after)
        failures = 0
        while True:
            await self.show.opened.wait()
            try:
                if not viewer.is_signed_in:
                    await viewer.sign_in()
                await self.watch(viewer, lambda: None)
                failures = 0
            except TROUBLE as error:
                failures += 1
                if failures > 3:
                    # Perhaps the session is gone: sign in anew.
                    viewer.http.cookies.clear()
                log.info("%s: %s", viewer.email, error or type(error).__name__)
            # Full jitter, so that a restarted site is not stormed.
            await asyncio.sleep(self.dice.uniform(0.3, min(30, 2 ** (failures + 1))))

    async def watch(self, viewer: Visitor, heard: Callable[[], object]) -> None:
        """Sit in the show that is on until it ends; the page says that it is looked at."""
        piece_id = self.show.piece_id
        if piece_id is None:
            return
        async with viewer.socket(piece_id) as socket:
            await say(socket, {"t": "resume", "rooms": {}})
            self._here[viewer.email] = (viewer, socket)
            looking = asyncio.create_task(_look(socket))
            try:
                async for text in socket:
                    self._hear(piece_id, text)
                    heard()
                    if self.show.piece_id != piece_id:
                        return
            finally:
                looking.cancel()
                self._here.pop(viewer.email, None)

    def _hear(self, piece_id: int, text: str | bytes) -> None:
        message = decode(text)
        if message.get("t") == "snapshot" and message["room"] == "live":
            self.show.open(message["state"])
        elif message.get("t") == "error":
            log.info("refused: %s %s", message["code"], message["text"])
        elif message.get("room") == "live" and self.show.piece_id == piece_id:
            for event in message.get("events", ()):
                self.show.apply(event)

    # --- What they do ---------------------------------------------------------------------

    def _somebody(self) -> tuple[Visitor, ClientConnection] | None:
        crowd = [one for email, one in self._here.items() if email.startswith("crowd")]
        return self.dice.choice(crowd) if crowd and self.show.piece_id else None

    def socket_of(self, viewer: Visitor) -> ClientConnection | None:
        here = self._here.get(viewer.email)
        return here[1] if here else None

    async def speak(
        self, who: tuple[Visitor, ClientConnection], line: str, *, reply_to: int | None = None
    ) -> None:
        sent = {"t": "chat", "client_id": str(uuid.uuid4()), "body": line, "reply_to": reply_to}
        with contextlib.suppress(*TROUBLE):
            await say(who[1], sent)
            self.said += 1

    async def _chat(self) -> None:
        while True:
            await self.pause(self.plan.chat_every)
            who = self._somebody()
            if who is None:
                continue
            if self.show.heard and self.dice.random() < 0.15:
                line = self.talk.say(lines.ANSWER, product=None, host=self.show.host)
                await self.speak(who, line, reply_to=self.dice.choice(self.show.heard))
            else:
                line = self.talk.idle(product=self.show.pinned_title, host=self.show.host)
                await self.speak(who, line)

    async def _ask(self) -> None:
        while True:
            await self.pause(self.plan.ask_every)
            who = self._somebody()
            if who is None:
                continue
            body = self.talk.say(lines.ASK, product=self.show.pinned_title, host=self.show.host)
            sent = {"t": "ask", "client_id": str(uuid.uuid4()), "body": body}
            with contextlib.suppress(*TROUBLE):
                await say(who[1], sent | {"product_id": self.show.pinned_id})

    async def _vote(self) -> None:
        while True:
            await self.pause(self.plan.vote_every)
            who = self._somebody()
            if who is not None and self.show.questions:
                question = self.dice.choice(list(self.show.questions))
                with contextlib.suppress(*TROUBLE):
                    await say(who[1], {"t": "vote", "question_id": question})

    async def _like(self) -> None:
        while True:
            await self.pause(self.plan.hearts_every)
            who = self._somebody()
            if who is not None:
                with contextlib.suppress(*TROUBLE):
                    await say(who[1], {"t": "heart", "count": self.dice.choice((1, 1, 2, 3, 5))})

    async def _shop(self) -> None:
        async with asyncio.TaskGroup() as baskets:
            while True:
                await self.pause(self.plan.buy_every)
                who = self._somebody()
                if who is not None:
                    baskets.create_task(self._quietly(self._buy(who)))

    async def _quietly(self, doing: Coroutine[Any, Any, None]) -> None:
        try:
            await doing
        except (*TROUBLE, ValueError, KeyError) as error:
            log.info("a purchase came to nothing: %s", error or type(error).__name__)

    async def _buy(self, who: tuple[Visitor, ClientConnection]) -> None:
        """Buy what is pinned, or now and then something else from the bag."""
        viewer, piece_id = who[0], self.show.piece_id
        in_stock = [product for product in self.show.bag if self.show.to_buy(product)]
        if not in_stock or piece_id is None:
            return
        product_id, referral = self.dice.choice(in_stock), self.show.referral
        if self.show.pin and self.show.pinned_id in in_stock and self.dice.random() < 0.75:
            product_id, referral = self.show.pin["product_id"], self.show.pin["referral"]
        title = str(self.show.bag[product_id]["title"])
        sku = self.dice.choice(self.show.to_buy(product_id))
        await viewer.post(f"/live/{piece_id}/click/", {"product": product_id})
        await asyncio.sleep(self.dice.uniform(1, 3))
        card = self.dice.choices(list(CARDS), list(CARDS.values()))[0]
        number = await viewer.buy(sku_id=sku["id"], referral=referral, card=card)
        if number is None:
            return
        self.bought += 1
        if card in ("tok_success", "tok_delay"):
            self.paid += 1
        elif self.dice.random() < 0.6:
            # Looks for the other card.
            await asyncio.sleep(self.dice.uniform(4, 9))
            self.paid += await viewer.pay_again(number, card="tok_success")
        else:
            await viewer.post(f"/orders/{number}/cancel/", {})
            return
        if self.dice.random() < 0.35:
            line = self.talk.say(lines.BUY, product=title, host=self.show.host)
            await self.speak(who, line)

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(60)
            log.info(
                "%s in the show; %s lines said, %s orders placed, %s paid",
                len(self._here),
                self.said,
                self.bought,
                self.paid,
            )


async def _look(socket: ClientConnection) -> None:
    """Say that the page is visible, as often as counts for a view."""
    with contextlib.suppress(*TROUBLE):
        for _ in range(3):
            await say(socket, {"t": "watching"})
            await asyncio.sleep(4)


def _state(answer: httpx.Response) -> dict[str, Any] | None:
    if answer.status_code != 200:
        return None
    for snapshot in answer.json()["snapshots"]:
        if snapshot["room"] == "live":
            state: dict[str, Any] = snapshot["state"]
            return state
    return None
