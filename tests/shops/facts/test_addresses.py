"""Where a client is: only our own proxies are believed."""

import pytest

from shops.facts.addresses import address_of

OURS = ["10.0.0.0/8", "fd00::/8"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"),
        ("fd00::1", "203.0.113.9,10.2.2.2", "203.0.113.9"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.3.3.3, 10.2.2.2", "10.3.3.3"),
        ("10.0.0.1", "nonsense", "nonsense"),
        # By a socket of both kinds.
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
        # With ports.
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9, 10.2.2.2:80", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8:1:2:3:4:5:6]:4711", "2001:db8:1:2::/64"),
        # Who has one address of IPv6 has very many.
        ("2001:db8:1:2::1", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "", "2001:db8:1:3::/64"),
        ("", "203.0.113.9", ""),
    ],
)
def test_the_last_one_that_is_not_ours_is_believed(settings, peer, forwarded, address):
    settings.TRUSTED_PROXIES = OURS

    assert address_of(peer, forwarded) == address


def test_without_proxies_of_ours_nobody_is_believed():
    assert address_of("10.0.0.1", "203.0.113.9") == "10.0.0.1"
