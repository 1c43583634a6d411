"""Files travel to the bank whole or not at all, over a folder or a real SFTP server."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from billfold.banking import sftp as sftp_files
from billfold.banking import transports
from billfold.banking.transports import NotBegun, Transport, Unfetchable, Unreachable
from tests import sftp_server
from tests.sftp_server import SftpBank
from tests.waiting import HUNG_AFTER_SECONDS

NAME, CONTENT = "CEDAR-20261116A.ach", b"101 091999049\n" * 200


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpBank]:
    with sftp_server.running(tmp_path / "sftp") as bank:
        yield bank


@pytest.fixture(params=["folder", "sftp"])
def both(request, tmp_path) -> tuple[Transport, Path]:
    """Give each kind of transport, with the folder in which the bank sees its files."""
    if request.param == "sftp":
        bank = request.getfixturevalue("sftp")
        return transports.from_setting(bank.setting()), bank.root
    for name in sftp_server.FOLDERS:
        (tmp_path / name).mkdir()
    setting = {name: str(tmp_path / name) for name in sftp_server.FOLDERS}
    return transports.from_setting({"kind": "folder", **setting}), tmp_path


def allowed() -> None:
    """Let an upload be completed."""


class Forbidden(Exception):
    """The upload must not be completed."""


def forbidden() -> None:
    raise Forbidden


def test_an_upload_arrives_whole_and_can_be_looked_at(both):
    transport, bank = both

    transport.put(NAME, CONTENT, allowed)

    assert [path.name for path in (bank / "to_bank").iterdir()] == [NAME]
    assert transport.read_back(NAME) == CONTENT


def test_promise_14_an_upload_that_lost_its_right_is_not_completed(both):
    transport, bank = both

    with pytest.raises(Forbidden):
        transport.put(NAME, CONTENT, forbidden)

    assert [path.name for path in (bank / "to_bank").iterdir()] == [f"{NAME}.part"]
    assert transport.has_unfinished(NAME)


def test_an_upload_the_bank_has_filed_is_still_found(both):
    transport, bank = both
    transport.put(NAME, CONTENT, allowed)
    (bank / "to_bank" / NAME).rename(bank / "taken" / NAME)

    assert transport.read_back(NAME) == CONTENT
    assert transport.read_back("CEDAR-20261116B.ach") is None


@pytest.mark.parametrize("hidden", ["to_bank", "taken"])
def test_a_folder_that_cannot_be_listed_proves_nothing(both, hidden):
    transport, bank = both
    (bank / hidden).rmdir()

    with pytest.raises(Unreachable):
        transport.read_back(NAME)


def test_what_the_bank_left_is_listed_fetched_and_removed_over_there(both):
    transport, bank = both
    for name in ("RETURNS.ach", "PRIORDAY.bai", "LATE.bai.part", "X.tmp", ".lock"):
        (bank / "from_bank" / name).write_bytes(name.encode())
    (bank / "from_bank" / "archive").mkdir()

    assert transport.waiting() == ["PRIORDAY.bai", "RETURNS.ach"]
    assert transport.get("RETURNS.ach") == b"RETURNS.ach"
    transport.remove("RETURNS.ach")
    transport.remove("RETURNS.ach")

    assert transport.waiting() == ["PRIORDAY.bai"]
    with pytest.raises(Unreachable):
        transport.get("RETURNS.ach")


def test_promise_23_an_upload_does_not_follow_a_link_laid_in_its_way(tmp_path):
    folder = transports.FolderTransport(tmp_path, tmp_path, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"untouched")
    for name in (NAME, NAME + ".part"):
        (tmp_path / name).symlink_to(elsewhere)

    folder.put(NAME, CONTENT, allowed)

    assert elsewhere.read_bytes() == b"untouched"
    assert not (tmp_path / NAME).is_symlink()
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert (tmp_path / NAME).stat().st_mode & 0o137 == 0


def test_a_link_in_the_bank_s_folder_is_not_followed(tmp_path):
    folder = transports.FolderTransport(tmp_path, tmp_path, tmp_path)
    (tmp_path / "outside").mkdir()
    (tmp_path / "archive").symlink_to(tmp_path / "outside")
    (tmp_path / "LINK.bai").symlink_to("/etc/hostname")
    os.mkfifo(tmp_path / "PIPE.bai")

    assert folder.waiting() == ["LINK.bai"]
    for name in ("LINK.bai", "PIPE.bai"):
        with pytest.raises(Unfetchable):
            folder.get(name)
    assert folder.read_back("LINK.bai") == b""


def test_a_document_of_endless_size_is_not_read(both, monkeypatch):
    transport, bank = both
    monkeypatch.setattr(sftp_files, "LARGEST_BYTES", 1_000)
    (bank / "from_bank" / "BIG.bai").write_bytes(b"x" * 1_001)
    (bank / "from_bank" / "GOOD.bai").write_bytes(b"x" * 1_000)

    with pytest.raises(Unfetchable, match="1,000 bytes"):
        transport.get("BIG.bai")
    assert len(transport.get("GOOD.bai")) == 1_000


def test_a_name_that_is_not_text_can_be_fetched(both):
    transport, bank = both
    odd = os.fsdecode(b"RETOUR-\xe9.ach")
    (bank / "from_bank" / odd).write_bytes(b"101")

    assert transport.waiting() == [odd]
    assert transport.get(odd) == b"101"
    transport.remove(odd)
    assert transport.waiting() == []


def test_an_upload_cut_in_the_middle_leaves_nothing_whole(sftp):
    transport = transports.from_setting(sftp.setting())
    sftp.cut_after_bytes = 100

    with pytest.raises(Unreachable):
        transport.put(NAME, CONTENT, allowed)

    assert transport.read_back(NAME) is None
    assert [path.name for path in sftp.folder("to_bank").iterdir()] == [NAME + ".part"]
    sftp.cut_after_bytes = None
    transport.put(NAME, CONTENT, allowed)
    assert transport.read_back(NAME) == CONTENT


def test_an_upload_whose_acknowledgement_is_lost_is_found_over_there(sftp):
    transport = transports.from_setting(sftp.setting())
    sftp.cut_after_rename = True

    with pytest.raises(Unreachable):
        transport.put(NAME, CONTENT, allowed)

    assert transport.read_back(NAME) == CONTENT


def test_a_full_disk_lets_no_partial_file_be_seen(tmp_path):
    folder = transports.FolderTransport(tmp_path, tmp_path, tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(Unreachable, match="File too large"):
            folder.put(NAME, CONTENT, allowed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert folder.read_back(NAME) is None
    assert folder.waiting() == []


def test_promise_28_a_try_ends_at_its_deadline_whatever_the_bank_does(sftp, monkeypatch):
    monkeypatch.setattr(sftp_files, "DEADLINE_SECONDS", 3.0)
    sftp.is_silent = True

    refusal = refusal_of_upload(transports.from_setting(sftp.setting()))

    assert isinstance(refusal, Unreachable)


def test_promise_28_a_bank_that_accepts_and_says_nothing_gets_no_upload(sftp, monkeypatch):
    monkeypatch.setattr(sftp_files, "DEADLINE_SECONDS", 0.5)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refusal = refusal_of_upload(transports.from_setting(sftp.setting(port=port)))

    assert isinstance(refusal, NotBegun)


def refusal_of_upload(transport: Transport) -> BaseException | None:
    """Upload in a thread, so that a try that never ends fails the test."""
    refusals: list[BaseException] = []

    def upload() -> None:
        try:
            transport.put(NAME, CONTENT, allowed)
        except Unreachable as error:
            refusals.append(error)

    thread = threading.Thread(target=upload, daemon=True)
    thread.start()
    thread.join(HUNG_AFTER_SECONDS)
    return refusals[0] if refusals else None


def test_a_server_that_is_down_is_unreachable(sftp):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        transport = transports.from_setting(sftp.setting(port=closed.getsockname()[1]))
        with pytest.raises(Unreachable):
            transport.put(NAME, CONTENT, allowed)


def test_a_server_with_another_host_key_gets_nothing(sftp):
    sftp.pin(asyncssh.generate_private_key("ssh-ed25519"))

    with pytest.raises(Unreachable, match="not trusted"):
        transports.from_setting(sftp.setting()).put(NAME, CONTENT, allowed)

    assert list(sftp.folder("to_bank").iterdir()) == []


def test_a_stranger_s_key_is_refused_by_the_bank(sftp, tmp_path):
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))

    with pytest.raises(Unreachable, match="denied"):
        transports.from_setting(sftp.setting(key_file=str(stranger))).waiting()


@pytest.mark.parametrize("missing", ["key_file", "known_hosts_file"])
def test_a_key_file_that_is_missing_or_broken_makes_the_bank_unreachable(sftp, missing, tmp_path):
    broken = tmp_path / "broken"
    broken.write_text("not a key")

    for path in ("/nonexistent", str(broken)):
        with pytest.raises(Unreachable):
            transports.from_setting(sftp.setting(**{missing: path})).waiting()


def test_our_account_cannot_leave_its_folder(sftp):
    (sftp.place / "secret").write_bytes(b"another customer's")
    transport = transports.from_setting(sftp.setting(from_bank="/../"))

    assert "secret" not in transport.waiting()


def test_a_transfer_works_inside_a_thread_of_the_web_server(sftp):
    async def in_thread() -> bytes | None:
        transport = transports.from_setting(sftp.setting())
        await asyncio.to_thread(transport.put, NAME, CONTENT, allowed)
        return await asyncio.to_thread(transport.read_back, NAME)

    assert asyncio.run(in_thread()) == CONTENT


@pytest.mark.parametrize(
    "setting", [{"kind": "pigeon"}, {"kind": "folder"}, {"kind": "sftp", "host": "x"}, {}]
)
def test_a_setting_that_is_not_complete_names_what_is_wrong(setting):
    with pytest.raises(transports.NotATransport):
        transports.from_setting(setting)
