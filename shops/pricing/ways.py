"""How shops send to countries, of rows that were read for several of each."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from shops.pricing.calculation import Option


class Ways:
    """The ways in which shops send, worked out once per shop and country."""

    def __init__(self, rows: Iterable[Any]) -> None:
        # By shop, its methods in their order, each with its rates by country.
        self._methods: dict[int, dict[int, tuple[Any, dict[str, Any]]]] = {}
        self._options: dict[tuple[int, str], list[Option]] = {}
        for shop_id, pk, *method, country, base, per_item, free_from in rows:
            own = self._methods.setdefault(shop_id, {})
            rates = own.setdefault(pk, (method, {}))[1]
            if country is not None:
                rates[country] = (base, per_item, free_from)

    def of(self, shop_id: int, *, country: str) -> list[Option]:
        """List how a shop sends to a country, in its own order.

        A shop that has set up nothing sends everywhere for free; one that has no rate for the
        country does not send there.
        """
        if shop_id not in self._methods:
            # In the words of whoever asks.
            return [Option(None, _("Standard"), 2, 5)]
        found = self._options.get((shop_id, country))
        if found is None:
            found = self._options[shop_id, country] = list(self._to(country, shop_id))
        return found

    def _to(self, country: str, shop_id: int) -> Iterable[Option]:
        for pk, ((name, days_min, days_max, is_active), rates) in self._methods[shop_id].items():
            # The country's own rate comes before that of everywhere else.
            rate = rates.get(country, rates.get(""))
            if is_active and rate is not None:
                yield Option(pk, name, days_min, days_max, *rate)
