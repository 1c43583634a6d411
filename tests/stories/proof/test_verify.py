"""`verify` finds nothing where all is well, and each planted violation by its number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection, transaction

from billfold.payments.accounts import account_validation, bank_accounts
from billfold.payments.models import Instruction
from billfold.payments.paying import scheduling
from billfold.payments.proof import report
from billfold.payments.proof.checks import CHECKS, NOT_CHECKABLE, TITLES
from billfold.platform import audit
from billfold.receivables import billing
from billfold.receivables.imports import file_import
from tests import privilege
from tests.conftest import MONDAY, without_daily_proof
from tests.stories.proof import violations
from tests.stories.proof.conduct_violations import CONDUCT
from tests.stories.proof.record_violations import RECORDS
from tests.world import World, eastern, usd

VIOLATIONS = violations.VIOLATIONS | CONDUCT | RECORDS
COVERED = [*range(1, 11), *range(13, 28)]
AFTER = eastern(2026, 12, 1)


@pytest.fixture(scope="module")
def lived(
    django_db_setup: object, django_db_blocker: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Let a small world live through two weeks: paid, returned, corrected, canceled, imported."""
    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer._from_testcase = True  # As in a test case of Django: durable blocks may be inside.
        with outer, without_daily_proof():
            world = World(django_db_setup, tmp_path_factory.mktemp("world") / "bank", MONDAY)
            _live(world)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            yield world
            transaction.set_rollback(True)
        connection.close()


def _live(world: World) -> None:
    folder = world.folder.parent
    listed = folder / "invoices.csv"
    listed.write_text(
        "customer_number,invoice_number,invoice_date,due_date,amount\n"
        "40-118-2207,CL-8,2026-11-01,2026-12-01,75.00\n"
    )
    on = world.now.date()
    file_import.import_file(
        file_import.ImportRequest("invoices", listed),
        actor=audit.job("import"),
        now=world.now,
        on=on,
    )
    invoices = [world.invoice(f"CL-{n}", f"{n}20.00") for n in range(1, 8)]
    billing.revise([billing.Revision(invoices[6].id, usd("700.00"))], now=world.now, on=on)
    note = billing.NewCreditNote("CR-1", world.customer.id, on, usd("9.00"), "goodwill")
    billing.credit([note], now=world.now, on=on)
    world.pay(invoices[0], invoices[1])
    world.pay(invoices[2], account="77440001")  # returned for lack of money, with a fee
    world.pay(invoices[3], account="77440011")  # paid, with a notice of change
    world.pay(invoices[4], account="77440010")  # returned as not authorised
    intent = world.intent([world.invoice("CL-12", "1220.00")], account=world.account("77440055"))
    pending = account_validation.Validation(by=account_validation.PRENOTE, evidence="", at=None)
    scheduling.schedule([replace(intent, validation=pending)], now=world.now)
    scheduling.cancel(world.pay(invoices[5]), actor=world.actor(), now=world.now)
    world.go_to(eastern(2026, 11, 20))
    world.pay(invoices[5])
    world.go_to(eastern(2026, 11, 23, 18))
    world.pay(invoices[6])  # still waiting for its cut-off
    world.go_to(eastern(2026, 11, 23, 19))


@pytest.fixture
def as_superuser(lived: World) -> Iterator[World]:
    """Do and undo what only the owner of the tables may."""
    with transaction.atomic():
        privilege.take_every_right()
        yield lived
        transaction.set_rollback(True)


def examine(world: World) -> report.ProofReport:
    return report.examine(world.biller, now=world.now)


def test_a_world_where_all_is_well_verifies_clean(as_superuser: World) -> None:
    proof = examine(as_superuser)

    assert {kept.promise: kept.first for kept in proof.promises if kept.offenders} == {}
    assert proof.is_clean


def _broken(world: World, *statements: str) -> dict[int, list[str]]:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return {kept.promise: kept.first for kept in examine(world).promises if kept.offenders}


