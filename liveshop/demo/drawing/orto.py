"""What Orto Verde sells."""

from typing import Final

from liveshop.demo.drawing.style import leaf, petals, product, shine

_SEEDS = "".join(
    f'<ellipse cx="{x}" cy="{y}" rx="5" ry="8" fill="{{sand}}" transform="rotate(20 {x} {y})"/>'
    for x, y in ((166, 306), (188, 314), (212, 306), (234, 312))
)
_HEX = "".join(
    f'<path d="m{x} {y} 14-8 14 8v16l-14 8-14-8Z" fill="none" stroke="{{honey}}" stroke-width="4"/>'
    for x, y in ((150, 236), (186, 236), (222, 236), (168, 266), (204, 266))
)

DRAWINGS: Final = {
    "first-harvest-olive-oil": product(
        "mint",
        "lemon",
        leaf(276, 214, 40, 0.9, "leaf")
        + leaf(286, 244, 80, 0.9, "sage")
        + '<path d="M178 66h44v74c40 18 46 40 46 70v112a20 20 0 0 1-20 20h-96a20 20 0 0 1-20-20V210'
        'c0-30 6-52 46-70Z" fill="{pine}"/>'
        '<path d="M174 58h52v30h-52Z" fill="{bark}"/>'
        '<path d="M132 214h136v92H132Z" fill="{paper}"/>'
        '<ellipse cx="200" cy="260" rx="22" ry="30" fill="{leaf}"/>'
        '<path d="M200 230q10-16 26-14-6 16-26 14Z" fill="{pine}"/>'
        '<ellipse cx="300" cy="322" rx="20" ry="16" fill="{leaf}"/>'
        '<ellipse cx="98" cy="326" rx="18" ry="14" fill="{plum}"/>' + shine("M150 316V216"),
    ),
    "san-marzano-seeds": product(
        "rose",
        "blush",
        '<path d="M118 74h164v266H118Z" fill="{paper}"/>'
        '<path d="M118 74h164v44H118Z" fill="{pine}"/>'
        '<path d="M118 74l12-12 12 12 12-12 12 12 12-12 12 12 12-12 12 12 12-12 12 12 12-12 12 12'
        ' 12-12 8 12" fill="{pine}"/>'
        '<path d="M200 168c44-12 58 20 50 58-8 42-26 66-50 66s-42-24-50-66c-8-38 6-70 50-58Z"'
        ' fill="{red}"/>'
        '<path d="M200 172c-12-20-30-18-38-8 14 4 20 14 38 8 8 12 24 8 38-8-12-10-30-8-38 8v-26"'
        ' fill="{leaf}" stroke="{leaf}" stroke-width="6"/>'
        + shine("M172 206c-2 22 2 40 10 54")
        + _SEEDS,
        shadow=95,
    ),
    "basil-that-forgives": product(
        "cream",
        "mint",
        leaf(160, 230, -46, 1.2, "leaf")
        + leaf(240, 230, 46, 1.2, "leaf")
        + leaf(176, 220, -18, 1.5, "pine")
        + leaf(224, 220, 20, 1.5, "pine")
        + leaf(200, 226, 0, 1.8, "leaf")
        + '<path d="M116 218h168l-8 36H124Z" fill="{rust}"/>'
        '<path d="M128 254h144l-18 76q-2 12-14 12h-80q-12 0-14-12Z" fill="{clay}"/>'
        '<path d="M168 286h64q0 34-32 34t-32-34Z" fill="{paper}"/>'
        '<g fill="{ink}"><circle cx="186" cy="298" r="4"/><circle cx="214" cy="298" r="4"/></g>'
        '<path d="M192 308q8 7 16 0" fill="none" stroke="{ink}" stroke-width="3"/>'
        + shine("M144 266l10 56"),
    ),
    "long-neck-watering-can": product(
        "sky",
        "mist",
        '<path d="M236 200c60 10 74-70 92-104" fill="none" stroke="{pine}" stroke-width="17"'
        ' stroke-linecap="round"/>'
        '<path d="m306 88 44 16-12 12-36-14Z" fill="{gold}"/>'
        '<path d="M112 188c-54 0-64 96 4 110" fill="none" stroke="{pine}" stroke-width="17"/>'
        '<path d="M112 158h128l16 184H96Z" fill="{leaf}"/>'
        '<ellipse cx="176" cy="158" rx="64" ry="15" fill="{pine}"/>'
        '<path d="M130 158c6-54 86-54 92 0" fill="none" stroke="{pine}" stroke-width="13"/>'
        '<g fill="{sea}"><path d="M340 136c-9 16-9 22 0 26 9-4 9-10 0-26Zm18 36c-9 16-9 22 0 26'
        ' 9-4 9-10 0-26Zm-28 32c-9 16-9 22 0 26 9-4 9-10 0-26Z"/></g>' + shine("M130 186l-10 130"),
    ),
    "patient-pruning-shears": product(
        "sand",
        "cream",
        '<path d="M198 196C176 140 184 90 214 62c18 46 20 92 6 134Z" fill="{steel}"/>'
        '<path d="M214 196c34-34 44-74 34-112-26 26-46 68-50 106Z" fill="{mist}"/>'
        '<path d="M196 198c-60 34-84 90-70 140q26 8 34-12c-4-40 18-84 66-108Z" fill="{red}"/>'
        '<path d="M218 198c52 40 66 94 50 142-18 6-34-2-34-20 6-40-4-76-38-106Z" fill="{rust}"/>'
        '<circle cx="208" cy="204" r="17" fill="{ink}"/><circle cx="208" cy="204" r="6"'
        ' fill="{gold}"/>'
        + leaf(292, 116, 50, 0.7, "leaf")
        + leaf(300, 136, 100, 0.6, "sage")
        + shine("M148 306c2-34 18-62 42-84"),
        shadow=90,
    ),
    "mud-proof-gloves": product(
        "gold",
        "lemon",
        '<path d="M96 340V214c0-30 4-80 6-104 2-20 24-18 24 2l2 66 4-92c2-22 26-20 26 2l2 88 8-86'
        'c2-20 26-16 26 4l-6 98 24-36c12-16 32 0 24 18l-42 78v88Z" fill="{leaf}"/>'
        '<path d="M96 296h98v44H96Z" fill="{pine}"/>'
        '<path d="M304 340v-98c0-26-2-62-4-82-2-18-22-16-22 2l-2 52-4-74c-2-20-24-18-24'
        " 2l-2 72-8-70"
        'c-2-18-24-14-22 4l4 80-20-28c-12-14-28 2-22 16l36 64v60Z" fill="{clay}"/>'
        '<path d="M214 304h90v36h-90Z" fill="{rust}"/>'
        '<g fill="{paper}"><circle cx="128" cy="236" r="8"/><circle cx="158" cy="256" r="8"/>'
        '<circle cx="258" cy="256" r="8"/><circle cx="282" cy="278" r="8"/></g>',
        shadow=120,
    ),
    "terracotta-pot": product(
        "sage",
        "mint",
        petals(152, 116, 8, 1.1, "red")
        + petals(238, 92, 8, 1.3, "gold")
        + petals(262, 148, 8, 0.9, "rose")
        + '<path d="M152 128q12 40 36 62M238 110q-4 50-30 80m54-36q-18 26-40 36" fill="none"'
        ' stroke="{pine}" stroke-width="8"/>'
        '<g fill="{bark}"><circle cx="152" cy="116" r="12"/><circle cx="238" cy="92" r="14"/>'
        '<circle cx="262" cy="148" r="10"/></g>'
        + leaf(182, 190, -50, 0.8)
        + leaf(214, 190, 40, 0.8, "pine")
        + '<path d="M102 186h196v46H102Z" fill="{rust}"/>'
        '<path d="M118 232h164l-22 98q-3 12-15 12h-90q-12 0-15-12Z" fill="{clay}"/>'
        '<path d="M126 266q18-20 36 0t36 0 36 0 38 0" fill="none" stroke="{blush}"'
        ' stroke-width="7"/>' + shine("M118 200h60"),
    ),
    "seven-pocket-apron": product(
        "lilac",
        "paper",
        '<path d="M156 108c-6-64 94-64 88 0" fill="none" stroke="{bark}" stroke-width="10"/>'
        '<path d="M152 104h96l14 84c40 8 46 26 44 50l-8 100H102l-8-100c-2-24 4-42 44-50Z"'
        ' fill="{night}"/>'
        '<path d="M94 216c-20 4-34 14-44 30m256-30c20 4 34 14 44 30" stroke="{bark}"'
        ' stroke-width="9" fill="none"/>'
        '<g fill="{sea}"><path d="M170 126h60v44h-60Z"/><path d="M116 226h52v54h-52Z"/>'
        '<path d="M174 226h52v54h-52Z"/><path d="M232 226h52v54h-52Z"/>'
        '<path d="M120 288h76v36h-76Zm84 0h76v36h-76Z"/></g>'
        '<path d="M184 126v-34l10-8v42Z" fill="{red}"/>'
        + leaf(142, 228, -10, 0.5, "leaf")
        + '<path d="M248 232v-40m0 0-8-16h16Z" stroke="{gold}" stroke-width="7" fill="{gold}"/>',
    ),
    "olive-wood-board": product(
        "clay",
        "blush",
        '<path d="M176 60q24-12 48 0l6 66c60 6 84 60 78 116-6 62-48 98-108 98S98 304 92 242'
        'c-6-56 18-110 78-116Z" fill="{wood}"/>'
        '<circle cx="200" cy="86" r="12" fill="{blush}"/>'
        '<path d="M118 222c20-50 80-80 150-52m-152 82c40-60 100-60 170-22m-152 78c30-40 84-60'
        ' 132-34" fill="none" stroke="{bark}" stroke-opacity=".55" stroke-width="5"'
        ' stroke-linecap="round"/>'
        '<circle cx="166" cy="256" r="38" fill="{red}"/><circle cx="166" cy="256" r="27"'
        ' fill="{rose}"/>'
        '<path d="M150 256h32m-16-16v32" stroke="{red}" stroke-width="5"/>'
        + leaf(244, 290, 24, 0.8, "leaf")
        + leaf(254, 292, 64, 0.6, "pine"),
    ),
    "moka-for-company": product(
        "mist",
        "cream",
        '<path d="M276 136c50-4 54 40 44 84" fill="none" stroke="{ink}" stroke-width="19"'
        ' stroke-linecap="round"/>'
        '<path d="m126 124-28-16 30-18Z" fill="{steel}"/>'
        '<path d="M120 100h152l-18 112H146Z" fill="{steel}"/>'
        '<path d="M132 100c10-28 116-28 128 0Z" fill="{mist}" stroke="{steel}" stroke-width="7"/>'
        '<circle cx="196" cy="70" r="13" fill="{red}"/>'
        '<path d="M140 212h120v22H140Z" fill="{ink}"/>'
        '<path d="m146 234-26 108h160l-26-108Z" fill="{steel}"/>'
        '<path d="m186 234-10 108h48l-10-108Zm0-134 4 112h18l6-112Z" fill="{white}"'
        ' opacity=".35"/>'
        '<circle cx="150" cy="280" r="8" fill="{gold}"/>'
        '<path d="M96 84c-12-16 12-22 0-40" fill="none" stroke="{bark}" stroke-width="7"'
        ' stroke-linecap="round"/>',
    ),
    "thousand-flower-honey": product(
        "lemon",
        "paper",
        '<path d="M122 142h156v176a24 24 0 0 1-24 24H146a24 24 0 0 1-24-24Z" fill="{gold}"/>'
        '<path d="M122 142h156v34q-40 24-78 4t-78 8Z" fill="{paper}" opacity=".7"/>'
        '<path d="M112 96h176v50H112Z" fill="{wood}"/><path d="M112 96h176v16H112Z"'
        ' fill="{bark}"/>'
        '<path d="M134 212h132v104H134Z" fill="{paper}"/>'
        + _HEX
        + '<g transform="translate(300 176) rotate(-16)"><ellipse rx="24" ry="17" fill="{gold}"/>'
        '<path d="M-8-15v30M4-17v34M15-13v26" stroke="{ink}" stroke-width="6"/>'
        '<ellipse cx="-6" cy="-24" rx="11" ry="16" fill="{mist}"/><ellipse cx="11" cy="-24" rx="11"'
        ' ry="16" fill="{mist}"/></g>' + shine("M138 168v24", 0.7),
    ),
    "bronze-cut-pasta-trio": product(
        "night",
        "sea",
        '<g transform="rotate(-9 130 340)"><path d="M84 112h88v228H84Z" fill="{gold}"/>'
        '<path d="M84 112l44-34 44 34Z" fill="{honey}"/><path d="M98 178h60v80H98Z"'
        ' fill="{paper}"/><path d="M108 200q20-18 40 0m-40 18q20-18 40 0m-40 18q20-18 40 0"'
        ' fill="none" stroke="{honey}" stroke-width="6"/></g>'
        '<g transform="rotate(9 270 340)"><path d="M228 112h88v228h-88Z" fill="{red}"/>'
        '<path d="M228 112l44-34 44 34Z" fill="{rust}"/><path d="M242 178h60v80h-60Z"'
        ' fill="{paper}"/><path d="m252 192 18 10-18 10Zm40 22-18 10 18 10Zm-40 16 18 10-18 10Z"'
        ' fill="{red}"/></g>'
        '<path d="M152 96h96v246h-96Z" fill="{leaf}"/><path d="m152 96 48-36 48 36Z"'
        ' fill="{pine}"/><path d="M166 166h68v92h-68Z" fill="{paper}"/>'
        '<path d="M178 178v68m11-68v68m11-68v68m11-68v68m11-68v68" stroke="{gold}"'
        ' stroke-width="5"/>',
        shadow=125,
    ),
    "harvest-basket": product(
        "blush",
        "cream",
        '<path d="M108 214c-4-160 188-160 184 0" fill="none" stroke="{bark}" stroke-width="15"/>'
        '<circle cx="146" cy="204" r="38" fill="{red}"/><circle cx="254" cy="206" r="36"'
        ' fill="{gold}"/>'
        '<path d="M180 214c-4-50 46-80 56-60 8 18-14 30-14 60Z" fill="{plum}"/>'
        '<path d="M226 154q10-18 26-12-6 14-26 12Z" fill="{leaf}"/>'
        + leaf(120, 196, -40, 0.8)
        + leaf(284, 196, 34, 0.9, "pine")
        + leaf(200, 196, -4, 0.7, "sage")
        + '<path d="M84 214h232l-30 116q-4 12-16 12H130q-12 0-16-12Z" fill="{wood}"/>'
        '<path d="M84 214h232l-6 26H90Z" fill="{bark}"/>'
        '<path d="M98 266h204m-196 32h188M140 240l10 102m50-102v102m60-102-10 102"'
        ' stroke="{bark}" stroke-width="6"/>',
        shadow=115,
    ),
    "tit-mouse-house": product(
        "sky",
        "mint",
        '<path d="M188 60h24v284h-24Z" fill="{bark}"/>'
        '<path d="M118 160h164v152H118Z" fill="{cream}"/>'
        '<path d="m200 74 118 96-18 20-100-82-100 82-18-20Z" fill="{red}"/>'
        '<path d="m134 166 66-54 66 54v10H134Z" fill="{cream}"/>'
        '<circle cx="200" cy="214" r="33" fill="{ink}"/>'
        '<path d="M192 262h16v34h-16Z" fill="{wood}"/>'
        '<path d="M118 296h164v16H118Z" fill="{wood}"/>'
        '<path d="M184 224c0-26 40-24 40 0q-4 14-20 14t-20-14Z" fill="{sea}"/>'
        '<circle cx="212" cy="212" r="4" fill="{white}"/><path d="m224 214 17 5-17 6Z"'
        ' fill="{gold}"/>' + leaf(96, 330, -20, 0.7) + leaf(304, 334, 22, 0.8, "pine"),
        shadow=80,
    ),
    "firefly-lantern": product(
        "ink",
        "night",
        '<circle cx="200" cy="226" r="116" fill="{gold}" opacity=".22"/>'
        '<path d="M158 98c0-56 84-56 84 0" fill="none" stroke="{wood}" stroke-width="10"/>'
        '<path d="M148 96h104l18 42H130Z" fill="{clay}"/>'
        '<path d="M136 138h128v168H136Z" fill="{sky}" opacity=".4"/>'
        '<path d="M136 138h128v168H136ZM200 138v168" fill="none" stroke="{wood}"'
        ' stroke-width="9"/>'
        '<path d="M124 304h152v36H124Z" fill="{clay}"/>'
        '<path d="M176 248h48v56h-48Z" fill="{paper}"/>'
        '<path d="M200 180c-22 32-18 52 0 60 18-8 22-28 0-60Z" fill="{gold}"/>'
        '<path d="M200 208c-9 14-8 24 0 28 8-4 9-14 0-28Z" fill="{paper}"/>'
        '<g fill="{lemon}"><circle cx="88" cy="130" r="6"/><circle cx="316" cy="170" r="7"/>'
        '<circle cx="74" cy="252" r="5"/><circle cx="330" cy="276" r="5"/><circle cx="296" cy="88"'
        ' r="4"/></g>',
        shadow=95,
    ),
    "temperamental-chilli": product(
        "paper",
        "rose",
        '<path d="M200 240V110m0 60q-40-10-56-44m56 78q44-10 60-54" fill="none" stroke="{pine}"'
        ' stroke-width="9"/>'
        + leaf(144, 128, -40, 0.8)
        + leaf(200, 118, 0, 0.9, "pine")
        + leaf(260, 152, 46, 0.9)
        + '<path d="M150 142c-24 12-30 44-22 74 18-18 32-46 34-70Z" fill="{red}"/>'
        '<path d="M232 186c24 4 40 34 38 64-22-10-42-34-48-58Z" fill="{red}"/>'
        '<path d="M184 190c-18 10-22 28-16 46 14-8 24-28 26-44Z" fill="{gold}"/>'
        '<path d="M118 234h164v32H118Z" fill="{sea}"/>'
        '<path d="M130 266h140l-14 66q-2 10-12 10h-88q-10 0-12-10Z" fill="{sea}"/>'
        '<path d="M134 284h132l-4 18H138Z" fill="{paper}"/>' + shine("M136 250h40"),
    ),
    "balcony-lemon-tree": product(
        "sea",
        "sky",
        '<path d="M192 180h16v90h-16Z" fill="{bark}"/>'
        '<circle cx="200" cy="132" r="80" fill="{pine}"/><circle cx="142" cy="166" r="46"'
        ' fill="{leaf}"/><circle cx="256" cy="160" r="50" fill="{leaf}"/><circle cx="196" cy="96"'
        ' r="44" fill="{leaf}"/>'
        '<g fill="{lemon}"><ellipse cx="152" cy="130" rx="18" ry="22"/><ellipse cx="232" cy="108"'
        ' rx="18" ry="22"/><ellipse cx="206" cy="176" rx="18" ry="22"/><ellipse cx="270" cy="176"'
        ' rx="16" ry="20"/><ellipse cx="128" cy="188" rx="15" ry="19"/></g>'
        '<path d="M120 254h160v30H120Z" fill="{rust}"/>'
        '<path d="M132 284h136l-14 48q-3 10-13 10h-82q-10 0-13-10Z" fill="{clay}"/>'
        '<path d="M146 304h108" stroke="{blush}" stroke-width="7"/>',
    ),
}
