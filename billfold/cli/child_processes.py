"""Other Billfold processes: started from here, and ended with us."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

SUPERVISOR: Final = "BILLFOLD_SUPERVISOR"
PR_SET_PDEATHSIG: Final = 1
SOON_SECONDS: Final = 5.0


def follow_supervisor() -> None:
    """Make this process end when the one that supervises it does, even if that is killed.

    Only Linux can promise that. Elsewhere the next start ends what was left; see `end_stale`.
    """
    supervisor = os.environ.pop(SUPERVISOR, "")
    if not supervisor or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(supervisor):
        raise SystemExit("The process that started this one is gone.")


class ChildProcess:
    """One `billfold` process in a group of its own, writing to a log."""

    def __init__(self, name: str, arguments: list[str], *, log: Path) -> None:
        self.name = name
        self.arguments = arguments
        self.log = log
        self.early_ends = 0
        """How often in a row it ended soon after it was started."""
        self.began_at = time.monotonic()
        self.process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  our own command line
                [sys.executable, "-m", "billfold", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # The server lists our connections by this name.
                env=os.environ
                | {SUPERVISOR: str(os.getpid()), "PGAPPNAME": f"billfold {self.name}"},
                start_new_session=True,
            )

    def restart(self) -> None:
        self.kill()
        is_early = time.monotonic() - self.began_at < SOON_SECONDS
        self.early_ends = self.early_ends + 1 if is_early else 0
        self.began_at = time.monotonic()
        self.process = self._spawn()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def terminate(self) -> None:
        if not self.has_ended:
            self.process.terminate()

    def kill(self) -> None:
        """End the whole group, also the members that outlived their leader."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def last_line(self) -> str:
        """Read the last line of the log that is not empty."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        return lines[-1] if lines else "it said nothing"


def end_all(children: Iterable[ChildProcess], *, within_seconds: float) -> None:
    """End all of them, politely as long as there is time."""
    running = list(children)
    for child in running:
        child.terminate()
    give_up_at = time.monotonic() + within_seconds
    while time.monotonic() < give_up_at and not all(child.has_ended for child in running):
        time.sleep(0.01)
    for child in running:
        child.kill()


def end_stale(pids: Iterable[int]) -> bool:
    """End what a killed supervisor left running; give whether there was anything."""
    stale = [pid for pid in pids if _is_billfold(pid)]
    for pid in stale:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    return bool(stale)


def _is_billfold(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"\0billfold\0" in command or b"gunicorn" in command