@pytest.mark.parametrize(
    "words",
    [
        "account 77440001, please",
        "627129999018" + "77440001" + "         0000032000",
        "changed from 77440011 to 77440000",
        "000773142019",
    ],
    ids=["a word", "a line of a bank file", "a number since corrected", "the biller's own"],
)
def test_promise_23_an_account_number_is_found_in_whatever_form(
    as_superuser: World, words: str
) -> None:
    proof = _broken(as_superuser, f"UPDATE people_person SET name = name || ' {words}'")

    assert list(proof) == [23]
    assert "in the clear in people_person.name" in proof[23][0]
    assert "7744" not in str(proof)


def test_promise_23_an_account_number_is_found_in_records_sessions_and_logs(
    as_superuser: World, settings: Any
) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    packed = SessionStore().encode({"draft": {"account": "77440001"}})
    log = settings.STATE_DIR / "logs" / "web.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("2026-11-23 refused 77440010\n")

    try:
        proof = _broken(
            as_superuser,
            """UPDATE payments_case SET facts = '{"account": 77440011}'""",
            """INSERT INTO payments_case (id, key, kind, title, facts, evidence, owner_name,
                   opened_at, closed_by, resolution)
               VALUES (gen_random_uuid(), 'k', 'k', 't', '{"x": ["77440011"]}', '', '', now(),
                       '', '')""",
            f"""INSERT INTO django_session (session_key, session_data, expire_date)
                VALUES ('x', '{packed}', now())""",
        )
    finally:
        log.unlink()

    assert [words.rpartition(" in ")[2] for words in proof[23]] == [
        "django_session.session_data",
        "the log web.log",
        "payments_case.facts",
    ]


def test_promise_23_an_invoice_may_have_the_number_of_an_account(as_superuser: World) -> None:
    proof = _broken(
        as_superuser, "UPDATE receivables_invoice SET reference = '77440001' WHERE number = 'CL-1'"
    )

    assert proof == {}


@pytest.mark.parametrize(
    "number",
    ["20261117", "payment", "billing", "091999049", "129999018", "1310009999"],
    ids=["a date of ours", "a word", "another", "our bank", "the payer's bank", "our company id"],
)
def test_promise_23_no_account_that_a_payer_may_choose_makes_verify_red(
    as_superuser: World, number: str
) -> None:
    world = as_superuser
    account = world.account(number)

    bank_accounts.add(
        account,
        customer_id=world.customer.id,
        remember=True,
        actor=world.actor(),
        now=world.now,
    )

    assert _broken(world) == {}


@pytest.mark.parametrize(
    ("number", "statement"),
    [
        ("8005550142", "UPDATE receivables_billerprofile SET support_phone = '8005550142'"),
        ("773142019", "UPDATE receivables_billerprofile SET deposit_account_number = '773142019'"),
        ("2165550142", "UPDATE receivables_invoice SET description = 'Line 2165550142'"),
        ("2165550143", "UPDATE receivables_customer SET address = 'Unit 2165550143'"),
        ("5550144", "UPDATE receivables_customer SET email = 'dana5550144@x.example'"),
        ("dana5550145", "UPDATE people_person SET email = 'dana5550145@x.example' WHERE id = %s"),
        ("1115550146", "UPDATE receivables_creditnote SET reason = 'Ticket 1115550146'"),
    ],
)
def test_promise_23_nor_does_one_that_stands_on_the_bill_or_in_an_address(
    as_superuser: World, number: str, statement: str
) -> None:
    world = as_superuser
    account = world.account(number)
    bank_accounts.add(
        account,
        customer_id=world.customer.id,
        remember=True,
        actor=world.actor(),
        now=world.now,
    )

    proof = _broken(world, statement.replace("%s", f"'{world.payer.id}'"))

    assert proof == {}


def test_promise_23_nor_does_one_that_is_part_of_a_time_or_a_process(
    as_superuser: World, settings: Any
) -> None:
    world = as_superuser
    account = world.account("123456")
    bank_accounts.add(
        account,
        customer_id=world.customer.id,
        remember=True,
        actor=world.actor(),
        now=world.now,
    )
    log = settings.STATE_DIR / "logs" / "web.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("2026-11-23 10:00:00.123456 UTC [123456] LOG: ready\n")

    try:
        proof = _broken(
            world,
            """UPDATE payments_case SET facts = '{"at": "2026-11-23T10:00:00.123456+00:00"}'""",
        )
    finally:
        log.unlink()

    assert proof == {}


