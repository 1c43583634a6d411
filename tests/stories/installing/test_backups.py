"""A backup is brought back only as it was made here: what it holds is carried out as SQL."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import psycopg
import pytest
from django.db import connection, transaction

from billfold.platform import backups, feed, sealing, tenancy
from billfold.platform.ids import new_id
from billfold.platform.models import FeedRow
from billfold.platform.postgres.server import PrivateServer
from billfold.receivables import billing
from billfold.receivables.billing import NewCreditNote
from billfold.receivables.models import Customer
from tests import environment, waiting
from tests.conftest import MONDAY
from tests.world import usd

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


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Give an empty place for another installation, with its own cluster."""
    place = Path(tempfile.mkdtemp(prefix="billfold-restored-"))
    place.chmod(0o711)
    shutil.copytree(sealing.key_folder(), place / "keys")
    yield place
    PrivateServer(place).remove()
    shutil.rmtree(place)


def test_promise_29_rows_that_waited_for_a_number_have_one_in_another_cluster(
    desk, tmp_path, elsewhere
):
    path = tmp_path / "billfold.backup"
    with tenancy.use(desk):
        customer = Customer.objects.create(id=new_id(), number="C-1", name="C", created_at=MONDAY)
        give_credit(customer, "numbered")
        feed.number()
        give_credit(customer, "waits")
        # Another cluster will not have counted so far for years, or had so few long ago.
        with connection.cursor() as cursor:
            for xid in (900_000_000_000, 3):
                cursor.execute(
                    """INSERT INTO platform_feedrow (id, kind, at, xid)
                       VALUES (gen_random_uuid(), 'transfers', %s, %s::text::xid8)""",
                    [MONDAY, xid],
                )
        unnumbered = FeedRow.objects.filter(number=None).order_by("xid", "id")
        in_order = list(unnumbered.values_list("id"))
        cursor_of_before = feed.window(0).through
    backups.save(path, now=MONDAY, progress=lambda _size: None)

    restored = run_billfold(elsewhere, "restore", path)
    with PrivateServer(elsewhere) as server, psycopg.connect(server.dsn(user="billfold")) as there:
        numbered = there.execute(
            f"SELECT id, number FROM {desk.schema}.platform_feedrow WHERE number > %s ORDER BY 2",
            [cursor_of_before],
        ).fetchall()
    exported = run_billfold(
        elsewhere, "export", "credits", "--since", cursor_of_before, "--biller", desk.schema
    )

    assert "Everything is on HOLD" in restored
    assert len(in_order) == 3
    assert [row[:1] for row in numbered] == in_order
    assert [row[1] - feed.SERIES_SIZE for row in numbered] == [1, 2, 3]
    assert "credit/waits/issued" in exported
    assert "credit/numbered/issued" not in exported


def give_credit(customer: Customer, number: str) -> None:
    note = NewCreditNote(number, customer.id, MONDAY.date(), usd("5.00"))
    with transaction.atomic():
        billing.credit([note], now=MONDAY, on=MONDAY.date())


def run_billfold(state: Path, *words: object) -> str:
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("BILLFOLD_", "DATABASE_"))
    }
    outcome = subprocess.run(
        [sys.executable, "-m", "billfold", *map(str, words), "--state", str(state)],
        env=environment | {"BILLFOLD_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=waiting.HUNG_AFTER_SECONDS,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout + outcome.stderr


def test_nothing_of_ours_works_as_superuser(outside_transaction):
    with psycopg.connect(environment.SERVER.dsn(), autocommit=True) as connection:
        rows = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert rows.fetchone() == (False,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("COPY (SELECT 1) TO PROGRAM 'true'")
