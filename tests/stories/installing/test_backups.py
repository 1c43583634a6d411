"""A backup is brought back only as it was made here: what it holds is carried out as SQL."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import psycopg
import pytest

from billfold.platform import backups, tenancy
from tests import environment
from tests.conftest import MONDAY

HOSTILE = b"COPY (SELECT 1) TO PROGRAM 'touch /tmp/owned';"


@pytest.fixture
def saved(outside_transaction: tenancy.Biller, tmp_path: Path) -> Path:
    path = tmp_path / "billfold.backup"
    backups.save(path, now=MONDAY, progress=lambda _size: None)
    return path


def rewritten(
    path: Path, change: Callable[[backups.Manifest], backups.Manifest], dump: bytes | None = None
) -> Path:
    """Make the same backup with another manifest, or another dump."""
    manifest = change(backups.read_manifest(path))
    with zipfile.ZipFile(path) as archive:
        content = archive.read(backups.DUMP) if dump is None else dump
    changed = path.with_name("changed.backup")
    with zipfile.ZipFile(changed, "w") as archive:
        archive.writestr(backups.DUMP, content)
        archive.writestr(backups.MANIFEST, json.dumps(asdict(manifest)))
    return changed


def test_an_untouched_backup_is_stopped_only_by_the_database_that_is_not_empty(saved):
    with pytest.raises(backups.NotEmpty):
        backups.check(saved, backups.read_manifest(saved))


def test_promise_29_a_backup_somebody_rewrote_is_not_carried_out(saved):
    sha256 = hashlib.sha256(HOSTILE).hexdigest()
    forged = rewritten(
        saved, lambda manifest: replace(manifest, sha256=sha256, size=len(HOSTILE)), dump=HOSTILE
    )

    with pytest.raises(backups.Altered):
        backups.check(forged, backups.read_manifest(forged))


@pytest.mark.parametrize("field", ["made_at", "mode", "identity", "billfold", "seal"])
def test_a_manifest_is_believed_only_as_it_was_sealed(saved, field):
    forged = rewritten(saved, lambda manifest: replace(manifest, **{field: "live"}))

    with pytest.raises(backups.Altered):
        backups.check(forged, backups.read_manifest(forged))


@pytest.mark.parametrize("field", ["mode", "key_check", "sha256", "seal"])
def test_a_manifest_of_other_kinds_of_values_is_none(saved, field):
    forged = rewritten(saved, lambda manifest: replace(manifest, **{field: 7}))

    with pytest.raises(backups.NotABackup):
        backups.read_manifest(forged)


def test_a_dump_with_other_bytes_than_the_sealed_ones_is_damaged(saved):
    forged = rewritten(saved, lambda manifest: manifest, dump=HOSTILE)

    with pytest.raises(backups.Damaged):
        backups.check(forged, backups.read_manifest(forged))


def test_a_backup_exchanged_between_check_and_load_is_not_carried_out(saved):
    manifest = backups.read_manifest(saved)

    with pytest.raises(backups.Damaged):
        backups.restore(saved, replace(manifest, sha256="0" * 64))


def test_a_backup_is_not_written_through_a_link_laid_in_its_way(saved):
    elsewhere = saved.with_name("elsewhere")
    path = saved.with_name("next.backup")
    path.with_name("next.backup.part").symlink_to(elsewhere)

    backups.save(path, now=MONDAY, progress=lambda _size: None)

    assert not elsewhere.exists()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_of_ours_works_as_superuser(outside_transaction):
    with psycopg.connect(environment.SERVER.dsn(), autocommit=True) as connection:
        rows = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert rows.fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")
