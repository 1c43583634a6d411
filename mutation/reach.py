"""Which tests reach which lines: a mutant is given to those alone that execute it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from coverage import CoverageData

Reach = Mapping[Path, Mapping[int, Sequence[str]]]
"""Module -> line -> ids of the tests that execute it."""
TESTS: Final = {
    "ledger": ("books", "paying"),
    "payments": ("paying", "outgoing", "incoming", "portal", "office"),
    "banking": ("outgoing", "incoming", "office"),
    "rails": ("outgoing", "incoming"),
}
"""Package -> its stories. `tests/rules` is asked about every package."""
QUIET: Final = ("-q", "--no-header", "-p", "no:cacheprovider")


def folders_for(paths: Sequence[Path]) -> list[str]:
    """Name the folders of tests that are asked about these modules."""
    stories = {story for path in paths for story in TESTS.get(path.parts[1], ())}
    return ["tests/rules", *(f"tests/stories/{story}" for story in sorted(stories))]


def measure(place: Path, paths: Sequence[Path], tests: Sequence[str]) -> Reach:
    """Run the tests once over a copy of the project, and note what each executes.

    Raises: subprocess.CalledProcessError if they fail without any change.
    """
    data, settings = place / "reach.coverage", place / "reach.ini"
    included = "\n  ".join(str(place / path) for path in paths)
    settings.write_text(
        f"[run]\ndata_file = {data}\ndynamic_context = test_function\ninclude =\n  {included}\n"
    )
    command = ["-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", *QUIET, *tests]
    subprocess.run([sys.executable, *command], cwd=place, env=environment(place), check=True)
    return _read(data, place, paths)


def environment(place: Path) -> dict[str, str]:
    """Return the environment in which the copy is what is imported."""
    return dict(os.environ, PYTHONPATH=str(place))


def _read(data: Path, place: Path, paths: Sequence[Path]) -> Reach:
    coverage = CoverageData(basename=str(data))
    coverage.read()
    reach = {}
    for path in paths:
        contexts = coverage.contexts_by_lineno(str(place / path))
        lines = defaultdict(list)
        for line, names in contexts.items():
            lines[line] = sorted({_node_id(place, name) for name in names if name} - {""})
        reach[path] = lines
    return reach


def _node_id(place: Path, context: str) -> str:
    """Turn tests.rules.test_money.test_a_split into an id of pytest."""
    module, _, function = context.rpartition(".")
    path = Path(*module.split(".")).with_suffix(".py")
    return f"{path}::{function}" if (place / path).is_file() else ""
