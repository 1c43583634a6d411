"""Two commands on a clean machine: what run.py, the demo and the private PostgreSQL promise."""

from __future__ import annotations

import ast
import contextlib
import http.client
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from billfold.platform import state_directory as places
from billfold.platform.postgres import errors
from billfold.platform.postgres.logins import SETTINGS, Login
from billfold.platform.postgres.server import USERS, PrivateServer
from tests.places import PROJECT
from tests.ports import free_port
from tests.waiting import HUNG_AFTER_SECONDS

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def state() -> Iterator[Path]:
    """Make an empty state directory that PostgreSQL's account can reach, and clear up after it."""
    place = Path(tempfile.mkdtemp(prefix="billfold-setup-"))
    place.chmod(0o711)
    yield place
    with contextlib.suppress(errors.Unavailable):
        PrivateServer(place).remove()
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def shared_state() -> Iterator[Path]:
    """Make one state directory for the stories that only need some cluster."""
    place = Path(tempfile.mkdtemp(prefix="billfold-setup-"))
    place.chmod(0o711)
    yield place
    PrivateServer(place).remove()
    shutil.rmtree(place)


@pytest.fixture
def cluster(shared_state: Path) -> Iterator[PrivateServer]:
    with PrivateServer(shared_state, durable=False) as running:
        yield running


def ask(cluster: PrivateServer, question: str) -> object:
    with psycopg.connect(cluster.dsn()) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def server_pid(cluster: PrivateServer) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def environment(**changes: str) -> dict[str, str]:
    """Give a child process an environment that names no server and no state."""
    ours = {*SETTINGS.values(), "BILLFOLD_STATE", "BILLFOLD_MODE"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(PROJECT)} | changes


def demo(state: Path, *options: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "billfold", "demo", "--state", str(state), *options],
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=HUNG_AFTER_SECONDS,
        check=False,
    )


def assert_refused(outcome: subprocess.CompletedProcess[str], *words: str) -> None:
    assert outcome.returncode == 1
    assert len(outcome.stderr.splitlines()) == 1
    for word in words:
        assert word in outcome.stderr


# -- The private PostgreSQL --------------------------------------------------------------------


def test_a_cluster_answers_on_a_private_socket_only(cluster: PrivateServer) -> None:
    settings = {
        "listen_addresses": "",
        "data_checksums": "on",
        "jit": "off",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "unix_socket_permissions": "0700",
    }

    assert {
        name: ask(cluster, f"SELECT current_setting('{name}')") for name in settings
    } == settings
    assert ask(cluster, "SELECT current_database()") == "billfold"
    assert stat.S_IMODE(cluster.socket.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700


def test_a_cluster_sorts_text_by_code_point_on_every_machine(cluster: PrivateServer) -> None:
    words = "SELECT string_agg(w, ' ' ORDER BY w) FROM unnest(ARRAY['b', 'ä', 'a', 'B']) AS w"

    assert ask(cluster, words) == "B a b ä"
    assert ask(cluster, "SELECT upper('ä')") == "Ä"


def test_only_a_test_cluster_gives_up_durability(cluster: PrivateServer) -> None:
    assert ask(cluster, "SELECT current_setting('fsync')") == "off"
    cluster.stop()

    with PrivateServer(cluster.state) as durable:
        assert ask(durable, "SELECT current_setting('fsync')") == "on"


def test_stopping_ends_the_server_and_keeps_the_data(cluster: PrivateServer) -> None:
    owner = cluster.dsn(user=USERS[Login.OWNER])
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    cluster.stop()
    assert not cluster.is_running()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(cluster.dsn())

    cluster.start()
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_the_last_user_of_a_cluster_stops_it(cluster: PrivateServer) -> None:
    second = PrivateServer(cluster.state)
    second.start()

    cluster.stop()
    assert second.is_running()
    assert ask(second, "SELECT 1") == 1

    second.stop()
    assert not second.is_running()


def test_two_processes_may_start_a_new_cluster_at_once(state: Path) -> None:
    program = (
        "import sys, pathlib, psycopg\n"
        "from billfold.platform.postgres.server import USERS, PrivateServer\n"
        "with PrivateServer(pathlib.Path(sys.argv[1]), durable=False) as c:\n"
        "    print(psycopg.connect(c.dsn()).execute('SELECT 42').fetchone()[0])"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(state)],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]

    assert [process.communicate(timeout=HUNG_AFTER_SECONDS)[0] for process in started] == [
        "42\n"
    ] * 3
    assert not PrivateServer(state).is_running()


