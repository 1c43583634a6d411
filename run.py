#!/usr/bin/env python3
"""Makes Billfold's Python environment from the hashed lock, then runs Billfold in it.

Standard library only. An old Python must be able to read this file, so that it can say which one
is needed: keep to the syntax of Python 3.6.
"""

import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  older ones do run this file, up to here
    sys.exit(
        f"Billfold needs Python 3.11 or newer and this is Python {sys.version_info[0]}."
        f"{sys.version_info[1]}: install a newer one and run, say, `python3.11 run.py demo`."
    )

from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parent
ENVIRONMENT = PROJECT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
MARK = ENVIRONMENT / "billfold-lock.json"
LOG = ENVIRONMENT / "install.log"

USAGE = """\
usage: python3 run.py COMMAND

  demo [--port N] [--fresh] [--state DIR]   show a working portal with a sample biller
  test [--require-samples] [pytest arguments]
                                            run the whole test suite; fail on one skip
  check                                     formatting, lint, types, imports, migrations, locks, and
                                            whether every test loads
  bench [NAME] [--large | --tiny]           run the benchmarks
  fuzz READER [--seconds N]                 throw bytes at a reader of bank files
  mutate [PATH] [--changed] [--sample N]    change the code here and there: does a test notice?
  billfold ...                              the command line; `billfold --help` lists it
"""
KIND = {
    "demo": "run",
    "billfold": "run",
    "test": "dev",
    "check": "dev",
    "bench": "bench",
    "fuzz": "bench",
    "mutate": "mutate",
}
"""Which lock a command needs; that of `bench` also has other readers, to compare with."""
HOLDS = {
    "run": ("run",),
    "dev": ("run", "dev"),
    "bench": ("run", "dev", "bench"),
    "mutate": ("run", "dev", "mutate"),
}


class Refused(Exception):
    """The command cannot be carried out; the message is one line and says what to do."""


def main(arguments: list[str]) -> int:
    """Prepare the environment and carry out one command in it."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(USAGE, end="")
        return 0 if arguments else 1
    command, rest = arguments[0], arguments[1:]
    if command not in KIND:
        raise Refused(f"There is no command {command!r}: see `python3 run.py --help`.")
    prepare(KIND[command])
    if command == "check":
        return check()
    if command == "bench":
        return bench(rest)
    if command == "test":
        os.chdir(str(PROJECT))
        # The whole suite runs on every core, a file at a time, in the order in which tests were
        # collected; a part of it on one. Many tests wait for a browser or a command: half as many
        # again as there are cores keep all of them busy.
        cores = os.cpu_count() or 1
        parallel = ["-n", str(min(cores + (cores + 1) // 2, 8)), "--dist", "loadfile"]
        parallel.append("--no-loadscope-reorder")
        become(["-m", "pytest", *(rest if set(rest) - {"--require-samples"} else parallel + rest)])
    if command in ("fuzz", "mutate"):
        os.chdir(str(PROJECT))
        become(["-m", {"fuzz": "fuzz", "mutate": "mutation"}[command], *rest])
    become(["-m", "billfold", *(["demo"] if command == "demo" else []), *rest])
    return 0


def become(arguments: list[str]) -> None:
    """Replace this process by the environment's Python, so that signals to us reach it."""
    sys.stdout.flush()
    os.execve(str(PYTHON), [str(PYTHON), *arguments], child_environment())


def child_environment() -> dict[str, str]:
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]
    return dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in paths if path))


# -- The environment ---------------------------------------------------------------------------


def prepare(kind: str) -> None:
    """Install into the environment what the lock of that kind names, unless it is there."""
    if is_prepared(kind):
        return
    with only_one_at_a_time():
        if is_prepared(kind):
            return
        tool = find_installer()
        if not is_sound():
            make_environment(tool)
        install(kind, tool)
        mark = {name: lock_hash(name) for name in HOLDS[kind]}
        mark["python"] = version_inside()
        new_file = MARK.with_suffix(".new")
        new_file.write_text(json.dumps(mark))
        new_file.replace(MARK)


