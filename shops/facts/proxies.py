"""Which neighbours are our own proxies: what only they may say of a client is believed of them."""

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.conf import settings


@lru_cache(maxsize=8)
def _networks(named: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name, strict=False) for name in named)


def ip_of(address: str) -> IPv4Address | IPv6Address | None:
    """Read an address; one of IPv4 that came by a socket of both kinds is one of IPv4."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return found if found.version == 4 else found.ipv4_mapped or found


def is_proxy(address: str) -> bool:
    """Tell whether the other end of a connection is one of TRUSTED_PROXIES."""
    neighbour = ip_of(address)
    return neighbour is not None and any(
        neighbour in network for network in _networks(tuple(settings.TRUSTED_PROXIES))
    )
