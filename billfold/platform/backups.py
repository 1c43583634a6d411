"""Backups: one file with the whole database, made by pg_dump and restored by psql.

The file is a ZIP with two members: `database.dump` in pg_dump's own format, and `manifest.json`,
which says of which installation it is and has the dump's hash. The keys are not in it, but the
manifest is sealed with them: a dump is SQL, and only SQL from our own backups is executed.
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

from billfold.platform import feed, live_mark, login_roles, sealing, tenancy
from billfold.platform.ids import new_id
from billfold.platform.postgres import programs
from billfold.platform.postgres.logins import Login

FORMAT: Final = 2
DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
_CHUNK: Final = 1 << 20
_HEADER_LINES: Final = 60
_TEXT_FIELDS: Final = ("made_at", "mode", "identity", "key_check", "sha256", "seal")

Progress = Callable[[int], object]
"""Called with the number of bytes dumped so far."""


class Unusable(Exception):
    """The backup cannot be restored here."""


class NotABackup(Unusable):
    """The file is not one that `billfold backup` made, or was cut short."""


class Damaged(Unusable):
    """The bytes are not those that were saved: their hash differs."""


class MadeByNewer(Unusable):
    """The backup needs a newer Billfold or PostgreSQL than there is here."""


class OtherKeys(Unusable):
    """The backup was sealed with other keys than those here."""


class Altered(Unusable):
    """The manifest is not the one that was sealed with our keys."""


class NotEmpty(Unusable):
    """The database to restore into has tables already."""


class ProgramFailed(Unusable):
    """One of PostgreSQL's programs failed; the message is its reason."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds: whose database, of which version, and its hash."""

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
    """Keyed fingerprint of all other fields; through `sha256` it covers the dump, too."""

    def sealed(self) -> Manifest:
        """Return the same manifest with its seal. Raises: KeysMissing."""
        text = json.dumps(asdict(self) | {"seal": ""}, sort_keys=True)
        return replace(self, seal=sealing.fingerprint(text, purpose="manifest of a backup"))


def save(path: Path, *, now: datetime, progress: Progress) -> Manifest:
    """Write the whole database into a file, which is there whole or not at all.

    Raises: ProgramFailed, KeysMissing.
    """
    unsealed = _describe(now)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", allowZip64=True) as archive:
                with archive.open(DUMP, "w", force_zip64=True) as member:
                    sha256, size = _dump(member, progress)
                manifest = replace(unsealed, sha256=sha256, size=size).sealed()
                archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=2))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return manifest


def _describe(now: datetime) -> Manifest:
    """Write the manifest of the present database, without hash and seal."""
    with tenancy.as_proof(None), connection.cursor() as cursor:
        instance = live_mark.instance(cursor)
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        major = int(cursor.fetchone()[0])
    return Manifest(
        made_at=now.isoformat(timespec="seconds"),
        billfold=_version(),
        postgresql=major,
        mode=instance.mode if instance else "demo",
        identity=str(instance.identity) if instance else "",
        key_check=key_check(),
        billers={biller.schema: _migrations(biller) for biller in tenancy.billers()},
    )


def _version() -> str:
    """Return the version that runs; a checkout that was never installed has no number."""
    try:
        return metadata.version("billfold")
    except metadata.PackageNotFoundError:
        return "source"


def _migrations(biller: tenancy.Biller) -> list[str]:
    with tenancy.as_proof(biller), connection.cursor() as cursor:
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


def key_check() -> str:
    """Compute the check value of our keys, which reveals nothing of them. Raises: KeysMissing."""
    return sealing.fingerprint("billfold", purpose="key check of a backup")


def _dump(target: IO[bytes], progress: Progress) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    # Rights are set anew by each restore, by `tenancy.grant`.
    options = [
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--no-sync",
        "--lock-wait-timeout",
    ]
    dumping = _program("pg_dump", [*options, "60s"], login=Login.PROOF, stdout=subprocess.PIPE)
    with dumping as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
            progress(size)
    return digest.hexdigest(), size


def read_manifest(path: Path) -> Manifest:
    """Read the manifest of a backup. Raises: NotABackup, MadeByNewer."""
    try:
        with zipfile.ZipFile(path) as archive:
            fields: dict[str, Any] = json.loads(archive.read(MANIFEST))
            if fields.get("format") != FORMAT:
                raise MadeByNewer(f"format {fields.get('format')}")
            archive.getinfo(DUMP)
            manifest = Manifest(**fields)
            if not all(isinstance(getattr(manifest, name), str) for name in _TEXT_FIELDS):
                raise NotABackup
            return manifest
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise NotABackup from error


