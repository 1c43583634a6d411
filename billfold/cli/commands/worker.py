"""The command that carries out the jobs: worker."""

from billfold import jobs
from billfold.cli import child_processes, launcher


@launcher.command("worker")
def work() -> None:
    """Carry out every job when it is due, until stopped."""
    child_processes.follow_supervisor()
    jobs.work()
