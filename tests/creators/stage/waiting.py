"""Waiting for what a loop does by itself."""

import asyncio


async def until(true, *, seconds=5):
    """Wait for something to become true."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.01)