def check(path: Path, manifest: Manifest) -> None:
    """Check that a backup can be restored here.

    Raises: Damaged, Altered, MadeByNewer, OtherKeys, NotEmpty, KeysMissing, LoginNotNamed.
    """
    if not hmac.compare_digest(key_check().encode(), manifest.key_check.encode()):
        raise OtherKeys
    if not hmac.compare_digest(manifest.sealed().seal.encode(), manifest.seal.encode()):
        raise Altered
    _check_bytes(path, manifest)
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations or {}}
    unknown = sorted({name for names in manifest.billers.values() for name in names} - known)
    if unknown:
        raise MadeByNewer(f"a Billfold that has {unknown[-1]}; this one has not")
    with tenancy.as_owner(None), connection.cursor() as cursor:
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
        if table := cursor.fetchone():
            raise NotEmpty(table[0])


def _check_bytes(path: Path, manifest: Manifest) -> None:
    digest = hashlib.sha256()
    try:
        with zipfile.ZipFile(path) as archive, archive.open(DUMP) as member:
            while chunk := member.read(_CHUNK):
                digest.update(chunk)
    except zipfile.BadZipFile as error:
        raise Damaged from error
    if digest.hexdigest() != manifest.sha256:
        raise Damaged


def restore(path: Path, manifest: Manifest) -> UUID:
    """Restore a checked backup into the empty database in one transaction; return its new identity.

    In the same transaction every biller goes on HOLD and the database gets another identity, so
    that no live mark there is can match it. Raises: Damaged, ProgramFailed.
    """
    identity = new_id()
    ending = sql.SQL(
        "SET search_path = '';\n"
        "UPDATE public.instance SET identity = {};\n"
        "UPDATE public.biller SET state = 'hold';\n"
        "COMMIT;\n"
    ).format(sql.Literal(str(identity)))
    with tempfile.TemporaryFile(dir=settings.STATE_DIR) as script:
        with zipfile.ZipFile(path) as archive, archive.open(DUMP) as member:
            if _write_script(member, script) != manifest.sha256:
                raise Damaged  # Since it was checked.
        script.seek(0)
        options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        with _program("psql", options, login=Login.OWNER, **pipes) as process:
            assert process.stdin is not None
            # psql's own --single-transaction would commit half of it if we were killed here.
            process.stdin.write(b"BEGIN;\n")
            _copy_script(script, process.stdin)
            process.stdin.write(ending.as_string(None).encode())
            process.stdin.close()
    tenancy.install()
    for biller in tenancy.billers():
        tenancy.migrate(biller)
        with tenancy.use(biller):
            feed.number()  # Ids of transactions are counted anew in another cluster.
    return identity


def _write_script(dump: IO[bytes], script: IO[bytes]) -> str:
    """Write a dump as SQL, all of it before any is executed; return the dump's hash."""
    digest = hashlib.sha256()
    options = ["--no-owner", "--no-privileges", "--file=-"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": script}
    with _program("pg_restore", options, login=None, **pipes) as process:
        assert process.stdin is not None
        while chunk := dump.read(_CHUNK):
            digest.update(chunk)
            process.stdin.write(chunk)
        process.stdin.close()
    return digest.hexdigest()


def _copy_script(script: IO[bytes], target: IO[bytes]) -> None:
    """Copy the SQL, leaving out the one setting that PostgreSQL before 17 does not know."""
    for _ in range(_HEADER_LINES):
        line = script.readline()
        if not line.startswith(b"SET transaction_timeout"):
            target.write(line)
    shutil.copyfileobj(script, target, _CHUNK)


@contextmanager
def _program(
    name: str, arguments: list[str], *, login: Login | None, **pipes: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of PostgreSQL's programs, with a login on our database.

    Raises: ProgramFailed, LoginNotNamed.
    """
    target, environment = [], dict(os.environ, PGCLIENTENCODING="UTF8")
    if login is not None:
        address: dict[str, Any] = {"dbname": "billfold"}
        address |= conninfo.conninfo_to_dict(login_roles.address(login))
        if password := address.pop("password", None):
            environment["PGPASSWORD"] = str(password)  # Not where the list of processes shows it.
        target = [f"--dbname={conninfo.make_conninfo('', **address)}"]
    folder = programs.locate(reachable=None, copy_to=Path())
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(  # noqa: S603  only PostgreSQL's own programs
            [str(folder / name), *target, *arguments],
            env=environment,
            stderr=messages,
            **{"stdin": subprocess.DEVNULL, **pipes},
        )
        try:
            yield process
            process.wait()
        except BrokenPipeError:
            process.wait()  # It ended before it had read everything; its messages say why.
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None and not pipe.closed:
                    _close(pipe)
        if process.returncode != 0:
            messages.seek(0)
            raise ProgramFailed(f"{name}: {_reason(messages.read().decode(errors='replace'))}")


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        return


def _reason(messages: str) -> str:
    """Pick the first error, or else the first line, of a program's messages."""
    lines = [line.strip() for line in messages.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (errors or lines or ["it said nothing"])[0]
