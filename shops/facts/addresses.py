"""Where a client is: the other end of its connection, or what our own proxy says of it."""

import re
from ipaddress import IPv6Network
from typing import Final

from shops.facts.proxies import ip_of, is_proxy

# Some proxies name the port, too: "192.0.2.1:5678", "[2001:db8::1]:5678".
_WITH_PORT: Final = re.compile(r"([0-9.]+|\[([0-9A-Fa-f:.]+)\])(:\d+)?")
_MOST_CHARACTERS: Final = 64


def address_of(peer: str, forwarded: str) -> str:
    """Find a client's address, given the connection's peer and its X-Forwarded-For ("" for none).

    Each proxy adds whom it heard it from at the end; the last one that is not ours is believed.
    An IPv6 client is its network of 64 bits: all of those are given to one.
    """
    if forwarded and is_proxy(peer):
        for named in reversed(forwarded.split(",")):
            peer = _without_port(named.strip())
            if not is_proxy(peer):
                break
    known = ip_of(peer)
    if known is None:
        return peer[:_MOST_CHARACTERS]
    return str(known) if known.version == 4 else str(IPv6Network((int(known), 64), strict=False))


def _without_port(named: str) -> str:
    found = _WITH_PORT.fullmatch(named)
    return named if found is None else found[2] or found[1]
