"""The command that carries out the jobs: worker."""

from billfold.cli import child_processes, launcher
from billfold.worker import loop


@launcher.command("worker")
def work() -> None:
    """Carry out every job when it is due, until stopped."""
    child_processes.follow_supervisor()
    loop.work()
