"""Where outgoing webhooks may go: the open internet, at the very address that was checked."""

import asyncio
import socket

import pytest

from shops.webhooks.sending import BadUrl, checked_url, may_be_asked, send


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "fec0::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_open_internet_are_refused(address):
    assert not may_be_asked(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111"])
def test_the_open_internet_may_be_asked(address):
    assert may_be_asked(address)


@pytest.mark.parametrize(
    "url",
    [
        "", "example.com", "http://example.com/", "ftp://example.com/", "https://", "https:///x",
        "https://user@example.com/", "https://user:word@example.com/", "https://localhost/",
        "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1:8443/x", "https://example.com/#x",
        "https://example.com:0/", "https://example.com:99999/", "https://exa mple.com/",
        "https://example.com/\n", "https://exämple.com/", "https://[", "file:///etc/passwd",
        "https://example.com/" + "x" * 2000, "https://intranet/",
    ],
)  # fmt: skip
def test_addresses_that_must_not_be_asked_are_refused_when_they_are_given(url):
    with pytest.raises(BadUrl):
        checked_url(url)


@pytest.mark.parametrize("url", ["https://example.com/", "https://hooks.example.com:8443/a?b=c"])
def test_addresses_on_the_internet_are_taken(url):
    assert checked_url(url) == url


def test_loopback_is_a_setting(settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    assert checked_url("http://127.0.0.1:8100/") == "http://127.0.0.1:8100/"
    with pytest.raises(BadUrl):
        checked_url("http://10.0.0.1/")


def _send(url, **options):
    return asyncio.run(send(url=url, headers={"x": "y"}, body=b"{}", **options))


def test_a_request_is_sent_and_its_answer_kept(server, settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    sent = _send(server.url)
    assert (sent.status, sent.answer, sent.error) == (200, "thanks", "")
    [(path, headers, body)] = server.got
    assert (path, headers["x"], body) == ("/hook", "y", b"{}")


def test_of_a_long_answer_the_first_kilobyte_is_kept(server, settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    server.answer = (500, {}, b"\0" + b"n" * 5_000_000)
    sent = _send(server.url)
    assert sent.status == 500
    assert sent.answer == "\N{REPLACEMENT CHARACTER}" + "n" * 1023


def test_redirects_are_not_followed(server, settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    server.answer = (302, {"Location": server.url + "/elsewhere"}, b"")
    assert _send(server.url).status == 302
    assert len(server.got) == 1


def test_a_name_that_leads_to_this_machine_is_not_asked(server, monkeypatch):
    """As with DNS that changes its mind: the name was fine when it was given."""
    _resolve(monkeypatch, "127.0.0.1")
    url = f"https://hooks.example.com:{server.server_port}/"
    assert checked_url(url)
    assert "must not be asked" in _send(url).error
    assert server.got == []


def test_a_name_with_one_forbidden_address_among_good_ones_is_not_asked(monkeypatch):
    _resolve(monkeypatch, "93.184.216.34", "10.0.0.1")
    assert "must not be asked" in _send("https://hooks.example.com/").error


def test_the_connection_goes_to_the_address_that_was_checked(server, settings, monkeypatch):
    """The control: without the check, the same name reaches the server."""
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    _resolve(monkeypatch, "127.0.0.1")
    assert _send(f"http://hooks.example.com:{server.server_port}/").status == 200
    [(_path, headers, _body)] = server.got
    assert headers["Host"].startswith("hooks.example.com")


def test_a_silent_server_is_given_up(settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sent = _send(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=0.05)
    assert (sent.status, sent.error) == (0, "No answer within 0.05 seconds.")


def test_nobody_at_an_address_is_no_crash(settings):
    settings.WEBHOOKS_ALLOW_LOOPBACK = True
    sent = _send("http://127.0.0.1:9/")
    assert sent.status == 0
    assert sent.error.startswith("No connection")


def _resolve(monkeypatch, *addresses):
    async def getaddrinfo(self, host, port, **options):
        assert host == "hooks.example.com"
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)
