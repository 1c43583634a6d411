"""What the bank leaves is brought in; one document that cannot be had holds nothing up."""

from __future__ import annotations

import os

from billfold.banking import exchange, transports
from billfold.banking.models import BankFile
from billfold.payments.cases import casework, parked_items
from billfold.payments.models import Case
from tests.world import World, run_job


def leave(world: World, name: str, content: bytes) -> None:
    (world.folder / "from_bank" / name).write_bytes(content)


def left(world: World) -> list[str]:
    return sorted(path.name for path in (world.folder / "from_bank").iterdir())


def test_a_document_that_cannot_be_fetched_holds_nothing_up_and_asks_a_person_once(world):
    (world.folder / "from_bank" / "A.bai").symlink_to("/etc/hostname")
    leave(world, os.fsdecode(b"M\xfc\n.txt"), b"something")
    leave(world, "Z.txt", b"something else")

    run_job("fetch", world.now)
    run_job("fetch", world.now)

    assert sorted(BankFile.objects.values_list("name", flat=True)) == ["M\\xfc\\n.txt", "Z.txt"]
    assert left(world) == ["A.bai"]
    case = Case.objects.get()
    assert (case.kind, case.facts) == ("file could not be fetched", {"document": "A.bai"})
    assert "it is a link" in case.title

    casework.close(case.id, "Removed", actor=world.actor(), now=world.now)
    run_job("fetch", world.now)
    assert Case.objects.filter(closed_at=None).count() == 1


def test_promise_23_what_a_far_side_says_is_kept_without_account_numbers(world, monkeypatch):
    class Talkative(transports.FolderTransport):
        """A far side whose errors quote the names of its files."""

        def get(self, name: str) -> bytes:
            raise transports.Unfetchable(f"no such file: {name}\nacct 4417006789")

    far = Talkative(*(world.folder / name for name in ("to_bank", "from_bank", "taken")))
    monkeypatch.setattr(transports, "from_setting", lambda _setting: far)
    leave(world, "acct 4417006789.txt", b"1")

    run_job("fetch", world.now)

    case = Case.objects.get()
    assert "acct xxxxxx6789.txt" in case.title
    assert "4417006789" not in f"{case.key} {case.title} {case.facts}"
    assert "\n" not in case.title


def test_one_document_out_of_reach_is_passed_over_and_two_end_the_look(world, monkeypatch):
    class Failing(transports.FolderTransport):
        """A far side that loses the line with some documents."""

        def get(self, name: str) -> bytes:
            if name.startswith("SLOW"):
                raise transports.Unreachable(name)
            return super().get(name)

    far = Failing(*(world.folder / name for name in ("to_bank", "from_bank", "taken")))
    monkeypatch.setattr(transports, "from_setting", lambda _setting: far)
    for name in ("A.txt", "SLOW.txt", "Y.txt"):
        leave(world, name, name.encode())

    fetched = exchange.fetch_new(world.connection, report=parked_items, now=world.now)

    assert [file.name for file in fetched.stored] == ["A.txt", "Y.txt"]
    assert fetched.unreachable == "SLOW.txt"

    leave(world, "SLOW2.txt", b"2")
    leave(world, "Z.txt", b"Z")
    assert exchange.fetch_new(world.connection, report=parked_items, now=world.now).stored == []
    assert left(world) == ["SLOW.txt", "SLOW2.txt", "Z.txt"]