def test_a_killed_server_is_started_again(cluster: PrivateServer) -> None:
    os.kill(server_pid(cluster), signal.SIGKILL)

    with PrivateServer(cluster.state, durable=False) as next_user:
        assert ask(next_user, "SELECT 1") == 1


def test_a_stale_number_that_now_belongs_to_another_process_is_no_obstacle(
    cluster: PrivateServer,
) -> None:
    pid_file = cluster.data / "postmaster.pid"
    stale = pid_file.read_text().split("\n")
    cluster.stop()
    stale[0] = str(os.getpid())
    pid_file.write_text("\n".join(stale))
    shutil.chown(pid_file, cluster.data.stat().st_uid, cluster.data.stat().st_gid)

    assert not cluster.is_running()
    cluster.start()
    assert ask(cluster, "SELECT 1") == 1


def test_half_made_data_is_made_anew(state: Path) -> None:
    cluster = PrivateServer(state, durable=False)
    half = cluster.home / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    with cluster:
        assert ask(cluster, "SELECT 1") == 1


def test_data_of_another_major_version_is_refused(
    cluster: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.stop()
    monkeypatch.setattr("billfold.platform.postgres.programs.MAJOR", "19")

    with pytest.raises(errors.OtherMajorVersion) as refusal:
        cluster.start()

    assert "made by PostgreSQL 18" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not cluster.is_running()


def test_a_long_path_gets_a_short_socket(state: Path) -> None:
    deep = state / ("d" * 100)

    with PrivateServer(deep, durable=False) as cluster:
        assert ask(cluster, "SELECT 1") == 1
        assert len(os.fsencode(cluster.socket)) < 90
        assert stat.S_IMODE(cluster.socket.stat().st_mode) == 0o700
    cluster.remove()
    assert not cluster.socket.exists()


def test_a_cluster_in_use_is_not_removed(cluster: PrivateServer) -> None:
    with pytest.raises(errors.InUse):
        PrivateServer(cluster.state).remove()

    assert ask(cluster, "SELECT 1") == 1


def test_a_canceled_start_leaves_nothing_running(state: Path) -> None:
    cluster = PrivateServer(state, durable=False)
    cluster.cancel()

    with pytest.raises(errors.StartCanceled):
        cluster.start()

    assert not cluster.is_running()
    assert not cluster.data.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to act as somebody else")
def test_root_runs_postgresql_as_nobody_and_opens_no_folder_of_his(state: Path) -> None:
    closed = state / "closed"
    closed.mkdir(mode=0o700)

    with PrivateServer(closed / "state", durable=False) as cluster:
        owner = Path(f"/proc/{server_pid(cluster)}").stat().st_uid
        assert owner == places.unprivileged_user().uid  # type: ignore[union-attr]
        assert cluster.home.is_relative_to(places.ROOT_STATE_HOME)
    cluster.remove()

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert not cluster.home.parent.exists()


@pytest.mark.skipif(not AS_ROOT, reason="only root has to act as somebody else")
def test_programs_nobody_cannot_reach_are_copied(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "can_reach", lambda _account, path: path == state)

    with PrivateServer(state, durable=False) as cluster:
        assert ask(cluster, "SELECT 1") == 1
        command = Path(f"/proc/{server_pid(cluster)}/cmdline").read_bytes()
        assert os.fsencode(cluster.home) in command.split(b"\0")[0]


# -- The demo ----------------------------------------------------------------------------------


def test_a_port_in_use_is_one_line(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        assert_refused(demo(state, "--port", str(port)), f"Port {port} is in use", "--port")


def test_a_demo_touches_no_folder_of_somebody_else(state: Path) -> None:
    (state / "thesis.txt").write_text("years of work")

    assert_refused(demo(state, "--fresh"), "thesis.txt", "--state")
    assert (state / "thesis.txt").exists()


def test_a_demo_touches_no_live_installation(state: Path) -> None:
    (state / "mode").write_text("live\n")

    assert_refused(demo(state, "--fresh"), "live installation")


def test_a_fresh_demo_empties_no_server_it_did_not_start(state: Path) -> None:
    outcome = demo(state, "--fresh", DATABASE_URL="postgresql:///production")

    assert_refused(outcome, "DATABASE_URL")


def test_a_demo_asked_to_stop_while_it_starts_leaves_nothing_running(state: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "billfold", "demo", "--state", str(state)]
    starting = subprocess.Popen(
        [*command, "--port", str(port)], env=environment(), stdout=subprocess.PIPE, text=True
    )
    assert starting.stdout is not None
    assert "Starting PostgreSQL" in starting.stdout.readline()

    starting.terminate()
    starting.communicate(timeout=HUNG_AFTER_SECONDS)

    assert starting.returncode == 0
    assert not PrivateServer(state).is_running()


@pytest.mark.faults
def test_a_killed_demo_starts_again_and_stops_when_asked(state: Path) -> None:
    port = free_port()
    with running_demo(state, port) as killed:
        assert health(port) == 200
        killed.kill()

    with running_demo(state, port) as second:
        assert health(port) == 200
        second.terminate()
        second.communicate(timeout=HUNG_AFTER_SECONDS)

    assert second.returncode == 0
    assert not PrivateServer(state).is_running()
    with pytest.raises(OSError, match="refused"):
        health(port)


def health(port: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HUNG_AFTER_SECONDS)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status
    finally:
        connection.close()


@contextlib.contextmanager
def running_demo(state: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Start a demo, wait for its address, and stop it with all its processes."""
    command = [sys.executable, "-m", "billfold", "demo", "--state", str(state)]
    running = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert running.stdout is not None
    printed = []
    for line in running.stdout:
        printed.append(line)
        if f"http://localhost:{port}/" in line:
            break
    else:
        pytest.fail("".join(printed))
    with running:
        try:
            yield running
        finally:
            running.terminate()
            running.wait(HUNG_AFTER_SECONDS)


def test_a_database_that_does_not_answer_is_one_line(state: Path) -> None:
    outcome = subprocess.run(
        [sys.executable, "-m", "billfold", "migrate"],
        env=environment(BILLFOLD_STATE=str(state), DATABASE_URL="postgresql:///x?host=/nowhere"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert_refused(outcome, "The database does not answer", "DATABASE_URL")


# -- run.py ------------------------------------------------------------------------------------


@pytest.fixture
def clone() -> Iterator[Path]:
    """Copy what run.py needs, without an environment, to where any user can read it."""
    place = Path(tempfile.mkdtemp(prefix="billfold-clone-"))
    place.chmod(0o755)
    shutil.copy(PROJECT / "run.py", place)
    shutil.copytree(PROJECT / "requirements", place / "requirements")
    yield place
    place.chmod(0o755)
    shutil.rmtree(place)


def test_an_old_python_can_read_run_py_and_is_told_what_it_lacks() -> None:
    text = (PROJECT / "run.py").read_text()
    ast.parse(text, feature_version=(3, 6))
    pretend = (
        "import sys; sys.version_info = (3, 6, 15); exec(compile(sys.stdin.read(), 'run', 'exec'))"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", pretend], input=text, capture_output=True, text=True, check=False
    )

    assert_refused(outcome, "needs Python 3.11", "this is Python 3.6")


def test_a_missing_venv_module_is_one_line(clone: Path) -> None:
    program = (
        "import importlib.util, runpy, sys; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'ensurepip' else find(name)\n"
        "sys.argv = ['run.py', 'demo']; runpy.run_path(sys.argv[0], run_name='__main__')"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", program],
        cwd=clone,
        env=environment(PATH=str(clone)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert_refused(outcome, "venv module is missing", "python3-venv")


def python_of(account: places.SystemUser | None) -> str:
    """Find a Python that the account can run; root's own may lie where nobody else can go."""
    for python in (sys.executable, "/usr/bin/python3"):
        enough = "import sys; sys.exit(sys.version_info < (3, 11))"
        with contextlib.suppress(OSError):
            command = [python, "-c", enough]
            if subprocess.run(command, check=False, cwd="/", **identity(account)).returncode == 0:
                return python
    pytest.skip("no Python 3.11 or newer that a normal user can run")


def identity(account: places.SystemUser | None) -> dict[str, object]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def test_a_read_only_folder_is_one_line(clone: Path) -> None:
    account = places.unprivileged_user()
    python = python_of(account)
    clone.chmod(0o555)

    outcome = subprocess.run(
        [python, "run.py", "demo"],
        cwd=clone,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        **identity(account),
    )

    assert_refused(outcome, "Cannot write to", str(clone))


def test_an_unknown_command_is_one_line() -> None:
    outcome = subprocess.run(
        [sys.executable, str(PROJECT / "run.py"), "dmeo"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert_refused(outcome, "dmeo", "--help")
