"""Many ask at once, and one question is asked."""

import asyncio
import threading

import pytest

from creators.stage.gathering import Gathering


class Loads:
    """What is loaded, while somebody else decides when it is done."""

    def __init__(self):
        self.keys = []
        self.may_end = threading.Event()

    def __call__(self, keys):
        self.keys.append(keys)
        assert self.may_end.wait(5)
        if "bad" in keys:
            raise LookupError("bad")
        return {key: key.upper() for key in keys if key != "unknown"}


async def begun(*tasks):
    found = [asyncio.ensure_future(task) for task in tasks]
    await asyncio.sleep(0)
    return found


async def test_who_waits_goes_together_and_never_gets_what_was_read_before():
    loads = Loads()
    asking = Gathering(loads, at_most=2)
    [first] = await begun(asking.one("a"))
    later = await begun(*(asking.one(key) for key in ("a", "b", "unknown", "a")))
    loads.may_end.set()

    assert await first == "A"
    assert await asyncio.gather(*later) == ["A", "B", None, "A"]
    assert loads.keys == [["a"], ["a", "b"], ["unknown"]]


async def test_who_has_left_is_not_asked_for():
    loads = Loads()
    asking = Gathering(loads)
    [first] = await begun(asking.one("a"))
    gone, still = await begun(asking.one("b"), asking.one("c"))
    gone.cancel()
    await asyncio.sleep(0)
    loads.may_end.set()

    assert (await first, await still) == ("A", "C")
    assert loads.keys == [["a"], ["c"]]


async def test_an_error_is_told_to_those_who_were_in_it_and_to_no_others():
    loads = Loads()
    asking = Gathering(loads)
    [first] = await begun(asking.one("a"))
    failing = await begun(asking.one("bad"), asking.one("b"))
    loads.may_end.set()

    assert await first == "A"
    for one in failing:
        with pytest.raises(LookupError):
            await one
    assert await asking.one("b") == "B"
