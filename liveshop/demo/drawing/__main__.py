"""Write the demo's pictures into the static files; run it after changing a drawing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from liveshop.demo.drawing import lumen, orto, people

FOLDER: Final = Path(__file__).resolve().parents[2] / "static" / "liveshop" / "demo"


def drawings() -> Mapping[str, str]:
    """Give all pictures by their path below the demo's folder."""
    rooms = {
        "products": {**lumen.DRAWINGS, **orto.DRAWINGS},
        "creators": people.AVATARS,
        "posters": people.POSTERS,
    }
    return {
        f"{room}/{name}.svg": svg for room, named in rooms.items() for name, svg in named.items()
    }


if __name__ == "__main__":
    for name, svg in drawings().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg + "\n", encoding="utf-8")
