import pytest

from creators.pieces import referral


def test_a_referral_says_what_was_put_in():
    text = referral.make(12, 34, 56)
    assert referral.read(text) == referral.Referral(piece_id=12, creator_id=34, pin_id=56)


def test_a_sale_from_the_bag_has_no_pin():
    assert referral.read(referral.make(12, 34)) == referral.Referral(12, 34, None)


def test_lines_of_one_piece_share_a_prefix_that_no_other_piece_has():
    assert referral.make(12, 34, 56).startswith(referral.prefix(12))
    assert not referral.make(123, 34, 56).startswith(referral.prefix(12))


def test_a_referral_fits_an_order_line_with_the_largest_ids():
    largest = 2**63 - 1
    assert len(referral.make(largest, largest, largest)) <= referral.MAX_LENGTH


@pytest.mark.parametrize(
    "text",
    [
        "",
        "piece.12.34.56",
        "piece.12.34.56.forged",
        referral.make(12, 34, 56)[:-1],
        referral.make(12, 34, 56).replace("piece.12.", "piece.13.", 1),
        referral.make(12, 34, 56).replace(".34.", ".99.", 1),
        "x" * 10_000,
        "piece.\x00",
    ],
)
def test_what_was_altered_or_is_not_ours_is_nothing(text):
    assert referral.read(text) is None
