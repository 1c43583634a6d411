"""The private PostgreSQL that runs when DATABASE_URL names no server.

Several processes may share a cluster. Each holds a shared lock on `users` while it needs the
server; the first one in starts it, the last one out stops it. The kernel drops the lock of a
killed process, so a crash leaves a server that the next user takes over and later stops.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Final, Self, TextIO, TypedDict
from urllib.parse import quote

import psycopg
from psycopg import sql

from billfold.platform import state as places
from billfold.platform.postgres import processes, programs, refusals

SUPERUSER: Final = "postgres"
"""Sets the server up; nothing of Billfold works as it, so no statement of ours can do all."""
OWNER: Final = "billfold"
"""Owns the database of that name, and may make the billers' roles: as on a server of yours."""
SOCKET_PATH_BYTES: Final = 103  # The shortest limit among the systems we know is 104 with its NUL.
START_SECONDS: Final = 60.0
FAST_STOP_SECONDS: Final = 2.0
IMMEDIATE_STOP_SECONDS: Final = 5.0
ORPHANS_SECONDS: Final = 10.0

SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A lost test database is made again: it need not survive a power cut.
TEST_SETTINGS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Identity(TypedDict, total=False):
    """Arguments of subprocess that choose whom a process runs as."""

    user: int
    group: int
    extra_groups: list[int]


