"""Tracking numbers are read as people type them, and refused when no parcel can have them."""

import pytest

from shops.orders.carriers import CARRIERS, BadTracking, checked, follow_url, name_of


@pytest.mark.parametrize(
    ("carrier", "typed", "number"),
    [
        ("ups", "1z 999 aa1-0123456784", "1Z999AA10123456784"),
        ("dhl", "0034 0434 1234 5678 90", "003404341234567890"),
        ("royal_mail", "RB 473124829 GB", "RB473124829GB"),
        ("other", "my.box.7", "MYBOX7"),
    ],
)
def test_spaces_dashes_and_small_letters_do_not_matter(carrier, typed, number):
    assert checked(carrier, typed) == number


@pytest.mark.parametrize(
    ("carrier", "typed"),
    [
        ("ups", "999AA10123456784"),
        ("ups", ""),
        ("usps", "RB473124828GB"),  # the check digit is 9
        ("fedex", "１２３４５６７８９０１２"),
        ("other", "x" * 41),
        ("other", "<script>"),
        ("pigeon", "123456"),
    ],
)
def test_what_is_no_number_of_the_carrier_is_refused(carrier, typed):
    with pytest.raises(BadTracking):
        checked(carrier, typed)


def test_every_carrier_has_a_name_and_its_links_hold_the_number():
    for key, carrier in CARRIERS.items():
        assert name_of(key) == str(carrier.name)
        assert not carrier.follow or follow_url(key, "A&B").endswith("A%26B")
    assert (name_of("gone"), follow_url("gone", "1"), follow_url("dpd", "1")) == ("gone", "", "")
