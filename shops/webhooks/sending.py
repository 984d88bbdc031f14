"""Send one signed request to an address that somebody else chose, and to nothing of ours.

Names are resolved here, every address is checked, and the connection goes to the one that was
checked: between the check and the connection a name can't be given another address. TLS is still
checked against the name. Redirects are not followed.
"""

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from socket import SOCK_STREAM, gaierror
from typing import Final
from urllib.parse import urlsplit

import certifi
import httpcore
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Invalid

# For the whole request: who drips an answer byte by byte is cut off, too.
TIMEOUT_SECONDS: Final = 10.0
# Of an answer's body, this much is read and kept.
KEPT_BYTES: Final = 1024
MOST_URL: Final = 2000
# What IPv6 wraps IPv4 in: the inner address could be anybody's.
_WRAPPED: Final = tuple(
    IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


class BadUrl(Invalid):
    code = "bad_webhook_url"
    message = _("Give an https:// address of a server on the internet, without a user name.")
    status = 422


class Forbidden(Exception):
    """A name leads to an address that must not be asked."""


@dataclass(frozen=True)
class Sent:
    """What came of a request; `status` 0 and an `error` when there was no answer."""

    status: int
    answer: str
    error: str
    milliseconds: int

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def checked_url(text: str) -> str:
    """Return an address that may be asked, as far as one can tell without resolving its name.

    :raises BadUrl: it is not http(s), names a user, has a fragment or a forbidden address
    """
    allows_loopback = settings.WEBHOOKS_ALLOW_LOOPBACK
    schemes = ("https", "http") if allows_loopback else ("https",)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise BadUrl from None
    host = parts.hostname or ""
    if (
        len(text) > MOST_URL
        or not text.isascii()
        or not text.isprintable()
        or " " in text
        or parts.scheme not in schemes
        or not host
        or parts.username is not None
        or parts.fragment
        or port == 0
    ):
        raise BadUrl
    if not allows_loopback and "." not in host and ":" not in host:
        raise BadUrl
    try:
        is_fine = may_be_asked(host)
    except ValueError:
        is_fine = True  # a name; its addresses are looked at whenever something is sent
    if not is_fine:
        raise BadUrl
    return text


def may_be_asked(address: str) -> bool:
    """Tell whether an address is one of the open internet (or of ours, where that is allowed).

    :raises ValueError: it is not an address
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return may_be_asked(str(found.ipv4_mapped))
        if any(found in network for network in _WRAPPED) or found.is_site_local:
            return False
    if found.is_loopback:
        return bool(settings.WEBHOOKS_ALLOW_LOOPBACK)
    return found.is_global and not found.is_multicast and not found.is_reserved


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to an address of a name only when all of them may be asked."""

    def __init__(self) -> None:
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(_is_fine(address) for address in addresses):
            raise Forbidden
        error: Exception = Forbidden()
        for address in addresses[:3]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        raise error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Forbidden

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def send(
    *, url: str, headers: Mapping[str, str], body: bytes, timeout: float = TIMEOUT_SECONDS
) -> Sent:
    """POST a body and read the beginning of the answer; never raises."""
    began = time.monotonic()

    def done(status: int = 0, answer: str = "", error: str = "") -> Sent:
        return Sent(status, answer, error, round((time.monotonic() - began) * 1000))

    try:
        checked_url(url)
        async with (
            asyncio.timeout(timeout),
            httpcore.AsyncConnectionPool(
                ssl_context=_tls(), network_backend=CheckedBackend()
            ) as pool,
            pool.stream("POST", url, headers=list(headers.items()), content=body) as response,
        ):
            return done(response.status, await _beginning(response))
    except (BadUrl, Forbidden):
        return done(error="This address must not be asked: it is not one of the open internet.")
    except (TimeoutError, httpcore.TimeoutException):
        return done(error=f"No answer within {timeout:g} seconds.")
    except gaierror:
        return done(error="The server's name is not known.")
    except (ssl.SSLError, httpcore.ConnectError) as error:
        return done(error=f"No connection: {error}"[:200])
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, ValueError) as error:
        return done(error=f"The connection broke off: {type(error).__name__}")


async def _beginning(response: httpcore.Response) -> str:
    read = b""
    async for chunk in response.aiter_stream():
        read += chunk
        if len(read) >= KEPT_BYTES:
            break
    # PostgreSQL stores no NUL.
    return read[:KEPT_BYTES].decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _is_fine(address: str) -> bool:
    try:
        return may_be_asked(address.partition("%")[0])
    except ValueError:
        return False


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())
