"""Fuzz one parser with atheris: `python -m tests.fuzz.target rtmp CORPUS -max_total_time=600`."""

import importlib
import sys
from pathlib import Path

import atheris


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["creators.media.rtmp", "creators.media.hls"]):
        target = importlib.import_module(f"tests.fuzz.fuzz_{name}")
    folder = Path(corpus)
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        target.check(seed)
        (folder / f"seed-{number}").write_bytes(seed)
    words = folder.with_name("words")
    words.write_text("".join(f'"{word}"\n' for word in target.WORDS))
    options += [f"-max_len={target.LONGEST}", f"-dict={words}"]
    atheris.Setup([name, corpus, *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
