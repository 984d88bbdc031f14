"""Orders as they are written down."""

from shops.orders import services


def place_one(**fields):
    """Write down what one buyer buys; returns the purchase."""
    [placed] = services.place([services.ToPlace(**fields)])
    return placed.purchase
