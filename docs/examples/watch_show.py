"""Prints a show's events: python docs/examples/watch_show.py http://127.0.0.1:8000 7"""

import asyncio
import json
import random
import sys

from websockets.asyncio.client import connect  # pip install websockets
from websockets.exceptions import ConnectionClosed, InvalidHandshake

NEVER_AGAIN = {4403: "a moderator removed you", 4404: "there is no such show"}


class Watcher:
    def __init__(self, site: str, show: str) -> None:
        self.site, self.url = site, f"{site.replace('http', 'ws', 1)}/ws/live/{show}/"
        self.have: dict[str, dict] = {}  # room -> the epoch and seq where we stand

    async def run(self) -> None:
        failures = 0
        while (code := await self.follow()) not in NEVER_AGAIN:
            failures = 1 if self.was_told else failures + 1
            wait = random.uniform(0, min(20, 0.5 * 2**failures))  # so not all come at once
            await asyncio.sleep(wait + 60 * (code in {4409, 4429}))
        print("over:", NEVER_AGAIN[code])

    async def follow(self) -> int | None:
        self.was_told, must_ask = False, True
        try:
            async with connect(self.url, origin=self.site) as socket:
                while True:
                    if must_ask:  # for what came after our positions, or for snapshots
                        await socket.send(json.dumps({"t": "resume", "rooms": self.have}))
                    try:
                        must_ask = self.take(json.loads(await asyncio.wait_for(socket.recv(), 25)))
                    except TimeoutError:
                        await socket.send('{"t": "ping"}')
        except (ConnectionClosed, InvalidHandshake, OSError) as error:
            return getattr(getattr(error, "rcvd", None), "code", None)

    def take(self, message: dict) -> bool:
        self.was_told, room = True, message.get("room")
        epoch, seq = self.have.get(room, {"epoch": "", "seq": 0}).values()
        if "events" not in message:
            print(json.dumps(message), flush=True)
            if message["t"] == "snapshot" and message["epoch"]:
                self.have[room] = {"epoch": message["epoch"], "seq": message["seq"]}
            if message["t"] == "resync":
                self.have.pop(room, None)
            return message["t"] == "resync"
        if message["epoch"] != epoch or message["from"] > seq + 1:
            return True  # something is missing
        for event in message["events"]:
            if event["seq"] > seq:
                print(room, json.dumps(event), flush=True)
        self.have[room] = {"epoch": epoch, "seq": max(seq, message["seq"])}
        return False


asyncio.run(Watcher(*sys.argv[1:]).run())
