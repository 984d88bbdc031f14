"""The demo's studio: where bob stands while his show is on; the moving picture is made of these.

Phones that are longer than 9:16 cut off about 65 at both sides, and a page lays its own things over
the top 130 and the lower half: what matters lies between.
"""

from dataclasses import dataclass
from typing import Final

from liveshop.demo.drawing.style import COLOURS, free, leaf, shine

WIDTH: Final = 720
HEIGHT: Final = 1280


@dataclass(frozen=True)
class Theme:
    """The colours of a room, by their names in `style`."""

    wall: str
    glow: str
    table: str
    edge: str


# By the show's poster.
THEMES: Final = {
    "table-for-eight": Theme(wall="gold", glow="cream", table="pine", edge="leaf"),
    "slow-evening": Theme(wall="plum", glow="rose", table="bark", edge="wood"),
    "wardrobe-of-clouds": Theme(wall="sea", glow="mist", table="night", edge="sea"),
    "balcony-harvest": Theme(wall="sky", glow="lemon", table="clay", edge="rust"),
}
PLAIN: Final = Theme(wall="mist", glow="cream", table="bark", edge="wood")

# How high the string of lights is fixed.
_ROPE: Final = 96
_SHELF: Final = (
    '<g transform="translate(44 -48)">'
    '<path d="M36 440h190v14H36Z" fill="{bark}"/><path d="M62 454v30m138-30v30" stroke="{bark}"'
    ' stroke-width="10"/>'
    '<path d="M58 352h26v88H58Z" fill="{red}"/><path d="M84 366h22v74H84Z" fill="{night}"/>'
    '<path d="m110 440 14-84 24 6-14 78Z" fill="{sage}"/>'
    '<path d="M166 386h44c-2 14 8 20 4 36-2 12-8 18-14 18h-24c-6 0-12-6-14-18-4-16 6-22 4-36Z"'
    ' fill="{sea}"/></g>'
)
_PLANT: Final = (
    leaf(640, 770, -46, 2.2, "leaf")
    + leaf(640, 770, 40, 2.1, "leaf")
    + leaf(640, 770, -20, 2.9, "pine")
    + leaf(640, 770, 16, 3.1, "pine")
    + leaf(640, 770, -2, 3.5, "leaf")
    + '<path d="M584 764h112l-16 106h-80Z" fill="{clay}"/><path d="M576 752h128v34H576Z"'
    ' fill="{rust}"/>'
)
_CUP: Final = (
    '<path d="M92 812h92v44q0 34-46 34t-46-34Z" fill="{paper}"/>'
    '<path d="M184 824q34-2 30 24t-38 24" fill="none" stroke="{paper}" stroke-width="10"/>'
    '<ellipse cx="138" cy="812" rx="46" ry="10" fill="{bark}"/>' + shine("M106 830v24")
)


def room(theme: Theme) -> str:
    """Draw the wall and what stands at it; the host comes before it, the table before the host."""
    lights = "".join(
        f'<path d="M{x} {y}v12" stroke="{{ink}}" stroke-width="4"/>'
        for x, y in zip(range(30, 720, 66), _rope(range(30, 720, 66)), strict=True)
    )
    wall = (
        f'<rect width="720" height="1280" fill="{{{theme.wall}}}"/>'
        f'<circle cx="330" cy="560" r="330" fill="{{{theme.glow}}}"/>'
        f'<path d="M0 {_ROPE}Q360 {_ROPE + 104} 720 {_ROPE}" fill="none"'
        ' stroke="{ink}" stroke-width="4"/>'
    )
    return free(WIDTH, HEIGHT, wall + lights + _SHELF + _PLANT)


def table(theme: Theme) -> str:
    """Draw the table and a cup on it, on nothing."""
    wood = (
        f'<rect y="880" width="720" height="400" fill="{{{theme.table}}}"/>'
        f'<rect y="880" width="720" height="22" fill="{{{theme.edge}}}"/>'
        '<path d="M0 1010h720M0 1130h720" stroke="{ink}" stroke-opacity=".14" stroke-width="6"/>'
    )
    return free(WIDTH, HEIGHT, wood + _CUP)


