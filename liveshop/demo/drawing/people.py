"""The three creators, and the posters of their shows."""

from typing import Final

from liveshop.demo.drawing.style import free, leaf, petals


def _avatar(ground: str, glow: str, body: str, art: str) -> str:
    return free(
        240,
        240,
        f'<rect width="240" height="240" fill="{{{ground}}}"/>'
        f'<circle cx="120" cy="112" r="92" fill="{{{glow}}}"/>'
        f'<path d="M38 240c4-52 40-72 82-72s78 20 82 72Z" fill="{{{body}}}"/>' + art,
    )


def _face(skin: str) -> str:
    return (
        f'<path d="M102 142h36v34q-18 16-36 0Z" fill="{{{skin}}}"/>'
        f'<ellipse cx="120" cy="108" rx="44" ry="50" fill="{{{skin}}}"/>'
        '<g fill="{ink}"><circle cx="104" cy="106" r="5"/><circle cx="136" cy="106" r="5"/></g>'
        '<path d="M104 128q16 15 32 0" fill="none" stroke="{ink}" stroke-width="5"'
        ' stroke-linecap="round"/>'
        '<g fill="{red}" opacity=".28"><circle cx="92" cy="122" r="9"/><circle cx="148" cy="122"'
        ' r="9"/></g>'
    )


AVATARS: Final = {
    # Mira: red bun, round glasses.
    "mira": _avatar(
        "gold",
        "lemon",
        "sea",
        '<circle cx="120" cy="40" r="25" fill="{rust}"/>'
        '<path d="M68 118c-8-92 112-92 104 0l-8 34H76Z" fill="{rust}"/>'
        + _face("blush")
        + '<path d="M76 96c14-6 34-20 40-40 10 20 34 34 48 40-2-58-86-58-88 0Z" fill="{rust}"/>'
        '<g fill="none" stroke="{ink}" stroke-width="4"><circle cx="103" cy="106" r="15"/>'
        '<circle cx="137" cy="106" r="15"/></g>',
    ),
    # Tommaso: curls, a beard, a green apron.
    "tommaso": _avatar(
        "mint",
        "sage",
        "pine",
        '<g fill="{ink}"><circle cx="82" cy="78" r="22"/><circle cx="104" cy="60" r="24"/>'
        '<circle cx="136" cy="60" r="24"/><circle cx="158" cy="78" r="22"/></g>'
        + _face("sand")
        + '<path d="M76 108c0 80 88 80 88 0-4 20-18 20-44 20s-40 0-44-20Z" fill="{ink}"/>'
        '<path d="M104 132q16 13 32 0Z" fill="{paper}"/>'
        '<path d="M92 190v50m56-50v50" stroke="{cream}" stroke-width="8"/>',
    ),
    # Noor: a rose scarf, a gold earring.
    "noor": _avatar(
        "lilac",
        "blush",
        "plum",
        '<path d="M62 128c-14-112 130-112 116 0-4 40-24 62-58 62s-54-22-58-62Z" fill="{clay}"/>'
        + _face("wood")
        + '<path d="M74 106c-2-66 94-66 92 0-10-24-30-38-46-38s-36 14-46 38Z" fill="{red}"/>'
        '<path d="M76 126c8 38 24 54 44 54s36-16 44-54l12 14c-4 44-24 66-56 66s-52-22-56-66Z"'
        ' fill="{red}"/><circle cx="120" cy="184" r="7" fill="{gold}"/>',
    ),
}


def _poster(ground: str, glow: str, art: str) -> str:
    return free(
        640,
        800,
        f'<rect width="640" height="800" fill="{{{ground}}}"/>'
        f'<circle cx="320" cy="330" r="250" fill="{{{glow}}}"/>' + art,
    )


