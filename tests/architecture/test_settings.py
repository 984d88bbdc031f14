"""Every setting that the environment can change is in the README's table."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]


def test_every_environment_setting_is_in_the_readme():
    text = (PROJECT / "liveshop" / "settings.py").read_text()
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text)) | set(
        re.findall(r'_secret\(\s*"([A-Z_]+)"', text)
    )
    readme = (PROJECT / "README.md").read_text()
    assert read
    assert {name for name in read if f"`{name}`" not in readme} == set()
