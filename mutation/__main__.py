"""Change the code in one place after the other, and see whether a test notices.

A mutant that every test passes is a rule that no test holds, or a change that means nothing. The
work is done in a copy of the project.
"""

from __future__ import annotations

import argparse
import random  # noqa: TID251  seeded: the same seed takes the same sample
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from mutation import reach
from mutation.mutants import Mutant, list_mutants
from mutation.reach import Reach

PACKAGES: Final = ("payments", "ledger", "banking", "rails")
MOST_TESTS: Final = 40
"""How many of the tests that reach a line are asked."""
HUNG_AFTER_SECONDS: Final = 300


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "SURVIVED"
    NOT_TRIED = "not tried, because pytest could not run its tests"


FATES: Final = {0: Fate.SURVIVED, 1: Fate.KILLED, 2: Fate.KILLED}
"""Exit code of pytest -> fate: tests passed, tests failed, tests could not be imported."""


def main() -> int:
    """Try a sample of mutants; exit 1 if one survives."""
    options = _parse()
    modules = _modules(options.path, is_changed=options.changed)
    if not modules:
        sys.exit("No module of payments, ledger, banking or rails is meant.")
    give_up_at = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory(prefix="billfold-mutation-") as folder:
        place = Path(folder)
        _copy_project(place)
        tests = options.tests or reach.folders_for(modules)
        print(f"Running {', '.join(tests)} once, to see which test reaches which line ...")
        try:
            lines = reach.measure(place, modules, tests)
        except subprocess.CalledProcessError:
            sys.exit("The tests fail without any change: mend that first.")
        mutants = [mutant for path in modules for mutant in list_mutants(path)]
        # Definitions are executed when a module is imported, by no test.
        reached = [mutant for mutant in mutants if lines[mutant.path].get(mutant.line)]
        sample = random.Random(options.seed).sample(reached, min(options.sample, len(reached)))
        print(
            f"{len(mutants)} mutants of {len(modules)} modules, {len(reached)} of them on lines "
            f"that a test reaches; {len(sample)} are tried, seed {options.seed}."
        )
        killed, survivors = _try_all(place, sorted(sample, key=str), lines, give_up_at)
    _report(killed, survivors)
    return 1 if survivors else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py mutate")
    parser.add_argument("path", nargs="?", type=Path, help="a module or folder in billfold/")
    parser.add_argument("--changed", action="store_true", help="modules that differ from main")
    parser.add_argument("--sample", type=int, default=60, help="how many mutants to try")
    parser.add_argument("--minutes", type=int, default=30, help="begin no mutant after these")
    parser.add_argument("--seed", type=int, default=1, help="another one takes another sample")
    parser.add_argument("--tests", nargs="+", help="ask these tests alone")
    return parser.parse_args()


def _modules(path: Path | None, *, is_changed: bool) -> list[Path]:
    """List the modules that are meant, from the project's folder."""
    within = [path] if path else [Path("billfold", package) for package in PACKAGES]
    listed = _git("diff", "--name-only", "main") if is_changed else _git("ls-files", "billfold")
    modules = [Path(name) for name in listed if name.endswith(".py")]
    return [
        module
        for module in modules
        if module.is_file()
        and module.parts[1] in PACKAGES
        and "migrations" not in module.parts
        and any(module.is_relative_to(each) for each in within)
    ]


def _git(*arguments: str) -> list[str]:
    return subprocess.check_output(["git", *arguments], text=True).splitlines()


def _copy_project(place: Path) -> None:
    """Copy what git knows or would add."""
    for name in _git("ls-files", "--cached", "--others", "--exclude-standard"):
        if Path(name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, place / name)


def _try_all(
    place: Path, mutants: Sequence[Mutant], lines: Reach, give_up_at: float
) -> tuple[dict[Path, int], dict[Path, list[str]]]:
    """Try each mutant; give how many were killed and what survived, by module."""
    killed: dict[Path, int] = defaultdict(int)
    survivors: dict[Path, list[str]] = defaultdict(list)
    for number, mutant in enumerate(mutants, 1):
        if time.monotonic() > give_up_at:
            print(f"Time is up: {len(mutants) - number + 1} mutants were not tried.")
            break
        code = mutant.code()
        fate = _try(place, mutant, code, lines[mutant.path][mutant.line])
        print(f"{number}/{len(mutants)} {mutant.path}:{mutant.line} {fate}", flush=True)
        if fate is Fate.SURVIVED:
            survivors[mutant.path].append(f"line {mutant.line}\n{mutant.change(code)}")
        elif fate is Fate.KILLED:
            killed[mutant.path] += 1
    return killed, survivors


def _try(place: Path, mutant: Mutant, code: str, tests: Sequence[str]) -> Fate:
    """Run the tests that reach a mutant with it. Tests that hang have noticed."""
    changed = place / mutant.path
    changed.write_text(code)
    command = [sys.executable, "-m", "pytest", *reach.QUIET, "-x", *tests[:MOST_TESTS]]
    try:
        outcome = subprocess.run(
            command,
            cwd=place,
            env=reach.environment(place),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=HUNG_AFTER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Fate.KILLED
    finally:
        changed.write_text(mutant.path.read_text())
    return FATES.get(outcome.returncode, Fate.NOT_TRIED)


def _report(killed: dict[Path, int], survivors: dict[Path, list[str]]) -> None:
    """Print for each module how many were killed and survived, then each survivor's change."""
    for path in sorted(killed.keys() | survivors.keys()):
        print(f"{path}: {killed.get(path, 0)} killed, {len(survivors.get(path, []))} survived")
    for path in sorted(survivors):
        for survivor in survivors[path]:
            print(f"\n{path}, {survivor}")
    dead, alive = sum(killed.values()), sum(map(len, survivors.values()))
    if dead + alive:
        print(f"\n{dead} of {dead + alive} killed, {100 * dead / (dead + alive):.0f} %.")


if __name__ == "__main__":
    sys.exit(main())