def bulbs() -> list[tuple[int, int]]:
    """Say where the bulbs of the string of lights hang, by their middle."""
    xs = range(30, 720, 66)
    return [(x, y + 24) for x, y in zip(xs, _rope(xs), strict=True)]


def _rope(xs: range) -> list[int]:
    # The quadratic curve of the rope, for which x is even in its parameter.
    return [round(_ROPE + 2 * 104 * (x / WIDTH) * (1 - x / WIDTH)) for x in xs]


def bulb(*, is_bright: bool) -> str:
    glow = '<circle cx="24" cy="24" r="23" fill="{lemon}" opacity=".45"/>' if is_bright else ""
    colour = "paper" if is_bright else "lemon"
    return free(48, 48, glow + f'<circle cx="24" cy="24" r="12" fill="{{{colour}}}"/>')


def steam(lean: int) -> str:
    """Draw the steam over the cup, leaning to one side or the other."""
    return free(
        100,
        120,
        f'<path d="M30 116C{30 - lean} 86 {30 + lean} 60 30 20M66 116C{66 - lean} 90 {66 + lean}'
        ' 64 66 34" fill="none" stroke="{paper}" stroke-opacity=".75" stroke-width="9"'
        ' stroke-linecap="round"/>',
    )


def speck() -> str:
    """Draw a speck of light that floats through the room."""
    return free(24, 24, '<circle cx="12" cy="12" r="10" fill="{paper}" opacity=".5"/>')


def host(*, eyes_open: bool, mouth: str) -> str:
    """Draw bob down to the belt, 440 × 560; `mouth` is "smile", "half" or "open"."""
    eyes = (
        '<circle cx="190" cy="200" r="9"/><circle cx="250" cy="200" r="9"/>'
        if eyes_open
        else '<path d="M178 200h24m36 0h24" stroke="{ink}" stroke-width="7"'
        ' stroke-linecap="round"/>'
    )
    mouths = {
        "smile": '<path d="M192 244q28 22 56 0Z" fill="{paper}"/>',
        "half": '<ellipse cx="220" cy="250" rx="20" ry="10" fill="{rust}"/>',
        "open": '<ellipse cx="220" cy="252" rx="22" ry="18" fill="{rust}"/>'
        '<path d="M204 244h32v8h-32Z" fill="{paper}"/>',
    }
    return free(
        440,
        560,
        '<path d="M30 560c0-150 70-220 190-220s190 70 190 220Z" fill="{leaf}"/>'
        '<path d="M184 262h72v74q-36 44-72 0Z" fill="{sand}"/>'
        '<g fill="{ink}"><circle cx="146" cy="142" r="42"/><circle cx="188" cy="106" r="46"/>'
        '<circle cx="252" cy="106" r="46"/><circle cx="294" cy="142" r="42"/>'
        '<circle cx="220" cy="90" r="40"/></g>'
        '<ellipse cx="220" cy="204" rx="84" ry="98" fill="{sand}"/>'
        '<path d="M134 206c0 158 172 158 172 0-8 36-36 30-86 30s-78 6-86-30Z" fill="{ink}"/>'
        '<g fill="{red}" opacity=".28"><circle cx="164" cy="220" r="16"/>'
        '<circle cx="276" cy="220" r="16"/></g>'
        f'<g fill="{{ink}}">{eyes}</g>{mouths[mouth]}'
        '<path d="M150 352v208m140-208v208" stroke="{cream}" stroke-width="16"/>'
        '<path d="M138 440h164v120H138Z" fill="{pine}"/>'
        '<path d="M186 470h68v50q0 14-14 14h-40q-14 0-14-14Z" fill="none" stroke="{cream}"'
        ' stroke-width="5"/>',
    )


def parcel() -> str:
    """Draw what stands for a product whose own picture is not ours to draw."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400">'
        '<rect width="400" height="400" fill="{cream}"/>'
        '<path d="M90 150h220v170H90Z" fill="{wood}"/><path d="M76 118h248v44H76Z" fill="{bark}"/>'
        '<path d="M182 118h36v202h-36Z" fill="{red}"/>'
        '<path d="M200 118c-70-80-110-10 0 0 110-10 70-80 0 0Z" fill="{red}"/></svg>'
    ).format(**COLOURS)
