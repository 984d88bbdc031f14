"""What Atelier Lumen sells."""

from typing import Final

from liveshop.demo.drawing.style import leaf, product, shine

_KNIT = "".join(
    f'<path d="M{x} 286v40" stroke="{{ink}}" stroke-opacity=".16" stroke-width="5"/>'
    for x in range(112, 300, 16)
)
_FRINGE = "".join(
    f'<path d="M{x} 300v30" stroke="{{cream}}" stroke-width="5"/>' for x in range(104, 300, 16)
)
_PEBBLES = "".join(
    f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{{{colour}}}"/>'
    for x, y, rx, ry, colour in (
        (130, 160, 30, 22, "clay"),
        (196, 142, 26, 18, "cream"),
        (262, 162, 34, 24, "sea"),
        (150, 222, 38, 26, "cream"),
        (222, 206, 24, 18, "gold"),
        (272, 232, 24, 18, "clay"),
        (128, 284, 26, 18, "gold"),
        (196, 280, 36, 24, "sea"),
        (264, 290, 28, 18, "cream"),
    )
)
_TICKS = "".join(
    f'<path d="M200 104v18" stroke="{{ink}}" stroke-width="6" stroke-linecap="round" '
    f'transform="rotate({turn} 200 200)"/>'
    for turn in range(0, 360, 30)
)

