"""Where a client is: the other end of its connection, or what our own proxy says of it."""

from shops.facts.proxies import is_proxy


def address_of(peer: str, forwarded: str) -> str:
    """Find a client's address, given the connection's peer and its X-Forwarded-For ("" for none).

    Each proxy adds whom it heard it from at the end; the last one that is not ours is believed.
    """
    if not forwarded or not is_proxy(peer):
        return peer
    for named in reversed(forwarded.split(",")):
        peer = named.strip()
        if not is_proxy(peer):
            break
    return peer
