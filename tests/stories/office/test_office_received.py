"""A file from the bank added by hand is kept and read like one the bank left."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial
from io import BytesIO

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.banking import exchange
from billfold.banking.models import BankFile, BankLine
from billfold.banking.upload_quota import UploadQuota
from billfold.office.file_upload import LARGEST_BYTES
from billfold.payments.incoming import statement_intake
from billfold.payments.models import Case
from billfold.platform import tenancy
from billfold.platform.models import AuditEntry
from billfold.rails.protocol import BankDocument
from tests import privilege, races, waiting
from tests.conftest import MONDAY
from tests.environment import SHARING_A_FIXTURE
from tests.places import FILES
from tests.world import World, eastern

STATEMENT = (
    b"01,091999049,1910000001,261117,0600,1,,,2/\n"
    b"02,1910000001,091999049,1,261113,2359,USD,2/\n"
    b"03,000773142019,USD,010,0,,,015,5000,,/\n"
    b"16,195,5000,Z,,,WIRE FROM <b>ACME</b> ACCT 4417006789 TODAY\n"
    b"49,10000,3/\n98,10000,1,5/\n99,10000,1,7/\n"
)


@pytest.fixture
def office(world, client):
    client.force_login(world.treasurers[0])
    return client


def add(office, content: bytes, name: str = "from-bank.txt"):
    upload = BytesIO(content)
    upload.name = name
    return office.post("/office/files/received", {"document": upload})


def text_of(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def test_promise_20_a_statement_added_by_hand_waits_for_another_treasurer(world, office):
    response = add(office, STATEMENT, "bai2.txt")

    file = BankFile.objects.get()
    assert (response.status_code, response.url) == (303, f"/office/files/{file.id}")
    assert (file.state, file.made_by, file.kind) == ("waiting", "Priya Raman", "statement")
    assert not BankLine.objects.exists()
    page = text_of(office.get(response.url))
    assert "bai2.txt is kept and not booked yet: another treasurer must accept it." in page
    assert "This statement waits for two treasurers" in page
    assert "It was added by hand; the bank did not deliver it." in page
    case = Case.objects.get()
    assert "Waits for two treasurers" in text_of(office.get(f"/office/cases/{case.id}"))


def test_promise_23_a_files_name_is_kept_as_one_line_without_account_numbers(world, office):
    add(office, STATEMENT, "acct 4417006789\u202e_20261117.txt")

    assert BankFile.objects.get().name == "acct xxxxxx6789_20261117.txt"


def test_promise_25_who_added_a_file_is_on_record(world, office):
    add(office, STATEMENT)

    row = AuditEntry.objects.get(action="bank file added by hand")

    assert row.actor_name == "Priya Raman"
    assert row.after["sha256"] == BankFile.objects.get().sha256


def test_the_words_of_the_bank_are_shown_as_text_without_account_numbers(world, office):
    response = add(office, STATEMENT)
    statement_intake.accept(BankFile.objects.get().id, by=world.treasurers[1], now=world.now)

    content = office.get(response.url).content.decode()

    assert "WIRE FROM &lt;b&gt;ACME&lt;/b&gt; ACCT ending 6789 TODAY" in content
    assert "4417006789" not in content
    assert "000773142019" not in content


def test_a_return_file_added_by_hand_shows_what_it_returns(world, office):
    payment = world.pay(world.invoice("CL-1", "120.00"), account="440001")
    world.go_to(eastern(2026, 11, 18))
    returned = BankFile.objects.get(kind="returns")

    text = text_of(office.get(f"/office/files/{returned.id}"))
    again = add(office, exchange.unseal_content(returned), "renamed.txt")

    assert payment.reference in text
    assert "Return: Not enough money (R01)" in text
    assert again.url == f"/office/files/{returned.id}"
    assert "is here already" in text_of(office.get(again.url))
    assert BankFile.objects.filter(kind="returns").count() == 1


def test_promise_27_a_file_with_a_fault_is_refused_whole_with_line_and_field(world, office):
    broken = STATEMENT.replace(b"49,10000,3/", b"49,9999,3/")

    response = add(office, broken)

    text = text_of(office.get(response.url))
    assert BankFile.objects.get().state == "refused"
    assert not BankLine.objects.exists()
    assert "was refused: line 5" in text
    assert "What is wrong" in text
    assert Case.objects.get().kind == "file could not be read"


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (b"USD", b"XTS", "The statement is in a currency that is not used here. (XTS)"),
        (b"000773142019", b"555", "an account that is not set up here. (ending 555)"),
        (b"16,195,5000", b"16,195,50x0", "line 4"),
        (b"5000,Z", b"9" * 30 + b",Z", "line 4"),
        (b",261113,", b",261116,", "of a day that is not over yet"),
    ],
)
def test_a_statement_of_no_use_is_refused_in_words(world, office, right, wrong, words):
    response = add(office, STATEMENT.replace(right, wrong))

    text = text_of(office.get(response.url))
    assert BankFile.objects.get().state == "refused"
    assert words in text
    world.run_jobs()
    assert not BankLine.objects.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n", b"%PDF-1.7", b"\x00" * 99])
def test_what_no_bank_sends_is_not_even_kept(world, office, content):
    refused = add(office, content)

    assert refused.status_code == 422
    assert "There is a problem to fix" in text_of(refused)
    assert not BankFile.objects.exists()


def test_one_person_adds_no_more_files_in_a_day_than_the_quota(world, office, settings):
    settings.UPLOAD_FILES_A_DAY = 2
    add(office, STATEMENT.replace(b"5000", b"5001"))
    add(office, STATEMENT.replace(b"5000", b"5002"))

    again = add(office, STATEMENT.replace(b"5000", b"5001"))
    refused = add(office, STATEMENT)

    assert again.status_code == 303, "a file that is here already is no new one"
    assert refused.status_code == 422
    assert "You can add 2 files and 200 MB in 24 hours" in text_of(refused)
    assert "2 files and 200 MB from each person in 24 hours." in text_of(
        office.get("/office/files")
    )
    assert BankFile.objects.count() == 2
    other = Client()
    other.force_login(world.treasurers[1])
    assert add(other, STATEMENT).status_code == 303
    world.go_to(world.now + timedelta(hours=25))
    office.force_login(world.treasurers[0])
    assert add(office, STATEMENT.replace(b"5000", b"5003")).status_code == 303


def test_one_person_adds_no_more_bytes_in_a_day_than_the_quota(world, office, settings):
    settings.UPLOAD_MEGABYTES_A_DAY = 1
    padded = STATEMENT + b"\n" * (700 * 1024)
    assert add(office, padded).status_code == 303

    refused = add(office, padded + b"\n")

    assert refused.status_code == 422
    assert "You can add 100 files and 1 MB in 24 hours" in text_of(refused)
    assert BankFile.objects.count() == 1


def test_two_uploads_of_one_person_at_once_do_not_both_pass_the_quota(desk, tmp_path):
    with tenancy.use(desk), races.runners(desk) as start:
        world = World(desk, tmp_path / "bank", MONDAY)
        actor, quota = world.treasurers[0].actor(), UploadQuota(files=1, megabytes=1)
        documents = [BankDocument(f"{n}.txt", STATEMENT + b"\n" * n) for n in (1, 2)]

        def store(document: BankDocument) -> None:
            exchange.store(world.connection, document, now=MONDAY, actor=actor, quota=quota)

        with transaction.atomic():
            privilege.take_every_right()
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {desk.schema}.banking_bankfile IN SHARE MODE")
            # Nobody can write a file before both have looked at what is there.
            adding = [start(partial(store, document)) for document in documents]
            races.wait_for_waiters(2, *adding)
        refusals = [each.exception(waiting.HUNG_AFTER_SECONDS) for each in adding]

        assert sorted(type(refusal).__name__ for refusal in refusals) == [
            "NoneType",
            "UploadQuotaReached",
        ]
        assert BankFile.objects.count() == 1


def test_a_form_without_a_file_is_answered_with_the_form(world, office):
    refused = office.post("/office/files/received", {"document": "text"})

    assert refused.status_code == 422
    assert "Choose a file that is not empty." in text_of(refused)


def test_a_file_of_our_own_making_is_not_taken_for_returns(world, office):
    world.pay(world.invoice("CL-1", "120.00"))
    world.go_to(eastern(2026, 11, 17))
    own = BankFile.objects.get(direction="out")

    refused = add(office, exchange.unseal_content(own))

    assert refused.status_code == 422
    assert "a file we made ourselves" in text_of(refused)
    assert not Case.objects.exists()


def test_a_file_above_twenty_megabytes_is_refused(world, office):
    refused = add(office, b"01," + b" " * LARGEST_BYTES)

    assert refused.status_code == 422
    assert "Files of up to 20 MB can be added here." in text_of(refused)
    assert not BankFile.objects.exists()


def test_an_upload_from_another_site_is_refused(world):
    office = Client(enforce_csrf_checks=True)
    office.force_login(world.treasurers[0])

    assert add(office, STATEMENT).status_code == 403
    assert not BankFile.objects.exists()


def test_promise_20_a_clerk_cannot_add_a_file_from_the_bank(world, client):
    client.force_login(world.clerk)

    refused = add(client, STATEMENT)

    assert refused.status_code == 403
    assert "Only a treasurer can add a file" in text_of(refused)
    assert not BankFile.objects.exists()
    assert "Add a file by hand" not in client.get("/office/files").content.decode()


def test_promise_20_the_bank_s_answer_is_not_taken_from_a_person(world, office):
    world.pay(world.invoice("CL-1", "120.00"))
    world.now = eastern(2026, 11, 16, 17)
    world.run_jobs()
    world.release_all()
    world.run_jobs()
    sent = BankFile.objects.get(direction="out")

    refused = add(office, f"status: rejected\nsha256: {sent.sha256}\nreason: no\n".encode())

    assert refused.status_code == 422
    assert "is taken from the bank" in text_of(refused)
    assert not BankFile.objects.filter(direction="in").exists()
    sent.refresh_from_db(fields=["state"])
    assert sent.state == "sent"


def test_a_payer_cannot_add_a_file(world, client):
    client.force_login(world.payer)

    assert add(client, STATEMENT).status_code == 404


SAMPLES = [
    path.name
    for path in sorted(FILES.glob("*/*"))
    if path.is_file() and path.stat().st_size < 50_000
]


def sample(name: str) -> bytes:
    return next(FILES.glob(f"*/{name}")).read_bytes() if name else STATEMENT


@settings(
    max_examples=60,
    suppress_health_check=SHARING_A_FIXTURE,
)
@given(
    base=st.sampled_from(["", *SAMPLES]),
    at=st.integers(0, 2000),
    cut=st.integers(0, 20),
    put=st.binary(max_size=8),
    name=st.text(max_size=40),
)
def test_no_file_breaks_the_office(world, base, at, cut, put, name):
    office = Client()
    office.force_login(world.treasurers[0])
    content = sample(base)
    at = at % (len(content) + 1)

    response = add(office, content[:at] + put + content[at + cut :], name or "x")

    assert response.status_code in {303, 400, 422}
    if response.status_code == 303:
        assert office.get(response.url).status_code == 200
    assert office.get("/office/cases").status_code == 200