def is_prepared(kind: str) -> bool:
    mark = recorded()
    return mark.get(kind) == lock_hash(kind) and mark.get("python") == version_inside()


def recorded() -> dict[str, str]:
    try:
        mark = json.loads(MARK.read_text())
    except (OSError, ValueError):
        return {}
    return mark if isinstance(mark, dict) else {}


def lock_file(kind: str) -> Path:
    return PROJECT / "requirements" / (kind + ".txt")


def lock_hash(kind: str) -> str:
    return hashlib.sha256(lock_file(kind).read_bytes()).hexdigest()


def version_inside() -> str:
    """Ask the environment's Python for its version: the system may have replaced it since."""
    try:
        command = [str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        return subprocess.check_output(command, stderr=subprocess.DEVNULL).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def is_sound() -> bool:
    """Say whether packages can be installed into the environment: it may be incomplete, or old."""
    if recorded().get("python", version_inside()) != version_inside():
        return False
    try:
        return subprocess.call([str(PYTHON), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Hold the project folder, so that two starts do not install into one environment."""
    folder = os.open(str(PROJECT), os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another run.py, which is installing ...")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def find_installer() -> str:
    """Choose uv, or else Python's own venv and pip."""
    uv = shutil.which("uv")
    if uv is None and not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise Refused(
            "Python's venv module is missing: install it (on Debian and Ubuntu "
            "`apt install python3-venv`) or install uv, then run this again."
        )
    return uv or ""


def make_environment(uv: str) -> None:
    if ENVIRONMENT.exists():
        shutil.rmtree(str(ENVIRONMENT))
    ENVIRONMENT.mkdir()
    python = getattr(sys, "_base_executable", sys.executable)
    uv_venv = [uv, "venv", "--quiet", "--allow-existing", "--seed", "--python", python]
    if uv and run([*uv_venv, str(ENVIRONMENT)], "Making .venv") == 0:
        return
    if run([python, "-m", "venv", str(ENVIRONMENT)], "Making .venv") != 0:
        raise failure("Making .venv failed")


def install(kind: str, uv: str) -> None:
    """Install exactly what the lock names; uv first, and pip where uv cannot."""
    lock = str(lock_file(kind))
    count = sum(1 for line in lock_file(kind).read_text().splitlines() if line[:1].isalnum())
    title = f"Installing {count} packages into .venv, this once"
    options = ["install", "--quiet", "--require-hashes", "-r", lock]
    # pip compiles what it installs, uv only if told to: else each command's start would do it.
    into = ["--python", str(PYTHON), "--compile-bytecode"]
    if uv and run([uv, "pip", *options[:1], *into, *options[1:]], title) == 0:
        return
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *options]
    if run(pip, title) != 0:
        raise failure("The packages could not be installed")


def run(command: list[str], title: str) -> int:
    """Run a tool with its output in the log, showing that time passes; end it if we are ended."""
    with LOG.open("wb") as log:
        environment = dict(
            os.environ, PIP_NO_WARN_SCRIPT_LOCATION="1", PIP_ROOT_USER_ACTION="ignore"
        )
        tool = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            return wait_showing(tool.poll, title)
        except BaseException:
            os.killpg(tool.pid, signal.SIGTERM)
            tool.wait()
            raise


def wait_showing(poll: Callable[[], "int | None"], title: str) -> int:
    """Wait for an exit code; on a terminal the seconds count up in one line."""
    began = time.monotonic()
    step = 1 if sys.stderr.isatty() else 15
    next_at = began + 1
    while True:
        code = poll()
        if code is not None:
            break
        if time.monotonic() >= next_at:
            say(f"{title} ... {time.monotonic() - began:.0f} s", again=sys.stderr.isatty())
            next_at = time.monotonic() + step
        time.sleep(0.05)
    if sys.stderr.isatty() and next_at > began + 1:
        sys.stderr.write("\n")
    return code


def say(text: str, again: bool = False) -> None:
    sys.stderr.write("\r" + text if again else text + "\n")
    sys.stderr.flush()


def failure(title: str) -> Refused:
    """Say from its log why a tool failed."""
    lines = [line.strip() for line in LOG.read_text(errors="replace").splitlines() if line.strip()]
    is_full = shutil.disk_usage(str(ENVIRONMENT)).free < 1_000_000
    if is_full or any("No space left" in line or "Disk quota" in line for line in lines):
        return Refused(no_space(ENVIRONMENT))
    errors = [line for line in lines if line.lower().startswith("error")] or lines[-1:] or ["?"]
    reason = errors[-1][:300].rstrip(".")
    return Refused(f"{title}: {reason} (is the network reachable? see {LOG}).")


# -- Commands that are not Billfold's ----------------------------------------------------------


def check() -> int:
    """Run every static check; all of them, even after one has failed."""
    settings = PROJECT / "billfold" / "config" / "settings.py"
    migrations = ["-W", "ignore", "-m", "django", "makemigrations"]
    migrations += ["--check", "--dry-run", "--skip-checks"]
    checks = {
        "formatting": ["-m", "ruff", "format", "--check", "."],
        "lint": ["-m", "ruff", "check", "."],
        "types": ["-m", "mypy"],
        "import contracts": [str(PYTHON.with_name("lint-imports"))],
        "migrations": migrations if settings.exists() else ["-c", ""],
        "locks and limits": ["-m", "pytest", "-q", "tests/tidy"],
        # Also compiles them, so that the processes of `test` find them compiled.
        "tests can be loaded": ["-m", "pytest", "-qq", "--collect-only", "--no-summary"],
    }
    environment = dict(
        child_environment(), DJANGO_SETTINGS_MODULE="billfold.config.settings", BILLFOLD_MODE="test"
    )
    began = time.monotonic()
    # All at once: the longest has a core for itself, and the others share what is left.
    running = {
        title: subprocess.Popen(
            [str(PYTHON), *arguments],
            cwd=str(PROJECT),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for title, arguments in checks.items()
    }
    failed = []
    for title, process in running.items():
        say(f"{title} ...")
        output, _ = process.communicate()
        if process.returncode != 0:
            failed.append(title)
            sys.stdout.buffer.write(output)
            sys.stdout.flush()
        outcome = "FAILED" if title in failed else "ok"
        say(f"{title}: {outcome}, {time.monotonic() - began:.1f} s after the start")
    if failed:
        raise Refused("Failed: " + ", ".join(failed) + ".")
    return 0


def bench(arguments: list[str]) -> int:
    """Run the named benchmark, or each in turn."""
    known = sorted(path.stem for path in (PROJECT / "bench").glob("[a-z]*.py"))
    names = [word for word in arguments if not word.startswith("-")]
    options = [word for word in arguments if word.startswith("-")]
    unknown = [name for name in names if name not in known]
    if unknown or not known or set(options) - {"--large", "--tiny"}:
        wrong = " ".join(unknown or options) or "nothing to run"
        raise Refused(
            f"Unknown: {wrong}. The benchmarks are: " + (", ".join(known) or "none") + "."
        )
    codes = []
    for name in names or known:
        command = [str(PYTHON), "-m", "bench." + name, *options]
        codes.append(subprocess.call(command, cwd=str(PROJECT), env=child_environment()))
    return max(codes)


def explain(error: OSError) -> str:
    """Say in one line what the system refused, and what to do."""
    path = error.filename or PROJECT
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"Cannot write to {path}: make the folder this user's, or copy Billfold to one that is."
        )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(path)
    return f"{path}: {error.strerror}"


def no_space(path: object) -> str:
    return f"No space is left for {path}: free about 500 MB and run again."


def exit_on_signal(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, exit_on_signal)
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as refusal:
        sys.exit(str(refusal))
    except OSError as error:
        sys.exit(explain(error))
    except KeyboardInterrupt:
        sys.exit(130)
