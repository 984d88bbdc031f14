"""Which neighbours are our own proxies: what only they may say of a client is believed of them."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings


@lru_cache(maxsize=8)
def _networks(named: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name, strict=False) for name in named)


def is_proxy(address: str) -> bool:
    """Tell whether the other end of a connection is one of TRUSTED_PROXIES."""
    try:
        neighbour = ip_address(address)
    except ValueError:
        return False
    return any(neighbour in network for network in _networks(tuple(settings.TRUSTED_PROXIES)))
