"""One file that holds the whole database: made by pg_dump, put back by psql, or not at all.

The file is a plain ZIP with two members: `database.dump` in pg_dump's own format, and
`manifest.json`, which says whose it is and has the dump's hash. The keys are not in it, but they
seal the manifest: a dump is SQL, and only our own is carried out.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import conninfo, sql

from billfold.platform import live_mark, sealing, tenancy
from billfold.platform.ids import new_id
from billfold.platform.postgres import programs

FORMAT: Final = 2
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1 << 20
_HEAD_LINES: Final = 60
_TEXTS: Final = ("made_at", "mode", "identity", "key_check", "sha256", "seal")

Progress = Callable[[int], object]


class Unusable(Exception):
    """The backup cannot be brought back here."""


class NotABackup(Unusable):
    """The file is not one that `billfold backup` made, or was cut short."""


class Damaged(Unusable):
    """The bytes are not those that were saved: their hash differs."""


class MadeByNewer(Unusable):
    """The backup needs a newer Billfold or PostgreSQL than there is here."""


class OtherKeys(Unusable):
    """The keys here are not those with which the backup was sealed."""


class Altered(Unusable):
    """What it says about itself is not what was sealed with our keys."""


class NotEmpty(Unusable):
    """The database holds something already."""


class ProgramFailed(Unusable):
    """One of PostgreSQL's programs refused."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says about itself."""

    made_at: str
    billfold: str
    postgresql: int
    mode: str
    identity: str
    key_check: str
    billers: dict[str, list[str]]
    """The migrations of each schema."""
    sha256: str = ""
    size: int = 0
    format: int = FORMAT
    seal: str = ""
    """Keyed fingerprint of all the rest; through `sha256` it stands for the dump too."""

    def sealed(self) -> Manifest:
        """Give the same manifest with its seal. Raises: KeysMissing."""
        text = json.dumps(asdict(self) | {"seal": ""}, sort_keys=True)
        return replace(self, seal=sealing.fingerprint(text, purpose="manifest of a backup"))


def save(path: Path, *, now: datetime, progress: Progress) -> Manifest:
    """Write the whole database into a file that is there whole, or not at all.

    Raises: ProgramFailed, KeysMissing.
    """
    begun = _describe(now)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                with archive.open(DUMP, "w", force_zip64=True) as member:
                    sha256, size = _dump(member, progress)
                done = replace(begun, sha256=sha256, size=size).sealed()
                archive.writestr(MANIFEST, json.dumps(asdict(done), indent=2))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return done


def _describe(now: datetime) -> Manifest:
    with tenancy.nobody(), connection.cursor() as cursor:
        found = live_mark.instance(cursor)
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        major = int(cursor.fetchone()[0])
    return Manifest(
        made_at=now.isoformat(timespec="seconds"),
        billfold=_version(),
        postgresql=major,
        mode=found.mode if found else "demo",
        identity=str(found.identity) if found else "",
        key_check=key_check(),
        billers={each.schema: _migrations(each) for each in tenancy.billers()},
    )


def _version() -> str:
    """Name the version that runs; a checkout that was never installed has no number."""
    try:
        return metadata.version("billfold")
    except metadata.PackageNotFoundError:
        return "source"


def _migrations(biller: tenancy.Biller) -> list[str]:
    with tenancy.owning(biller), connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


def key_check() -> str:
    """Fingerprint our keys, without telling anything of them. Raises: KeysMissing."""
    return sealing.fingerprint("billfold", purpose="key check of a backup")


def _dump(target: IO[bytes], progress: Progress) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    # Rights are set anew by each restore, from the code that knows them.
    asked = ["--format=custom", "--no-owner", "--no-privileges", "--no-sync", "--lock-wait-timeout"]
    with _program("pg_dump", [*asked, "60s"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
            progress(size)
    return digest.hexdigest(), size


def read_manifest(path: Path) -> Manifest:
    """Read what a backup says about itself. Raises: NotABackup, MadeByNewer."""
    try:
        with zipfile.ZipFile(path) as archive:
            told: dict[str, Any] = json.loads(archive.read(MANIFEST))
            if told.get("format") != FORMAT:
                raise MadeByNewer(f"format {told.get('format')}")
            archive.getinfo(DUMP)
            read = Manifest(**told)
            if not all(isinstance(getattr(read, name), str) for name in _TEXTS):
                raise NotABackup
            return read
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as refused:
        raise NotABackup from refused


def check(path: Path, manifest: Manifest) -> None:
    """Check that a backup can be put back here.

    Raises: Damaged, Altered, MadeByNewer, OtherKeys, NotEmpty, KeysMissing.
    """
    if not hmac.compare_digest(key_check().encode(), manifest.key_check.encode()):
        raise OtherKeys
    if not hmac.compare_digest(manifest.sealed().seal.encode(), manifest.seal.encode()):
        raise Altered
    _check_bytes(path, manifest)
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}}
    unknown = sorted({name for each in manifest.billers.values() for name in each} - known)
    if unknown:
        raise MadeByNewer(f"a Billfold that has {unknown[-1]}; this one has not")
    with tenancy.nobody(), connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        major = int(cursor.fetchone()[0])
        if major < manifest.postgresql:
            raise MadeByNewer(f"PostgreSQL {manifest.postgresql}; this server is {major}")
        cursor.execute(
            """SELECT n.nspname || '.' || c.relname FROM pg_class c
               JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p', 'v', 'S') AND n.nspname !~ '^pg_'
                 AND n.nspname <> 'information_schema' LIMIT 1"""
        )
        if found := cursor.fetchone():
            raise NotEmpty(found[0])


