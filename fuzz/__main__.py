"""Fuzz one reader for a while, then keep what reached new code and what broke it.

The corpus stands in tests/files/corpus/READER.zip, crashes in tests/files/crashes/READER/; the
suite replays both.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fuzz.readers import READERS

FILES: Final = Path(__file__).parents[1] / "tests" / "files"
LONGEST: Final = 8_192
"""Bytes of one input: small files fit in, and no time is lost in long ones."""
MOST_KEPT: Final = 300
ONE_DAY: Final = (2026, 1, 1, 0, 0, 0)
"""Every entry of the archive bears this date, so that the same corpus gives the same bytes."""


def main() -> int:
    """Fuzz and keep; exit 1 if something broke the reader."""
    parser = argparse.ArgumentParser(prog="run.py fuzz")
    parser.add_argument("reader", choices=sorted(READERS))
    parser.add_argument("--seconds", type=int, default=600)
    options = parser.parse_args()
    crashes = FILES / "crashes" / options.reader
    crashes.mkdir(parents=True, exist_ok=True)
    before = set(crashes.iterdir())
    with tempfile.TemporaryDirectory() as place:
        reached, seeds = Path(place, "reached"), Path(place, "seeds")
        reached.mkdir()
        seeds.mkdir()
        _plant(options.reader, seeds)
        command = [sys.executable, "-m", "fuzz.target", options.reader, str(reached), str(seeds)]
        limits = [f"-max_len={LONGEST}", "-timeout=10", f"-artifact_prefix={crashes}/"]
        limits.append(f"-max_total_time={options.seconds}")
        code = subprocess.call([*command, *limits, "-print_final_stats=1"])
        inputs = _keep(options.reader, reached)
    new_crashes = set(crashes.iterdir()) - before
    print(f"{options.reader}: {inputs} inputs kept, {len(new_crashes)} found that break it.")
    for folder in (crashes, crashes.parent):
        if not any(folder.iterdir()):
            folder.rmdir()
    return 1 if new_crashes or code else 0


def _plant(reader: str, seeds: Path) -> None:
    """Begin with what was kept before, and with every sample file there is."""
    for content in [*kept_inputs(reader), *_samples()]:
        (seeds / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def kept_inputs(reader: str) -> Iterator[bytes]:
    """Read the corpus and the crashes kept for a reader."""
    archive = FILES / "corpus" / f"{reader}.zip"
    if archive.exists():
        with zipfile.ZipFile(archive) as opened:
            yield from (opened.read(name) for name in opened.namelist())
    for crash in sorted((FILES / "crashes" / reader).glob("*")):
        yield crash.read_bytes()


def _samples() -> Iterator[bytes]:
    folders = [FILES]
    if "BILLFOLD_SAMPLES" in os.environ:
        folders.append(Path(os.environ["BILLFOLD_SAMPLES"]))
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.stat().st_size <= LONGEST:
                yield path.read_bytes()


def _keep(reader: str, reached: Path) -> int:
    """Add the inputs that reached new code to those kept; of too many, the smallest stay."""
    inputs = {*kept_inputs(reader), *(path.read_bytes() for path in reached.iterdir())}
    smallest = sorted(inputs, key=lambda content: (len(content), content))[:MOST_KEPT]
    archive = FILES / "corpus" / f"{reader}.zip"
    archive.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for content in smallest:
            name = zipfile.ZipInfo(hashlib.sha256(content).hexdigest()[:16], ONE_DAY)
            packed.writestr(name, content, zipfile.ZIP_DEFLATED)
    return len(smallest)


if __name__ == "__main__":
    sys.exit(main())