class Cluster:
    """One private PostgreSQL and its files, used from `start()` to `stop()`."""

    def __init__(self, state: Path, *, durable: bool = True) -> None:
        self.state = state.absolute()
        self.durable = durable
        self._users: TextIO | None = None
        self._user_pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._canceled = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @cached_property
    def home(self) -> Path:
        """The cluster's own folder: in the state directory, wherever its account can reach that.

        Root's PostgreSQL runs as `nobody`, who cannot enter, say, a folder under /root; opening
        that folder is not ours to do, so such a cluster lies under /var/lib/billfold.
        """
        inside, apart = (place / "postgres" for place in self._candidates())
        if (inside / "data").exists():
            return inside
        account = places.unprivileged()
        if account is None or places.can_reach(account, self.state):
            return inside
        return apart

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @cached_property
    def socket(self) -> Path:
        inside = self.home / "socket"
        if len(os.fsencode(inside / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES:
            return inside
        name = places.roots_place_of(self.home).name
        return Path("/tmp") / f"billfold-{os.geteuid()}-{name}"  # noqa: S108  owner is checked

    def dsn(self, dbname: str = OWNER, *, user: str = OWNER) -> str:
        """Write the address of a database in this cluster, as libpq and DATABASE_URL read it."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{user}@/{quote(dbname, safe='')}?host={host}&port=5432"

    def is_running(self) -> bool:
        return self._running_pid() is not None

    def cancel(self) -> None:
        """Make a start that is under way give up soon with Canceled."""
        self._canceled.set()

    def start(self) -> None:
        """Use the cluster: make it if it is new, start it if nobody has.

        Raises: Unavailable.
        """
        if self._users is not None and self.is_running():
            return
        with refusals.named_refusals(self.home), self._locked():
            self._users = self._users or (self.home / "users").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._launch()
                self._user_pid = os.getpid()
            except BaseException:
                self._release()
                raise

    def stop(self) -> None:
        """Stop using the cluster, and stop the server if nobody else uses it.

        Raises: NotStopped.
        """
        if self._users is None or self._user_pid != os.getpid():
            return  # A forked child has our objects, but the server is not its to stop.
        if not self.home.exists():
            self._abandon()
            return
        with self._locked():
            if self._alone():
                self._shut_down()
            self._release()

    def remove(self) -> None:
        """Stop the server and delete its database for good.

        Raises: InUse if another process uses it.
        """
        if not self.home.exists():
            return
        with refusals.named_refusals(self.home), self._locked():
            self._users = self._users or (self.home / "users").open("a")
            if not self._alone():
                self._release()
                raise refusals.InUse(data=self.data)
            self._shut_down()
            shutil.rmtree(self.home)
            if self.socket.exists():
                shutil.rmtree(self.socket)
            if self.home.parent != self.state:
                self.home.parent.rmdir()
            self._release()

    # -- Locks -------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock under which the server is started, stopped and removed."""
        path = self.home / "lock"
        while True:
            self._prepare()
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                # Its holder may have removed the cluster, and this lock with it, meanwhile.
                if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    yield
                    return

    def _alone(self) -> bool:
        assert self._users is not None
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # Others use it now; Popen would warn of what still runs.
        self._process = None
        if self._users is not None:
            self._users.close()
            self._users = None

    # -- Files -------------------------------------------------------------------------------

    def _candidates(self) -> tuple[Path, Path]:
        return self.state, places.roots_place_of(self.state)

    @cached_property
    def _account(self) -> places.Account | None:
        """Whom the server runs as: the owner of its data, or nobody. None: as ourselves."""
        if os.geteuid() == 0 and self.data.exists():
            status = self.data.stat()
            return places.Account(uid=status.st_uid, gid=status.st_gid)
        return places.unprivileged()

    @property
    def _identity(self) -> Identity:
        account = self._account
        if account is None:
            return Identity()
        return Identity(user=account.uid, group=account.gid, extra_groups=[])

    def _prepare(self) -> None:
        places.prepare(self.state)
        places.prepare(self.home.parent)
        if not self.home.is_dir():
            places.private_directory(self.home, entered_by=places.unprivileged())

    def _own_directory(self, path: Path) -> None:
        """Make a directory that belongs to the server's account alone; refuse anybody else's."""
        account = self._account or places.Account(uid=os.geteuid(), gid=os.getegid())
        try:
            path.mkdir(mode=0o700)
            os.chown(path, account.uid, account.gid)
        except FileExistsError:
            if path.is_symlink() or path.stat().st_uid != account.uid:
                raise refusals.NotWritable(path=str(path)) from None

    @cached_property
    def _programs(self) -> Path:
        account = self._account
        enters = None if account is None else partial(places.can_reach, account)
        return programs.locate(reachable=enters, copy_to=self.home)

    # -- The server --------------------------------------------------------------------------

    def _launch(self) -> None:
        """Leave a server running that takes connections, and its database made."""
        if self.data.exists():
            found = (self.data / "PG_VERSION").read_text().strip()
            if found != programs.MAJOR:
                raise refusals.OtherMajor(data=self.data, found=found, needed=programs.MAJOR)
        else:
            self._initialise()
        give_up_at = time.monotonic() + ORPHANS_SECONDS
        while True:
            if self._running_pid() is None or not self._becomes_ready():
                self._forget_killed_server()
                self._run_server()
            try:
                return self._make_database()
            except psycopg.OperationalError as refusal:
                # The server we found was about to die, or is picking itself up after a crash.
                if time.monotonic() > give_up_at:
                    reason = " ".join(str(refusal).split())
                    raise refusals.NotStarted(reason=reason, log=self.log) from refusal
                time.sleep(0.05)

    def _initialise(self) -> None:
        building = self.home / "data.new"
        if building.exists():
            shutil.rmtree(building)
        self._own_directory(building)
        command = [
            str(self._programs / "initdb"),
            f"--pgdata={building}",
            f"--username={SUPERUSER}",
            "--auth-local=trust",  # The socket's folder is closed to every other user.
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--data-checksums",
            "--no-instructions",
        ]
        if not self.durable:
            command.append("--no-sync")
        process = self._spawn(command)
        self._wait(lambda: process.poll() is not None, process)
        if process.returncode != 0:
            raise self._failure()
        building.rename(self.data)

    def _run_server(self) -> None:
        """Start the server and wait until it is ready.

        A killed postmaster's children let go of the shared memory a moment after it; until then
        PostgreSQL rightly refuses to start.
        """
        self._own_directory(self.socket)
        settings = {**SETTINGS, "unix_socket_directories": str(self.socket)}
        if not self.durable:
            settings |= TEST_SETTINGS
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        give_up_at = time.monotonic() + ORPHANS_SECONDS
        while True:
            process = self._process = self._spawn(command)
            self._wait(self._is_decided, process)
            if process.returncode is None:
                return
            failure = self._failure()
            if "still in use" not in str(failure) or time.monotonic() > give_up_at:
                raise failure
            time.sleep(0.1)

    def _is_decided(self) -> bool:
        """Tell whether the server we started has either ended or become ready."""
        assert self._process is not None
        if self._process.poll() is not None:
            return True
        # Until the new server has written its own, a killed one's file may still be there.
        return self._running_pid() == self._process.pid and self._status() == "ready"

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run one of PostgreSQL's programs apart from our terminal, writing to a new log."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("wb") as log, refusals.named_identity(self.log):
            return subprocess.Popen(  # noqa: S603  only PostgreSQL's own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **self._identity,
            )

    def _wait(self, done: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        try:
            while not done():
                if self._canceled.is_set():
                    raise refusals.Canceled
                if time.monotonic() > give_up_at:
                    raise refusals.NotStarted(
                        reason=f"not ready after {START_SECONDS:.0f} s", log=self.log
                    )
                time.sleep(0.005)
        except BaseException:
            if process.poll() is None:  # initdb has children of its own; all are in its group.
                os.killpg(
                    process.pid, signal.SIGQUIT if process is self._process else signal.SIGKILL
                )
                process.wait()
            raise

    def _failure(self) -> refusals.Unavailable:
        """Name why the last program failed, from its log."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
        telling = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
        reason = (telling or lines or ["it said nothing"])[-1 if not telling else 0]
        if any("No space left on device" in line for line in lines):
            return refusals.DiskFull(path=str(self.home))
        return refusals.NotStarted(
            reason=reason.partition("FATAL:")[2].strip() or reason, log=self.log
        )

    def _make_database(self) -> None:
        address = self.dsn("postgres", user=SUPERUSER)
        owner = sql.Identifier(OWNER)
        with psycopg.connect(address, autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [OWNER]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(owner))
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [OWNER])
            if not known.rowcount:
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(owner, owner))

    def _shut_down(self) -> None:
        """Stop the server, politely first. What was committed is safe either way."""
        pid = self._running_pid()
        if pid is None:
            return
        for demand, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS),
            (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
        ):
            os.kill(pid, demand)
            give_up_at = time.monotonic() + seconds
            while time.monotonic() < give_up_at:
                self._reap()
                if not processes.serves(pid, self.data):
                    if self._process is not None and self._process.pid == pid:
                        self._process.wait()
                    return
                time.sleep(0.005)
        raise refusals.NotStopped(pid=pid)

    def _abandon(self) -> None:
        """Let go of a cluster whose files somebody deleted under us."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None
        self._release()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.poll()

    # -- What postmaster.pid says ------------------------------------------------------------

    def _pid_file(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return []

    def _status(self) -> str:
        lines = self._pid_file()
        return lines[7].strip() if len(lines) > 7 else ""

    def _running_pid(self) -> int | None:
        self._reap()
        lines = self._pid_file()
        if lines and lines[0].isdigit() and processes.serves(int(lines[0]), self.data):
            return int(lines[0])
        return None

    def _becomes_ready(self) -> bool:
        """Wait for a server found starting or stopping: it ends up ready, or gone."""
        give_up_at = time.monotonic() + START_SECONDS
        while self._running_pid() is not None:
            if self._status() == "ready":
                return True
            if self._canceled.is_set():
                raise refusals.Canceled
            if time.monotonic() > give_up_at:
                raise refusals.NotStarted(
                    reason="another process is still starting it", log=self.log
                )
            time.sleep(0.005)
        return False

    def _forget_killed_server(self) -> None:
        """Drop what a killed server left behind that keeps a new one from starting.

        PostgreSQL overrides a dead number in postmaster.pid by itself, and looks for orphans of
        that server while it does. A living process of the same user it takes for a server: we know
        that this one is not, but must look for the orphans in its place.
        """
        if self._process is not None:
            self._process.wait()  # It serves no longer, but may not quite be gone.
        lines = self._pid_file()
        if lines and lines[0].isdigit() and processes.is_alive(int(lines[0])):
            segment = lines[6].split()[-1] if len(lines) > 6 else ""
            give_up_at = time.monotonic() + ORPHANS_SECONDS
            while processes.uses_shared_memory(segment):
                if time.monotonic() > give_up_at:
                    reason = "parts of a killed server are still running; restart the machine"
                    raise refusals.NotStarted(reason=reason, log=self.log)
                time.sleep(0.02)
            (self.data / "postmaster.pid").unlink()
        for leftover in self.socket.glob(".s.PGSQL.*"):
            leftover.unlink()
