"""docs/stage.md keeps up with the code."""

import re
from pathlib import Path

from creators.stage.wire import Close

DOCS = Path(__file__).parents[3] / "docs" / "stage.md"


def test_every_close_code_is_explained():
    told = {int(code) for code in re.findall(r"^\| (\d{4}) \| .+ \|", DOCS.read_text(), re.M)}
    assert {int(code) for code in Close} <= told
    # Beside ours, only those of the protocol itself.
    assert told - {int(code) for code in Close} == {1002, 1007}