POSTERS: Final = {
    "slow-evening": _poster(
        "plum",
        "clay",
        '<path d="M120 560 220 250h200l100 310Z" fill="{gold}" opacity=".3"/>'
        '<path d="M214 300c10-106 50-160 106-160s96 54 106 160Z" fill="{gold}"/>'
        '<path d="M310 300h20v230h-20Z" fill="{ink}"/>'
        '<path d="M0 560h640v240H0Z" fill="{ink}"/><path d="M0 560h640v18H0Z" fill="{rust}"/>'
        '<path d="M252 560c0-24 30-34 68-34s68 10 68 34Z" fill="{bark}"/>'
        '<path d="M452 466h96v94h-96Z" fill="{cream}"/>'
        '<path d="M500 402c-18 28-14 44 0 52 14-8 18-24 0-52Z" fill="{lemon}"/>'
        '<path d="M100 470h84v66q0 24-24 24h-36q-24 0-24-24Z" fill="{sky}"/>'
        '<path d="M184 486h16q24 22 0 46h-18" fill="none" stroke="{sky}" stroke-width="12"/>'
        '<g fill="{lemon}"><circle cx="86" cy="120" r="5"/><circle cx="540" cy="96" r="6"/>'
        '<circle cx="574" cy="210" r="4"/><circle cx="64" cy="240" r="4"/></g>',
    ),
    "balcony-harvest": _poster(
        "sky",
        "lemon",
        '<path d="M0 590h640v210H0Z" fill="{clay}"/><path d="M0 590h640v22H0Z" fill="{rust}"/>'
        '<path d="M308 300h24v190h-24Z" fill="{bark}"/>'
        '<circle cx="320" cy="250" r="128" fill="{pine}"/><circle cx="232" cy="296" r="74"'
        ' fill="{leaf}"/><circle cx="410" cy="288" r="80" fill="{leaf}"/>'
        '<circle cx="316" cy="186" r="70" fill="{leaf}"/>'
        '<g fill="{gold}"><circle cx="252" cy="236" r="27"/><circle cx="366" cy="206" r="27"/>'
        '<circle cx="330" cy="308" r="27"/><circle cx="434" cy="308" r="25"/><circle cx="206"'
        ' cy="324" r="23"/></g>'
        '<path d="M196 480h248l-26 110H222Z" fill="{rust}"/><path d="M184 462h272v36H184Z"'
        ' fill="{clay}"/>'
        + petals(96, 500, 8, 1.6, "red")
        + '<circle cx="96" cy="500" r="17" fill="{gold}"/><path d="M96 520v70" stroke="{pine}"'
        ' stroke-width="10"/>'
        + leaf(96, 580, 50, 0.8, "leaf")
        + petals(556, 524, 8, 1.3, "plum")
        + '<circle cx="556" cy="524" r="14" fill="{gold}"/><path d="M556 540v50"'
        ' stroke="{pine}" stroke-width="9"/>',
    ),
    "wardrobe-of-clouds": _poster(
        "sea",
        "mist",
        '<path d="M90 170h460" stroke="{bark}" stroke-width="16" stroke-linecap="round"/>'
        '<path d="M110 170v420m420-420v420" stroke="{wood}" stroke-width="16"/>'
        '<path d="M216 170v30m116-30v30m112-30v30" stroke="{ink}" stroke-width="7"/>'
        '<path d="m174 200-48 44 26 46 18-12v170h92V278l18 12 26-46-48-44Z" fill="{paper}"/>'
        '<path d="M298 200h68l14 70c34 50 44 120 46 190-64 20-126 20-190 0 2-70 12-140 46-190Z"'
        ' fill="{plum}"/>'
        '<path d="M410 200h70l40 44-22 48-16-10v196h-76V282l-16 10-20-48Z" fill="{gold}"/>'
        '<path d="M0 600h640v200H0Z" fill="{night}"/><path d="M0 600h640v18H0Z" fill="{ink}"/>'
        '<path d="M60 130c10-46 70-46 80-10 40-14 60 40 16 46H72c-34-4-36-40-12-36Z"'
        ' fill="{paper}" opacity=".85"/><path d="M470 96c10-40 62-40 70-8 36-12 52 36 14 40h-74'
        'c-30-4-32-36-10-32Z" fill="{paper}" opacity=".85"/>',
    ),
    "table-for-eight": _poster(
        "gold",
        "cream",
        '<path d="M0 540h640v260H0Z" fill="{pine}"/><path d="M0 540h640v20H0Z" fill="{leaf}"/>'
        '<ellipse cx="320" cy="540" rx="220" ry="58" fill="{paper}"/>'
        '<ellipse cx="320" cy="530" rx="158" ry="38" fill="{mist}"/>'
        '<path d="M200 522c0-70 50-110 120-110s120 40 120 110c-70 22-170 22-240 0Z"'
        ' fill="{lemon}"/>'
        '<path d="M224 500c40-50 152-50 192 0m-170-30c40-34 108-34 148 0m-150 50c46-30'
        ' 106-30 152 0"'
        ' fill="none" stroke="{honey}" stroke-width="9" stroke-linecap="round"/>'
        '<circle cx="282" cy="432" r="24" fill="{red}"/><circle cx="360" cy="424" r="20"'
        ' fill="{red}"/>'
        + leaf(322, 424, -14, 0.9, "leaf")
        + leaf(334, 424, 26, 0.8, "pine")
        + '<path d="M86 250h50v70c30 14 36 34 36 60v170H50V380c0-26 6-46 36-60Z" fill="{leaf}"/>'
        '<path d="M50 410h122v80H50Z" fill="{paper}"/>'
        '<path d="M488 360h84l-14 94q-28 20-56 0Z" fill="{plum}" opacity=".85"/>'
        '<path d="M524 462h12v70h-12Zm-24 70h60v12h-60Z" fill="{mist}"/>'
        '<path d="M250 330c-20-30 20-40 0-76m70 76c-20-30 20-40 0-76m70 76c-20-30 20-40 0-76"'
        ' fill="none" stroke="{paper}" stroke-width="12" stroke-linecap="round"/>',
    ),
}
