"""What `backup` and `restore` share: a backup's facts, and words for what is wrong with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billfold.cli.refusal import CommandRefused
from billfold.platform import backups, sealing, state_directory
from billfold.platform.backups import Manifest


@contextmanager
def word_refusals(path: Path) -> Iterator[None]:
    """Word why a backup cannot be made or brought back. Raises: CommandRefused."""
    try:
        yield
    except sealing.KeysMissing as error:
        raise CommandRefused(
            f"The keys are missing: put the installation's key files into {error}."
        ) from None
    except backups.Unusable as error:
        words = {
            backups.NotABackup: f"{path} is not a whole file of `billfold backup`.",
            backups.Damaged: f"{path} is damaged: its bytes are not those that were saved.",
            backups.Altered: f"{path} is not as it was made: it says of itself what was not sealed "
            "with these keys. Nothing of it was carried out.",
            backups.MadeByNewer: f"{path} needs {error}.",
            backups.OtherKeys: f"The keys in {state_directory.default() / 'keys'} are not "
            "those of the backup: put its own there first.",
            backups.NotEmpty: f"The database is not empty (it has {error}): name an empty one.",
            backups.ProgramFailed: f"Nothing was changed: {error}.",
        }
        raise CommandRefused(words[type(error)]) from None


def as_json(manifest: Manifest) -> dict[str, object]:
    """Put a manifest in the words of `--json`."""
    return {
        "made_at": manifest.made_at,
        "mode": manifest.mode,
        "identity": manifest.identity,
        "billers": sorted(manifest.billers),
        "sha256": manifest.sha256,
        "bytes": manifest.size,
        "keys_included": False,
    }