def test_promise_23_nor_does_one_that_is_the_trace_number_of_an_entry(as_superuser: World) -> None:
    world = as_superuser
    account = world.account(Instruction.objects.order_by("trace")[0].trace)

    bank_accounts.add(
        account,
        customer_id=world.customer.id,
        remember=True,
        actor=world.actor(),
        now=world.now,
    )

    assert _broken(world) == {}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE receivables_customer SET state = 'CT'", "not reviewed"),
        ("UPDATE receivables_invoice SET cause = 'return/X' WHERE kind = 'charge'", "not returned"),
        (
            "UPDATE payments_subjectevent SET code = 'R10' WHERE kind = 'returned'",
            "R10, which bears none",
        ),
        (
            "UPDATE payments_remittance SET invoice_id = "
            "(SELECT id FROM receivables_invoice WHERE kind = 'charge' LIMIT 1) "
            "WHERE invoice_id = (SELECT id FROM receivables_invoice WHERE number = 'CL-3')",
            "the return of a fee",
        ),
    ],
)
def test_promise_15_a_fee_that_should_not_be_is_found_with_its_reason(
    as_superuser: World, statement: str, words: str
) -> None:
    proof = _broken(
        as_superuser,
        "ALTER TABLE payments_subjectevent DISABLE TRIGGER ALL",
        "ALTER TABLE payments_remittance DISABLE TRIGGER ALL",
        statement,
    )

    assert words in " ".join(proof[15])


def test_a_check_that_cannot_be_carried_out_is_not_passed(as_superuser: World) -> None:
    proof = _broken(as_superuser, "ALTER TABLE notices_notice DROP COLUMN about")

    assert "could not be checked" in proof[26][0]


def test_verify_json_has_every_promise_and_says_which_cannot_be_checked(
    as_superuser: World,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE notices_notice SET about = 'payment/NONE'")
    answer = json.loads(json.dumps(examine(as_superuser).as_json()))

    assert list(answer) == [
        "biller",
        "at",
        "is_clean",
        "broken",
        "seconds",
        "promises",
        "not_checkable",
    ]
    assert (answer["biller"], answer["is_clean"], answer["broken"]) == ("cedarline", False, [26])
    assert [each["promise"] for each in answer["promises"]] == COVERED
    (notices,) = (each for each in answer["promises"] if each["promise"] == 26)
    assert list(notices) == ["promise", "title", "offenders", "first", "seconds", "checks"]
    assert notices["offenders"] > 5 == len(notices["first"])
    assert sum(each["offenders"] for each in notices["checks"]) == notices["offenders"]
    assert all(set(each) == {"promise", "title", "reason"} for each in answer["not_checkable"])


@pytest.mark.parametrize(
    ("promise", "title"), VIOLATIONS, ids=[f"promise {n}: {title}" for n, title in VIOLATIONS]
)
def test_a_planted_violation_is_found(as_superuser: World, promise: int, title: str) -> None:
    with connection.cursor() as cursor:
        left = VIOLATIONS[promise, title](as_superuser, cursor)

    try:
        proof = examine(as_superuser)
    finally:
        for path in left:
            path.unlink()

    assert promise in proof.broken
    (fired,) = [
        each
        for kept in proof.promises
        for each in kept.results
        if (kept.promise, each.title) == (promise, title)
    ]
    assert fired.violations.count
    assert fired.violations.first
    assert not any("could not be checked" in words for words in fired.violations.first)


def test_every_check_has_its_violation() -> None:
    assert set(VIOLATIONS) == {(check.promise, check.title) for check in CHECKS}


def test_every_promise_is_checked_or_says_why_not() -> None:
    assert sorted({check.promise for check in CHECKS}) == COVERED
    assert sorted([*COVERED, *NOT_CHECKABLE]) == sorted(TITLES) == list(range(1, 31))