def _check_bytes(path: Path, manifest: Manifest) -> None:
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive, archive.open(DUMP) as member:
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
    except zipfile.BadZipFile as refused:
        raise Damaged from refused
    if digest.hexdigest() != manifest.sha256:
        raise Damaged


def load(path: Path, manifest: Manifest) -> UUID:
    """Put a checked backup into the empty database, in one transaction; give its new identity.

    In the same transaction every biller goes on HOLD and the database gets another identity, so
    that no live mark there is can match it. Raises: Damaged, ProgramFailed.
    """
    identity = new_id()
    last = sql.SQL(
        "SET search_path = '';\n"
        "UPDATE public.instance SET identity = {};\n"
        "UPDATE public.biller SET state = 'hold';\n"
        "COMMIT;\n"
    ).format(sql.Literal(str(identity)))
    with tempfile.TemporaryFile(dir=settings.STATE_DIR) as script:
        with zipfile.ZipFile(path) as archive, archive.open(DUMP) as member:
            restore = ["--no-owner", "--no-privileges", "--file=-"]
            if _convert(restore, member, script) != manifest.sha256:
                raise Damaged  # Since it was checked.
        script.seek(0)
        asked = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        with _program("psql", asked, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
            assert process.stdin is not None
            # psql's own --single-transaction would commit half of it if we were killed here.
            process.stdin.write(b"BEGIN;\n")
            _feed(script, process.stdin)
            process.stdin.write(last.as_string(None).encode())
            process.stdin.close()
    for biller in tenancy.billers():
        tenancy.migrate(biller)
    return identity


def _convert(asked: list[str], dump: IO[bytes], script: IO[bytes]) -> str:
    """Turn a dump into SQL, whole, before the first line of it is carried out; give its hash."""
    digest = hashlib.sha256()
    with _program("pg_restore", asked, stdin=subprocess.PIPE, stdout=script) as process:
        assert process.stdin is not None
        while chunk := dump.read(_CHUNK):
            digest.update(chunk)
            process.stdin.write(chunk)
        process.stdin.close()
    return digest.hexdigest()


def _feed(script: IO[bytes], target: IO[bytes]) -> None:
    """Hand on the SQL, without the one setting that servers before PostgreSQL 17 do not know."""
    for _ in range(_HEAD_LINES):
        line = script.readline()
        if not line.startswith(b"SET transaction_timeout"):
            target.write(line)
    shutil.copyfileobj(script, target, _CHUNK)


@contextmanager
def _program(name: str, arguments: list[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of PostgreSQL's programs on our database. Raises: ProgramFailed."""
    address: dict[str, Any] = {"dbname": "billfold"} | conninfo.conninfo_to_dict(
        os.environ["DATABASE_URL"]
    )
    environment = dict(os.environ, PGCLIENTENCODING="UTF8")
    if password := address.pop("password", None):
        environment["PGPASSWORD"] = str(password)  # Not where the list of processes shows it.
    folder = programs.locate(reachable=None, copy_to=Path())
    target = [] if name == "pg_restore" else [f"--dbname={conninfo.make_conninfo('', **address)}"]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(  # noqa: S603  only PostgreSQL's own programs
            [str(folder / name), *target, *arguments],
            env=environment,
            stderr=complaints,
            **{"stdin": subprocess.DEVNULL, **pipes},
        )
        try:
            yield process
            process.wait()
        except BrokenPipeError:
            process.wait()  # It ended before it had read everything; why, it has told.
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None and not pipe.closed:
                    _close(pipe)
        if process.returncode != 0:
            complaints.seek(0)
            raise ProgramFailed(f"{name}: {_reason(complaints.read().decode(errors='replace'))}")


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _reason(complaints: str) -> str:
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or ["it said nothing"])[0]
