"""Where the project and its sample files are."""

from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]
FILES: Final = PROJECT / "tests" / "files"
