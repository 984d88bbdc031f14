"""Price carts, count the uses of vouchers, and keep what sellers set."""

from shops.pricing.services.deals import BadDeal, end_deal, save_deal
from shops.pricing.services.quoting import Rules, ToPrice, price_cart, rules_for
from shops.pricing.services.shipping import RateFields, TooManyMethods, save_method
from shops.pricing.services.vouchers import (
    BadVoucher,
    VoucherRefused,
    VoucherUsedUp,
    end_voucher,
    give_vouchers_back,
    save_voucher,
    use_vouchers,
    use_vouchers_again,
)

__all__ = [
    "BadDeal",
    "BadVoucher",
    "RateFields",
    "Rules",
    "ToPrice",
    "TooManyMethods",
    "VoucherRefused",
    "VoucherUsedUp",
    "end_deal",
    "end_voucher",
    "give_vouchers_back",
    "price_cart",
    "rules_for",
    "save_deal",
    "save_method",
    "save_voucher",
    "use_vouchers",
    "use_vouchers_again",
]
