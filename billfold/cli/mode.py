"""What a state directory was made for: a demo, a test or a live instance."""

from pathlib import Path
from typing import Final

FILE: Final = "mode"


def read(directory: Path) -> str:
    """Read the mode that a state directory was made for; empty if it was made for none."""
    try:
        return (directory / FILE).read_text().strip()
    except (FileNotFoundError, NotADirectoryError):
        return ""
