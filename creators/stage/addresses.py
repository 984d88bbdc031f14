"""Where a client is; the rule is everybody's."""

from shops.facts.addresses import address_of as address_of
