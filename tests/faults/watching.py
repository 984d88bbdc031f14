"""Viewers and writers of a show, with what a page's own script does about loss."""

import asyncio
import contextlib
import json
import random
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, WebSocketException


class Watcher:
    """Keeps a show's chat and stock as a page does: snapshots, frames, resume where it was.

    Without `checks_epoch` it believes any frame whose numbers fit: the control.
    """

    def __init__(self, site, piece_id, *, cookie="", checks_epoch=True):
        self.address = f"{site.url.replace('http', 'ws', 1)}/ws/live/{piece_id}/"
        self.origin = site.url
        self.cookie = cookie
        self.checks_epoch = checks_epoch
        self.position = None
        self.lines = {}
        self.stock = {}
        self.unsaid = {}
        self.is_live = False
        # How it came to what it knows.
        self.snapshots = self.returns = self.frames = self.repeated = 0
        self._socket = None

    async def run(self):
        """Stay connected until cancelled."""
        while True:
            with contextlib.suppress(OSError, WebSocketException, InvalidHandshake, TimeoutError):
                headers = {"Cookie": self.cookie} if self.cookie else {}
                async with connect(
                    self.address, origin=self.origin, additional_headers=headers, compression=None
                ) as self._socket:
                    await self._resume()
                    for said in list(self.unsaid.values()):
                        await self._say(said)
                    async for text in self._socket:
                        await self._take(json.loads(text))
            self._socket, self.is_live = None, False
            self.returns += 1
            await asyncio.sleep(random.uniform(0, 0.5))

    async def write(self, body):
        """Say a line until it is acknowledged, however often the line breaks."""
        said = {"t": "chat", "client_id": str(uuid4()), "body": body}
        self.unsaid[said["client_id"]] = said
        await self._say(said)

    async def _say(self, message):
        if self._socket is not None:
            with contextlib.suppress(WebSocketException):
                await self._socket.send(json.dumps(message))

    async def _resume(self):
        rooms = {} if self.position is None else {"live": self.position}
        await self._say({"t": "resume", "rooms": rooms})

    async def _take(self, message):
        if "events" in message:
            if message["room"] == "live":
                await self._frame(message)
            return
        match message["t"]:
            case "snapshot" if message["room"] == "live":
                self._snapshot(message)
            case "resync" if message["room"] == "live":
                self.position = None
                await self._resume()
            case "said":
                self.unsaid.pop(message["client_id"], None)
            case "notice" if message["kind"] == "live":
                # What could not be said while Valkey was away is said again.
                for said in list(self.unsaid.values()):
                    await self._say(said)

    def _snapshot(self, message):
        self.snapshots += 1
        state = message["state"]
        self.lines = {line["id"]: line["body"] for line in state["messages"]}
        for line in state["messages"]:
            self.unsaid.pop(line["client_id"], None)
        self.stock = {
            sku["id"]: (sku["rev"], sku["available"])
            for product in state["bag"]
            for sku in product["skus"]
        }
        if message["epoch"]:
            self.position = {"epoch": message["epoch"], "seq": message["seq"]}
            self.is_live = True

    async def _frame(self, frame):
        self.frames += 1
        position = self.position
        if position is None:
            return
        is_other = self.checks_epoch and frame["epoch"] != position["epoch"]
        if is_other or frame["from"] > position["seq"] + 1:
            await self._resume()
            return
        if frame["seq"] <= position["seq"]:
            return
        for event in frame["events"]:
            if event["seq"] > position["seq"]:
                self._apply(event)
        self.position = {"epoch": frame["epoch"], "seq": frame["seq"]}
        self.is_live = True

    def _apply(self, event):
        if event["t"] == "chat":
            line = event["line"]
            self.unsaid.pop(line["client_id"], None)
            self.repeated += line["id"] in self.lines
            self.lines[line["id"]] = line["body"]
        elif event["t"] == "stock":
            rev, _ = self.stock.get(event["sku_id"], (-1, 0))
            if event["rev"] > rev:
                self.stock[event["sku_id"]] = event["rev"], event["available"]
