"""The demo: how long it takes to stop, and to start after a kill beside after a stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import _figures, _size
from billfold.platform.postgres.logins import SETTINGS

STOP_SECONDS: Final = 3.0
BEGUN: Final = "Preparing the database"
READY: Final = _size.choose(tiny=BEGUN, usual="Ctrl-C stops everything")
"""What the demo prints once it answers; the suite does not wait for so much."""


class _Demo:
    """A demo that runs on one state folder, whenever it is started."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        state = ["--state", str(folder / "state"), "--port", str(port)]
        self._command = [sys.executable, "-m", "billfold", "demo", *state]
        ours = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE"}
        self._environment = {name: os.environ[name] for name in os.environ.keys() - ours}

    def start(self, until: str = READY) -> None:
        """Start it and wait until it has printed some words."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if until in line:
                return
        raise SystemExit("".join(lines))

    def stop(self) -> None:
        self._process.terminate()
        rest, _ = self._process.communicate()
        assert self._process.returncode == 0, rest

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()


def main() -> int:
    """Measure and print."""
    with TemporaryDirectory(prefix="billfold-bench-") as folder:
        Path(folder).chmod(0o711)
        demo = _Demo(Path(folder))
        demo.start(until=BEGUN)
        stop_at_once = _figures.seconds(demo.stop)
        first_start = _figures.seconds(demo.start)
        stop = _figures.seconds(demo.stop)
        start = _figures.seconds(demo.start)
        demo.kill()
        start_after_kill = _figures.seconds(demo.start)
        last_stop = _figures.seconds(demo.stop)
    note = f"first start {first_start:.1f} s, later ones {start:.1f} s"
    for name, seconds in (
        ("demo stopped while it starts, seconds", stop_at_once),
        ("demo stopped, seconds", stop),
        ("demo stopped that had started after a kill, seconds", last_stop),
    ):
        _figures.report(name, seconds, STOP_SECONDS, at_most=True)
    _figures.report(
        "start after a kill / after a stop", start_after_kill / start, 1.5, at_most=True, note=note
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
