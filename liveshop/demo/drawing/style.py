"""What all pictures share: few flat colours, a glow behind, a shadow below, light from the left."""

from typing import Final

# Named in the drawings as {name}.
COLOURS: Final = {
    "ink": "#2b1826",
    "paper": "#fffaf2",
    "cream": "#f6ead8",
    "sand": "#e3cba8",
    "wood": "#b9824f",
    "bark": "#7c5233",
    "clay": "#c4673f",
    "rust": "#a44a2a",
    "red": "#d6452b",
    "rose": "#eba79c",
    "blush": "#f8ddd2",
    "gold": "#f4b13a",
    "honey": "#d98a1f",
    "lemon": "#f7d95c",
    "leaf": "#4f8a5b",
    "pine": "#2c5a47",
    "sage": "#a9c4a4",
    "mint": "#dcebd9",
    "sky": "#a8cfdf",
    "sea": "#3f7f96",
    "night": "#27405a",
    "mist": "#dfeaf0",
    "plum": "#6d3b5e",
    "lilac": "#d9c3dc",
    "steel": "#8a979e",
    "white": "#ffffff",
}


def product(ground: str, glow: str, art: str, *, shadow: int = 105) -> str:
    """Draw a product on a coloured ground; `shadow` is half the width of its shadow."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        f'<rect width="400" height="400" fill="{{{ground}}}"/>'
        f'<circle cx="200" cy="186" r="150" fill="{{{glow}}}"/>'
        f'<ellipse cx="200" cy="342" rx="{shadow}" ry="13" fill="{{ink}}" opacity=".16"/>'
        f"{art}</svg>"
    ).format(**COLOURS)


def free(width: int, height: int, art: str) -> str:
    """Draw anything else, without the ground of a product."""
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
    return opening + art.format(**COLOURS) + "</svg>"


def leaf(x: int, y: int, turn: int, size: float = 1, colour: str = "leaf") -> str:
    """A leaf that grows from (x, y); `turn` in degrees, 0 points up."""
    return (
        f'<g transform="translate({x} {y}) rotate({turn}) scale({size})">'
        f'<path d="M0 0C-26-20-22-58 0-80 22-58 26-20 0 0" fill="{{{colour}}}"/>'
        '<path d="M0-2V-66" stroke="{ink}" stroke-opacity=".25" stroke-width="2.5"/></g>'
    )


def petals(x: int, y: int, count: int, size: float, colour: str) -> str:
    """A round flower around (x, y)."""
    step = 360 / count
    blades = "".join(
        f'<ellipse cy="-22" rx="11" ry="20" transform="rotate({step * number:.0f})"/>'
        for number in range(count)
    )
    return f'<g transform="translate({x} {y}) scale({size})" fill="{{{colour}}}">{blades}</g>'


def shine(path: str, opacity: float = 0.35) -> str:
    """The light on the left of a thing, along a path."""
    return (
        f'<path d="{path}" fill="none" stroke="{{white}}" stroke-opacity="{opacity}" '
        'stroke-width="9" stroke-linecap="round"/>'
    )
