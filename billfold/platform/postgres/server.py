"""The private PostgreSQL that runs when DATABASE_URL names no server.

Several processes may share it. Each holds a shared lock on the file `users` while it needs the
server; the first one starts the server, the last one stops it. The kernel drops the lock of a
killed process, so a crash leaves a server running that the next process takes over and later stops.
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

from billfold.platform import state_directory
from billfold.platform.postgres import errors, logins, processes, programs
from billfold.platform.postgres.logins import Login

SUPERUSER: Final = "postgres"
"""Sets the server up. Billfold does not work as this user, so no statement of ours may do all."""
DATABASE: Final = "billfold"
USERS: Final = {
    Login.APP: "billfold_app",
    Login.OWNER: "billfold",
    Login.PROOF: "billfold_proof",
}
"""Whom each login signs in as. The owner may make the billers' roles, as on a server of theirs."""
_MAKE_USERS: Final = {
    Login.APP: "CREATE ROLE {0} LOGIN NOINHERIT",
    Login.OWNER: "CREATE ROLE {0} LOGIN CREATEROLE",
    Login.PROOF: (
        "CREATE ROLE {0} LOGIN NOINHERIT; ALTER ROLE {0} SET default_transaction_read_only = on"
    ),
}
_HAS_ROLE: Final = "SELECT FROM pg_roles WHERE rolname = %s"
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
    # Without it the log quotes the values that an error is about.
    "log_error_verbosity": "terse",
}
# A lost test database is made again: it need not survive a power cut.
TEST_SETTINGS: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ProcessUser(TypedDict, total=False):
    """Arguments of subprocess.Popen that choose whom a process runs as."""

    user: int
    group: int
    extra_groups: list[int]