DRAWINGS: Final = {
    "plume-table-lamp": product(
        "blush",
        "paper",
        '<path d="M110 300 150 150h100l40 150Z" fill="{gold}" opacity=".28"/>'
        '<rect x="193" y="180" width="14" height="140" fill="{bark}"/>'
        '<path d="M150 340c0-18 22-26 50-26s50 8 50 26Z" fill="{ink}"/>'
        '<path d="M104 196c6-70 44-122 96-122s90 52 96 122Z" fill="{clay}"/>'
        '<path d="M104 196h192c0 14-43 22-96 22s-96-8-96-22Z" fill="{rust}"/>'
        '<ellipse cx="200" cy="204" rx="34" ry="9" fill="{lemon}"/>'
        + shine("M134 172c8-34 22-56 44-70"),
    ),
    "fig-and-smoke-candle": product(
        "plum",
        "lilac",
        '<path d="M200 88c-26 36-22 58 0 66 22-8 26-30 0-66Z" fill="{gold}"/>'
        '<path d="M200 118c-11 17-9 28 0 32 9-4 11-15 0-32Z" fill="{paper}"/>'
        '<rect x="197" y="150" width="6" height="26" rx="3" fill="{ink}"/>'
        '<path d="M122 176h156v142a24 24 0 0 1-24 24H146a24 24 0 0 1-24-24Z" fill="{cream}"/>'
        '<ellipse cx="200" cy="176" rx="78" ry="16" fill="{paper}"/>'
        '<rect x="122" y="226" width="156" height="66" fill="{ink}"/>'
        '<path d="M200 238c-16 10-22 22-16 36 8 8 24 8 32 0 6-14 0-26-16-36Z" fill="{rose}"/>'
        + shine("M140 200v108", 0.6),
    ),
    "onde-vase": product(
        "mist",
        "sky",
        leaf(196, 140, -24, 1.1, "pine")
        + leaf(204, 140, 20, 1.25, "leaf")
        + leaf(200, 140, -2, 1.4, "sage")
        + '<path d="M166 132h68c-6 30 14 40 30 66 30 50 12 110-28 144h-72c-40-34-58-94-28-144'
        ' 16-26 36-36 30-66Z" fill="{sea}"/>'
        '<path d="M134 212c44-20 88 20 132 0m-142 44c50-22 102 22 152 0m-146 42c46-20 94 20 140 0"'
        ' fill="none" stroke="{paper}" stroke-width="8" stroke-linecap="round"/>'
        + shine("M152 204c-14 26-16 52-8 82"),
    ),
    "brume-wool-throw": product(
        "cream",
        "sand",
        '<path d="M92 150q0-24 24-24h176q16 0 16 20v154H92Z" fill="{night}"/>'
        '<path d="M92 150q0-24 24-24t24 24v30H92Z" fill="{sea}"/>'
        '<path d="M92 206h216v24H92Zm0 48h216v12H92Z" fill="{rose}"/>'
        '<path d="M160 126v174m70-174v174" stroke="{white}" stroke-opacity=".18"'
        ' stroke-width="10"/>' + _FRINGE + '<path d="M92 300h216" stroke="{cream}"'
        ' stroke-width="6"/>',
        shadow=120,
    ),
    "moon-mug": product(
        "night",
        "sea",
        '<path d="M272 196h22a44 44 0 0 1 0 96h-30" fill="none" stroke="{cream}"'
        ' stroke-width="20"/>'
        '<path d="M112 160h168v124a56 56 0 0 1-56 56h-56a56 56 0 0 1-56-56Z" fill="{cream}"/>'
        '<ellipse cx="196" cy="160" rx="84" ry="18" fill="{bark}"/>'
        '<path d="M206 208a44 44 0 1 0 26 72 38 38 0 0 1-26-72Z" fill="{gold}"/>'
        '<g fill="{gold}"><circle cx="240" cy="216" r="5"/><circle cx="252" cy="244" r="3.5"/></g>'
        '<path d="M164 132c-14-18 14-26 0-46m36 46c-14-18 14-26 0-46m36 46c-14-18 14-26 0-46"'
        ' fill="none" stroke="{paper}" stroke-opacity=".6" stroke-width="7"'
        ' stroke-linecap="round"/>' + shine("M128 190v80", 0.7),
    ),
    "the-unhurried-clock": product(
        "sage",
        "mint",
        '<circle cx="200" cy="200" r="132" fill="{wood}"/>'
        '<circle cx="200" cy="200" r="112" fill="{paper}"/>'
        + _TICKS
        + '<path d="M200 200V128" stroke="{red}" stroke-width="11" stroke-linecap="round"/>'
        '<circle cx="200" cy="200" r="13" fill="{ink}"/>'
        '<path d="M246 232q18-14 34 0-16 12-34 0Zm34 0 14-8v16Z" fill="{gold}"/>'
        + shine("M92 220c-6-56 22-96 60-116", 0.3),
        shadow=90,
    ),
    "galets-rug": product(
        "lilac",
        "blush",
        '<path d="M84 108h232v224H84Z" fill="{night}"/>'
        '<path d="M84 118h232M84 322h232" stroke="{sand}" stroke-width="6"/>'
        + _PEBBLES
        + '<path d="M96 108V92m26 16V92m26 16V92m26 16V92m26 16V92m26 16V92m26 16V92m26 16V92'
        "m26 16V92M96 348v-16m26 16v-16m26 16v-16m26 16v-16m26 16v-16m26 16v-16m26 16v-16m26 16"
        'v-16m26 16v-16" stroke="{sand}" stroke-width="5"/>',
        shadow=125,
    ),
    "citron-cushion": product(
        "sky",
        "mist",
        '<path d="M98 122c60 16 144 16 204 0 14-4 22 4 18 18-14 54-14 118 0 172 4 14-4 22-18 18'
        '-60-16-144-16-204 0-14 4-22-4-18-18 14-54 14-118 0-172-4-14 4-22 18-18Z" fill="{paper}"/>'
        '<g transform="translate(152 188) rotate(-20)"><ellipse rx="40" ry="30" fill="{gold}"/>'
        '<path d="M38-5q14 2 14 8-6 4-14 3" fill="{gold}"/></g>'
        '<g transform="translate(238 256) rotate(30)"><ellipse rx="44" ry="33" fill="{lemon}"/>'
        '<path d="M42-5q14 2 14 8-6 4-14 3" fill="{lemon}"/></g>'
        + leaf(186, 172, 60, 0.8)
        + leaf(210, 226, -50, 0.8, "pine")
        + leaf(150, 300, 40, 0.6, "sage")
        + leaf(256, 196, 20, 0.6, "sage"),
        shadow=120,
    ),
    "etang-mirror": product(
        "cream",
        "blush",
        '<path d="M196 66c70-8 112 46 104 120-6 66 20 92-16 128s-122 32-156-6c-32-36-16-76-20-128'
        'C104 114 130 74 196 66Z" fill="{wood}"/>'
        '<path d="M198 88c54-6 88 38 82 98-6 62 14 84-14 110s-90 24-118-4c-24-26-14-62-18-110-4-54'
        ' 18-88 68-94Z" fill="{sky}"/>'
        '<path d="M150 214 232 110m-70 150 100-128" stroke="{white}" stroke-opacity=".6"'
        ' stroke-width="13" stroke-linecap="round"/>',
        shadow=90,
    ),
    "cloud-shirt": product(
        "sea",
        "sky",
        '<path d="m148 96-64 40 28 66 26-14v150h124V188l26 14 28-66-64-40c-16 26-88 26-104 0Z"'
        ' fill="{paper}"/>'
        '<path d="M148 96c16 26 88 26 104 0l-22-10c-14 16-46 16-60 0Z" fill="{mist}"/>'
        '<path d="M200 120v218" stroke="{sky}" stroke-width="5"/>'
        '<g fill="{sea}"><circle cx="200" cy="160" r="5"/><circle cx="200" cy="204" r="5"/>'
        '<circle cx="200" cy="248" r="5"/><circle cx="200" cy="292" r="5"/></g>'
        '<path d="M218 184h34v34q-17 12-34 0Z" fill="{mist}"/>'
        '<path d="M138 188v150M262 188v150" stroke="{sky}" stroke-width="4"/>',
    ),
    "maree-beanie": product(
        "gold",
        "lemon",
        '<circle cx="200" cy="92" r="34" fill="{paper}"/>'
        '<path d="M104 286c-6-112 34-184 96-184s102 72 96 184Z" fill="{sea}"/>'
        '<path d="M110 226c60-22 120 22 180 0m-174 34c58-20 112 20 168 0M124 186c50-18 102'
        ' 18 152 0"'
        ' fill="none" stroke="{mist}" stroke-width="10"/>'
        '<rect x="96" y="280" width="208" height="52" rx="20" fill="{night}"/>' + _KNIT,
    ),
    "marche-tote": product(
        "mint",
        "paper",
        '<path d="M152 178c-8-110 104-110 96 0" fill="none" stroke="{bark}" stroke-width="15"/>'
        + leaf(168, 170, -18, 1.1, "pine")
        + leaf(190, 172, 4, 1.2, "leaf")
        + '<path d="M236 176c-6-40 6-64 22-84" stroke="{sand}" stroke-width="26"'
        ' stroke-linecap="round"/>'
        '<path d="M104 172h192l-14 156q-2 14-16 14H134q-14 0-16-14Z" fill="{sand}"/>'
        '<path d="M104 172h192l-3 26H107Z" fill="{wood}"/>'
        '<circle cx="200" cy="266" r="38" fill="{red}"/>'
        '<path d="M200 228q8-18 24-16-4 18-24 16Z" fill="{leaf}"/>' + shine("M130 214l8 96"),
    ),
    "aurore-scarf": product(
        "rose",
        "blush",
        '<path d="M118 108c30 44 134 44 164 0 24 26 22 62-8 84-44 30-104 30-148 0-30-22-32'
        '-58-8-84Z"'
        ' fill="{red}"/>'
        '<path d="M168 196h72l22 130h-76Z" fill="{gold}"/>'
        '<path d="M150 194h64l-22 144h-66Z" fill="{red}"/>'
        '<path d="M143 232h65m-70 34h65m-70 34h65" stroke="{paper}" stroke-width="9"/>'
        '<path d="M130 146c40 34 100 34 140 0" fill="none" stroke="{paper}" stroke-width="9"/>'
        '<path d="M130 338v18m16-18v18m16-18v18m16-18v18m28-30v18m16-18v18m16-18v18"'
        ' stroke="{rust}" stroke-width="5"/>',
        shadow=80,
    ),
    "four-seasons-socks": product(
        "sand",
        "cream",
        '<path d="M112 92h68v136l54 48c24 24-4 62-38 48l-66-40q-18-12-18-36Z" fill="{leaf}"/>'
        '<path d="M112 92h68v30h-68Z" fill="{paper}"/>'
        '<path d="M112 146h68v18h-68Zm0 40h68v18h-68Z" fill="{gold}"/>'
        '<path d="M206 252l28 24c24 24-4 62-38 48l-22-13Z" fill="{red}"/>'
        '<path d="M206 76h68v136l54 48c24 24-4 62-38 48l-66-40q-18-12-18-36Z" fill="{plum}"/>'
        '<path d="M206 76h68v30h-68Z" fill="{paper}"/>'
        '<path d="M206 130h68v18h-68Zm0 40h68v18h-68Z" fill="{rose}"/>'
        '<path d="M300 236l28 24c24 24-4 62-38 48l-22-13Z" fill="{gold}"/>',
        shadow=120,
    ),
    "drop-earrings": product(
        "ink",
        "plum",
        '<g fill="none" stroke="{gold}" stroke-width="7"><path d="M140 128c0-40 44-40 40-4"/>'
        '<path d="M260 128c0-40-44-40-40-4"/><path d="M140 126v46m120-46v46"/></g>'
        '<path d="M140 168c-30 58-44 84-44 112a44 44 0 0 0 88 0c0-28-14-54-44-112Z" fill="{sky}"/>'
        '<path d="M260 168c-30 58-44 84-44 112a44 44 0 0 0 88 0c0-28-14-54-44-112Z" fill="{sky}"/>'
        '<circle cx="140" cy="290" r="17" fill="{gold}"/><circle cx="260" cy="290" r="17"'
        ' fill="{gold}"/>' + shine("M118 264l14-40", 0.7) + shine("M238 264l14-40", 0.7),
    ),
    "riviera-sunglasses": product(
        "gold",
        "sky",
        '<path d="M82 178c-20-6-28 10-24 30M318 178c20-6 28 10 24 30" fill="none" stroke="{rust}"'
        ' stroke-width="13" stroke-linecap="round"/>'
        '<path d="M76 168h106c10 0 12 8 10 24-4 40-22 66-56 66-36 0-54-26-58-66-2-14-8-24-2-24Z"'
        ' fill="{rust}"/>'
        '<path d="M324 168H218c-10 0-12 8-10 24 4 40 22 66 56 66 36 0 54-26 58-66 2-14 8-24 2-24Z"'
        ' fill="{rust}"/>'
        '<path d="M182 176q18-14 36 0v14q-18-12-36 0Z" fill="{rust}"/>'
        '<path d="M92 184h80c0 34-12 58-36 58-28 0-40-22-44-58Zm216 0h-80c0 34 12 58 36 58 28 0'
        ' 40-22 44-58Z" fill="{night}"/>'
        + shine("M112 202l22 22", 0.5)
        + shine("M246 202l22 22", 0.5)
        + '<path d="M40 316c54-22 106 22 160 0s106 22 160 0" fill="none" stroke="{paper}"'
        ' stroke-width="10" stroke-linecap="round"/>',
        shadow=0,
    ),
    "sunday-dress": product(
        "blush",
        "rose",
        '<path d="M162 76v44m76-44v44" stroke="{plum}" stroke-width="11"/>'
        '<path d="M150 112c30 18 70 18 100 0l14 78c26 46 44 96 52 146-78 18-154 18-232 0 8-50'
        ' 26-100 52-146Z" fill="{plum}"/>'
        '<path d="M136 190h128l3 18H133Z" fill="{gold}"/>'
        '<g fill="{paper}"><circle cx="174" cy="152" r="7"/><circle cx="222" cy="156" r="7"/>'
        '<circle cx="146" cy="246" r="8"/><circle cx="198" cy="240" r="8"/>'
        '<circle cx="254" cy="252" r="8"/><circle cx="122" cy="300" r="8"/>'
        '<circle cx="174" cy="294" r="8"/><circle cx="228" cy="300" r="8"/>'
        '<circle cx="282" cy="304" r="8"/></g>',
        shadow=115,
    ),
}