class PrivateServer:
    """A private PostgreSQL and its files, used from `start()` to `stop()`."""

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
        """The server's own folder: in the state directory, if whom it runs as can reach that.

        Root's PostgreSQL runs as `nobody`, who cannot enter, say, a folder under /root; opening
        that folder is not ours to do, so then the server's folder is under /var/lib/billfold.
        """
        inside, outside = (parent / "postgres" for parent in self._candidates())
        if (inside / "data").exists():
            return inside
        user = state_directory.unprivileged_user()
        if user is None or state_directory.can_reach(user, self.state):
            return inside
        return outside

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
        name = state_directory.directory_for_root(self.home).name
        return Path("/tmp") / f"billfold-{os.geteuid()}-{name}"  # noqa: S108  owner is checked

    def addresses(self, dbname: str = DATABASE) -> dict[str, str]:
        """Return the settings that name a database on this server, one for each login."""
        return {
            setting: self.dsn(dbname, user=USERS[login])
            for login, setting in logins.SETTINGS.items()
        }

    def dsn(self, dbname: str = DATABASE, *, user: str = USERS[Login.APP]) -> str:
        """Return the address of a database on this server, as libpq and DATABASE_URL read it."""
        host = quote(str(self.socket), safe="")
        return f"postgresql://{user}@/{quote(dbname, safe='')}?host={host}&port=5432"

    def is_running(self) -> bool:
        return self._running_pid() is not None

    def cancel(self) -> None:
        """Make a start that is under way give up soon with StartCanceled."""
        self._canceled.set()

    def start(self) -> None:
        """Start using the server: make its files if there are none, start it if nobody has.

        Raises: Unavailable.
        """
        if self._users is not None and self.is_running():
            return
        with errors.translated_os_errors(self.home), self._locked():
            self._users = self._users or (self.home / "users").open("a")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._ensure_running()
                self._user_pid = os.getpid()
            except BaseException:
                self._release()
                raise

    def stop(self) -> None:
        """Stop using the server, and stop it if nobody else uses it.

        Raises: NotStopped.
        """
        if self._users is None or self._user_pid != os.getpid():
            return  # A forked child has our objects, but must not stop our server.
        if not self.home.exists():
            self._kill_and_release()
            return
        with self._locked():
            if self._is_last_user():
                self._shut_down()
            self._release()

    def remove(self) -> None:
        """Stop the server and delete its database for good.

        Raises: InUse if another process uses it.
        """
        if not self.home.exists():
            return
        with errors.translated_os_errors(self.home), self._locked():
            self._users = self._users or (self.home / "users").open("a")
            if not self._is_last_user():
                self._release()
                raise errors.InUse(data=self.data)
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
            self._make_folders()
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                # Whoever held it may have removed the folder, and this lock with it.
                if path.exists() and path.stat().st_ino == os.fstat(lock.fileno()).st_ino:
                    yield
                    return

    def _is_last_user(self) -> bool:
        """Say whether nobody else holds the lock on `users`."""
        assert self._users is not None
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.returncode = 0  # Others use it; Popen would warn that it still runs.
        self._process = None
        if self._users is not None:
            self._users.close()
            self._users = None

    # -- Files -------------------------------------------------------------------------------

    def _candidates(self) -> tuple[Path, Path]:
        return self.state, state_directory.directory_for_root(self.state)

    @cached_property
    def _user(self) -> state_directory.SystemUser | None:
        """Whom the server runs as: the owner of its data, or `nobody`. None: as ourselves."""
        if os.geteuid() == 0 and self.data.exists():
            status = self.data.stat()
            return state_directory.SystemUser(uid=status.st_uid, gid=status.st_gid)
        return state_directory.unprivileged_user()

    @property
    def _process_user(self) -> ProcessUser:
        user = self._user
        if user is None:
            return ProcessUser()
        return ProcessUser(user=user.uid, group=user.gid, extra_groups=[])

    def _make_folders(self) -> None:
        state_directory.create_if_missing(self.state)
        state_directory.create_if_missing(self.home.parent)
        if not self.home.is_dir():
            state_directory.make_private(self.home, entered_by=state_directory.unprivileged_user())

    def _make_owned_directory(self, path: Path) -> None:
        """Make a directory for the server's user alone; refuse one that is another user's."""
        user = self._user or state_directory.SystemUser(uid=os.geteuid(), gid=os.getegid())
        try:
            path.mkdir(mode=0o700)
            os.chown(path, user.uid, user.gid)
        except FileExistsError:
            if path.is_symlink() or path.stat().st_uid != user.uid:
                raise errors.NotWritable(path=str(path)) from None

    @cached_property
    def _programs(self) -> Path:
        user = self._user
        reachable = None if user is None else partial(state_directory.can_reach, user)
        return programs.locate(reachable=reachable, copy_to=self.home)

    # -- The server --------------------------------------------------------------------------

    def _ensure_running(self) -> None:
        """Make sure that a server runs, takes connections, and has our database."""
        if self.data.exists():
            version = (self.data / "PG_VERSION").read_text().strip()
            if version != programs.MAJOR:
                raise errors.OtherMajorVersion(
                    data=self.data, data_version=version, program_version=programs.MAJOR
                )
        else:
            self._initialise()
        give_up_at = time.monotonic() + ORPHANS_SECONDS
        while True:
            if self._running_pid() is None or not self._wait_for_ready():
                self._clean_up_after_killed_server()
                self._run_server()
            try:
                return self._make_database()
            except psycopg.OperationalError as error:
                # The server that ran was about to end, or is recovering from a crash.
                if time.monotonic() > give_up_at:
                    reason = " ".join(str(error).split())
                    raise errors.NotStarted(reason=reason, log=self.log) from error
                time.sleep(0.05)

    def _initialise(self) -> None:
        building = self.home / "data.new"
        if building.exists():
            shutil.rmtree(building)
        self._make_owned_directory(building)
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

        The children of a killed postmaster release the shared memory a moment after it; until then
        PostgreSQL rightly refuses to start.
        """
        self._make_owned_directory(self.socket)
        settings = {**SETTINGS, "unix_socket_directories": str(self.socket)}
        if not self.durable:
            settings |= TEST_SETTINGS
        command = [str(self._programs / "postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        give_up_at = time.monotonic() + ORPHANS_SECONDS
        while True:
            process = self._process = self._spawn(command)
            self._wait(self._has_started_or_failed, process)
            if process.returncode is None:
                return
            failure = self._failure()
            if "still in use" not in str(failure) or time.monotonic() > give_up_at:
                raise failure
            time.sleep(0.1)

    def _has_started_or_failed(self) -> bool:
        """Say whether the server we started has either become ready or ended."""
        assert self._process is not None
        if self._process.poll() is not None:
            return True
        # Until the new server has written its own, a killed one's file may still be there.
        return self._running_pid() == self._process.pid and self._status() == "ready"

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run one of PostgreSQL's programs detached from our terminal, writing to a new log."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("wb") as log, errors.translated_user_errors(self.log):
            return subprocess.Popen(  # noqa: S603  only PostgreSQL's own programs
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                **self._process_user,
            )

    def _wait(self, is_over: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        """Wait until `is_over`; on any error end the process. Raises: StartCanceled, NotStarted."""
        give_up_at = time.monotonic() + START_SECONDS
        try:
            while not is_over():
                if self._canceled.is_set():
                    raise errors.StartCanceled
                if time.monotonic() > give_up_at:
                    raise errors.NotStarted(
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

    def _failure(self) -> errors.Unavailable:
        """Read from its log why the last program failed."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines()]
        causes = [line for line in lines if "FATAL" in line or "error:" in line or "PANIC" in line]
        reason = causes[0] if causes else (lines or ["it said nothing"])[-1]
        if any("No space left on device" in line for line in lines):
            return errors.DiskFull(path=str(self.home))
        return errors.NotStarted(
            reason=reason.partition("FATAL:")[2].strip() or reason, log=self.log
        )

    def _make_database(self) -> None:
        address = self.dsn("postgres", user=SUPERUSER)
        with psycopg.connect(address, autocommit=True) as connection:
            for login, user in USERS.items():
                if not connection.execute(_HAS_ROLE, [user]).rowcount:
                    make = sql.SQL(_MAKE_USERS[login])
                    connection.execute(make.format(sql.Identifier(user)))
            database = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if not database.rowcount:
                names = sql.Identifier(DATABASE), sql.Identifier(USERS[Login.OWNER])
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*names))

    def _shut_down(self) -> None:
        """Stop the server, gently first. What was committed is safe either way."""
        pid = self._running_pid()
        if pid is None:
            return
        for stop_signal, seconds in (
            (signal.SIGINT, FAST_STOP_SECONDS),
            (signal.SIGQUIT, IMMEDIATE_STOP_SECONDS),
        ):
            os.kill(pid, stop_signal)
            give_up_at = time.monotonic() + seconds
            while time.monotonic() < give_up_at:
                self._reap()
                if not processes.is_server_of(pid, self.data):
                    if self._process is not None and self._process.pid == pid:
                        self._process.wait()
                    return
                time.sleep(0.005)
        raise errors.NotStopped(pid=pid)

    def _kill_and_release(self) -> None:
        """Kill a server whose files somebody deleted while it ran."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None
        self._release()

    def _reap(self) -> None:
        if self._process is not None:
            self._process.poll()

    # -- The file postmaster.pid --------------------------------------------------------------

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
        if lines and lines[0].isdigit() and processes.is_server_of(int(lines[0]), self.data):
            return int(lines[0])
        return None

    def _wait_for_ready(self) -> bool:
        """Wait for a server that is starting or stopping; say whether it became ready."""
        give_up_at = time.monotonic() + START_SECONDS
        while self._running_pid() is not None:
            if self._status() == "ready":
                return True
            if self._canceled.is_set():
                raise errors.StartCanceled
            if time.monotonic() > give_up_at:
                raise errors.NotStarted(reason="another process is still starting it", log=self.log)
            time.sleep(0.005)
        return False

    def _clean_up_after_killed_server(self) -> None:
        """Delete what a killed server left behind that keeps a new one from starting.

        PostgreSQL itself overrides the number of a dead process in postmaster.pid, and looks for
        orphans of that server while it does. A living process of the same user it takes for a
        server: we know that it is none, but must look for the orphans ourselves.
        """
        if self._process is not None:
            self._process.wait()  # It serves no longer, but may not have ended yet.
        lines = self._pid_file()
        if lines and lines[0].isdigit() and processes.is_alive(int(lines[0])):
            segment = lines[6].split()[-1] if len(lines) > 6 else ""
            give_up_at = time.monotonic() + ORPHANS_SECONDS
            while processes.uses_shared_memory(segment):
                if time.monotonic() > give_up_at:
                    reason = "parts of a killed server are still running; restart the machine"
                    raise errors.NotStarted(reason=reason, log=self.log)
                time.sleep(0.02)
            (self.data / "postmaster.pid").unlink()
        for leftover in self.socket.glob(".s.PGSQL.*"):
            leftover.unlink()
