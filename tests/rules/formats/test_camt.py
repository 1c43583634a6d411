"""Statements in ISO 20022: read completely and proved, or refused with every reason."""

from datetime import date

import pytest

from billfold.formats.bai2.type_codes import Direction
from billfold.formats.iso20022 import camt
from billfold.formats.iso20022.camt import CamtKind, CamtStatus
from tests.rules.formats.camt_files import (
    STATEMENT,
    account,
    amount,
    balance,
    codes,
    details,
    document,
    entry,
    only_entry,
    refusals,
    statement,
    warnings,
)


def test_a_statement_is_read_to_the_last_field():
    message = camt.read(STATEMENT)

    assert (message.kind, message.version, message.message_id) == (
        CamtKind.STATEMENT,
        "08",
        "STMT20261120-1",
    )
    assert message.created_date == date(2026, 11, 21)
    (day,) = message.statements
    assert (day.id, day.sequence, day.is_proved) == ("20261120-5550123456", "224", True)
    assert (day.account.number, day.account.currency) == ("5550123456", "USD")
    assert day.as_of_date == date(2026, 11, 20)
    assert (day.balance_minor("OPBD"), day.balance_minor("CLBD")) == (1500000, 2125636)
    assert day.balance_minor("CLAV") is None
    lockbox, wire, credit, returned = day.entries
    assert (lockbox.bai_code, lockbox.bank_code) == ("115", "PMNT/RCHQ/LBOX")
    assert (wire.meaning, wire.payer) == ("Incoming money transfer", "MIDSIZE CORP")
    assert wire.details[0].uetr == "8a562c67-ca16-48ba-b074-65581be6f001"
    assert list(wire.texts) == ["ACCOUNT 200001 INVOICE 90010045"]
    assert [(line.number, line.amount_minor, line.reference) for line in credit.lines] == [
        ("90010002", 20000, "100046"),
        ("90010003", 14618, "100046"),
    ]
    assert (returned.is_credit, returned.details[0].return_code) == (False, "R01")
    assert returned.direction is Direction.DEBIT
    assert message.warnings == ()


def test_a_summary_counts_what_is_booked():
    assert camt.read(STATEMENT).summary() == {
        "message": "camt.053.08",
        "statements": 1,
        "proved_statements": 1,
        "entries": 4,
        "pending_entries": 0,
        "debit_minor": 2599,
        "credit_minor": 628235,
        "currency": "USD",
    }


def test_a_representation_shows_no_account_number():
    assert "5550123456" not in repr(camt.read(STATEMENT).statements[0].account)


@pytest.mark.parametrize("version", ["02", "04", "06"])
def test_an_older_version_keeps_status_and_names_elsewhere(version):
    older = (
        '<Ntry><Amt Ccy="USD">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>BOOK</Sts>'
        "<NtryDtls><TxDtls><AmtDtls><TxAmt><Amt Ccy='USD'>1.00</Amt></TxAmt></AmtDtls>"
        "<RltdPties><Dbtr><Nm>ACME</Nm></Dbtr><DbtrAcct><Id><IBAN>XX1</IBAN></Id></DbtrAcct>"
        "</RltdPties><RltdAgts><DbtrAgt><FinInstnId><BIC>BANKUS33</BIC></FinInstnId></DbtrAgt>"
        "</RltdAgts></TxDtls></NtryDtls></Ntry>"
    )

    message = camt.read(statement(older, net=100, version=version))

    assert (message.version, message.warnings) == (version, ())
    (sole_entry,) = message.entries
    assert (sole_entry.status, sole_entry.payer) == (CamtStatus.BOOKED, "ACME")
    assert sole_entry.details[0].amount_minor == 100
    debtor = sole_entry.details[0].debtor
    assert (debtor.account_number, debtor.bank) == (
        "XX1",
        "BANKUS33",
    )


def test_a_version_nobody_has_published_is_read_with_a_warning():
    message = camt.read(statement(entry(), net=10_000, version="97"))

    assert warnings(message) == [("version", "BkToCstmrStmt")]


def test_a_message_without_a_namespace_is_read_with_a_warning():
    content = statement(entry(), net=10_000)
    namespace = content[: content.index(b">")].partition(b" ")[2]

    message = camt.read(content.replace(b" " + namespace, b""))

    assert warnings(message) == [("version", "BkToCstmrStmt")]


def test_a_message_that_is_another_one_than_its_namespace_says_is_refused():
    content = statement(entry(), net=10_000).replace(b"camt.053.001", b"camt.052.001")

    assert codes(content) == ["message-mismatch"]


@pytest.mark.parametrize("prefix", ["c", "ns2"])
def test_a_prefix_on_every_name_changes_nothing(prefix):
    plain = statement(entry(10_000, details(amount(10_000))), net=10_000).decode()
    prefixed = plain.replace("<", f"<{prefix}:").replace(f"<{prefix}:/", f"</{prefix}:")

    message = camt.read(prefixed.replace("xmlns=", f"xmlns:{prefix}=").encode())

    assert message == camt.read(plain.encode())


def test_an_envelope_with_a_header_is_tolerated():
    content = statement(entry(), net=10_000)
    wrapped = b'<e:Env xmlns:e="urn:x"><AppHdr><Id>1</Id></AppHdr>' + content + b"</e:Env>"

    assert camt.read(wrapped) == camt.read(content)
    assert codes(b"<e>" + content + content + b"</e>") == ["xml-messages"]


def test_intraday_reports_and_notifications_need_no_balances():
    for kind, expected in (("camt.052", CamtKind.REPORT), ("camt.054", CamtKind.NOTIFICATION)):
        message = camt.read(document(kind, "08", "<Id>S</Id>" + account() + entry()))

        assert (message.kind, message.warnings) == (expected, ())
        assert not message.statements[0].is_proved


def test_balances_that_entries_do_not_explain_refuse_the_message():
    assert refusals(statement(entry(), net=10_001)) == [("balance-proof", 3, "BkToCstmrStmt/Stmt")]
    assert refusals(STATEMENT.replace(b">21256.36<", b">21256.37<")) == [
        ("balance-proof", 2, "BkToCstmrStmt/Stmt")
    ]


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_only_what_is_booked_is_money(status):
    message = camt.read(statement(entry(), entry(77, status=status), net=10_000))

    assert message.statements[0].is_proved
    assert message.summary()["pending_entries"] == 1
    assert message.summary()["credit_minor"] == 10_000


def test_a_status_nobody_knows_refuses_the_message():
    assert refusals(statement(entry(status="DONE"), net=10_000)) == [
        ("entry-status", 7, "BkToCstmrStmt/Stmt/Ntry/Sts")
    ]


@pytest.mark.parametrize(("kinds", "lacks"), [(["OPBD"], "closing"), (["CLBD"], "opening")])
def test_a_missing_balance_is_said_and_proves_nothing(kinds, lacks):
    balances = "".join(balance(kind, 0) for kind in kinds)

    message = camt.read(document("camt.053", "08", "<Id>S</Id>" + account() + balances + entry()))

    assert warnings(message) == [("balance-missing", "BkToCstmrStmt/Stmt")]
    assert lacks in message.warnings[0].message
    assert not message.statements[0].is_proved


def test_a_page_stands_between_interim_balances():
    def page(*balances: str) -> camt.CamtStatement:
        inside = "<Id>S</Id>" + account() + "".join(balances) + entry(100)
        (sole_statement,) = camt.read(document("camt.053", "08", inside)).statements
        return sole_statement

    assert page(balance("PRCD", 100), balance("ITBD", 200)).is_proved
    assert page(balance("ITBD", 100), balance("ITBD", 200)).is_proved
    assert page(balance("ITBD", 100), balance("CLBD", 200)).is_proved


def test_balances_in_another_currency_refuse_the_message():
    balances = balance("OPBD", 100) + balance("CLBD", 200, "CAD")
    inside = "<Id>S</Id>" + account() + balances + entry(100)

    assert codes(document("camt.053", "08", inside)) == ["balance-currency"]


def test_a_balance_stated_twice_with_different_amounts_refuses_the_message():
    assert codes(statement(entry(), net=10_000, head=balance("CLBD", 1))) == ["balance-twice"]
    again = statement(entry(), net=10_000, head=balance("CLBD", 60_000))
    assert camt.read(again).statements[0].is_proved


def test_an_entry_in_another_currency_than_its_account_refuses_the_message():
    foreign = entry().replace('"USD"', '"CAD"')

    assert codes(statement(foreign, net=10_000)) == ["entry-currency"]


def test_a_reversed_credit_is_a_debit():
    reversed_credit = entry(400, sign="DBIT").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")

    reversal = only_entry(statement(reversed_credit, net=-400))

    assert (reversal.is_credit, reversal.is_reversal) == (False, True)


def test_reversals_are_turned_round_where_only_that_proves():
    turned = entry(400).replace("<Sts>", "<RvslInd>true</RvslInd><Sts>")

    message = camt.read(statement(entry(1_000), turned, net=600))

    assert [each.is_credit for each in message.entries] == [True, False]
    assert warnings(message) == [("reversal-turned", "BkToCstmrStmt/Stmt")]


def test_payments_that_do_not_add_up_make_one_receipt_of_nobody():
    inside = details(amount(6_000), amount(3_999))

    message = camt.read(statement(entry(10_000, inside), net=10_000))

    (sole_entry,) = message.entries
    assert not sole_entry.details_agree
    assert [detail.amount_minor for detail in sole_entry.details] == [6_000, 3_999]
    assert warnings(message) == [("details-sum", "BkToCstmrStmt/Stmt/Ntry/NtryDtls")]


def test_a_payment_the_other_way_counts_against_its_entry():
    inside = details(amount(12_000), amount(2_000) + "<CdtDbtInd>DBIT</CdtDbtInd>")

    assert only_entry(statement(entry(10_000, inside), net=10_000)).details_agree


def test_several_payments_without_amounts_cannot_be_told_apart():
    message = camt.read(statement(entry(10_000, details("", "")), net=10_000))

    assert warnings(message) == [("details-sum", "BkToCstmrStmt/Stmt/Ntry/NtryDtls")]


def test_a_sole_payment_without_an_amount_is_the_entry():
    sole_entry = only_entry(statement(entry(10_000, details("<Refs/>")), net=10_000))

    assert (sole_entry.details[0].amount_minor, sole_entry.details_agree) == (10_000, True)


def test_no_reference_is_made_of_not_provided():
    refs = "<Refs><EndToEndId>NOTPROVIDED</EndToEndId><ClrSysRef>IMAD1</ClrSysRef></Refs>"

    (detail,) = only_entry(statement(entry(10_000, details(refs)), net=10_000)).details

    assert (detail.end_to_end_id, detail.references) == ("", ("IMAD1",))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("12..34", "amount"),
        ("-1.00", "amount"),
        ("1,000.00", "amount"),
        ("٣.00", "amount"),
        ("²", "amount"),
        ("1e3", "amount"),
        ("", "amount"),
        (".", "amount"),
        ("1.005", "amount-decimals"),
        ("9" * 18, "amount-too-large"),
        ("9" * 5_000, "amount"),
    ],
)
def test_an_amount_that_is_none_is_named_by_its_line(written, code):
    garbled = entry().replace("100.00", written)

    assert refusals(statement(entry(1), garbled, net=1)) == [
        (code, 9, "BkToCstmrStmt/Stmt/Ntry[2]/Amt")
    ]


def test_zeros_behind_the_decimals_of_a_currency_are_harmless():
    assert only_entry(statement(entry().replace("100.00", "100.0000"), net=10_000)).amount_minor


def test_the_decimals_of_a_currency_are_its_own():
    yen = "<Id>S</Id>" + account(currency="JPY") + entry().replace('USD">100.00', 'JPY">100')

    assert only_entry(document("camt.054", "08", yen)).amount_minor == 100
    assert codes(document("camt.054", "08", yen.replace("100<", "100.5<"))) == ["amount-decimals"]


@pytest.mark.parametrize("currency", ["", "US", "usd", "USDX", "ÜSD"])
def test_an_amount_without_a_currency_refuses_the_message(currency):
    unnamed = entry().replace('"USD"', f'"{currency}"')

    assert codes(statement(unnamed, net=10_000)) == ["amount-currency"]


@pytest.mark.parametrize("written", ["2026-13-01", "20261120", "2026-W47-5", "x", "٢٠٢٦-11-20"])
def test_a_date_that_is_none_refuses_the_message(written):
    dated = entry(10_000, f"<ValDt><Dt>{written}</Dt></ValDt>")

    assert refusals(statement(dated, net=10_000)) == [
        ("date", 7, "BkToCstmrStmt/Stmt/Ntry/ValDt/Dt")
    ]


def test_a_direction_or_reversal_that_is_none_refuses_the_message():
    assert codes(statement(entry(sign="CREDIT"), net=10_000)) == ["direction"]
    reversal = entry(10_000, "<RvslInd>maybe</RvslInd>")
    assert codes(statement(reversal, net=10_000)) == ["reversal"]


@pytest.mark.parametrize("element", ["<Amt Ccy='USD'>1.00</Amt>", "<CdtDbtInd>DBIT</CdtDbtInd>"])
def test_an_element_that_may_stand_once_and_stands_twice_refuses_the_message(element):
    assert "element-twice" in codes(statement(entry(10_000, element), net=10_000))
    inside = details(amount(10_000) + "<CdtDbtInd>CRDT</CdtDbtInd>" + element)
    assert codes(statement(entry(10_000, inside), net=10_000)) == ["element-twice"]


def test_two_alike_entries_of_a_day_are_both_read():
    message = camt.read(statement(entry(450), entry(450), net=900))

    assert [each.occurrence for each in message.entries] == [1, 2]
    assert message.warnings == ()


def test_an_entry_reference_that_comes_twice_is_said():
    named = entry(450).replace("<Amt", "<NtryRef>N1</NtryRef><Amt", 1)

    message = camt.read(statement(named, named, net=900))

    assert warnings(message) == [("entry-twice", "BkToCstmrStmt/Stmt/Ntry[2]/NtryRef")]


def test_a_statement_that_stands_twice_refuses_the_message():
    inside = "<Id>S</Id>" + account() + entry()

    assert refusals(document("camt.054", "08", inside, inside)) == [
        ("statement-twice", 5, "BkToCstmrDbtCdtNtfctn/Ntfctn[2]/Id")
    ]


def test_several_statements_and_pages_stand_in_one_message():
    first = "<Id>S</Id>" + account() + entry()
    paged = "<Id>S</Id><NtfctnPgntn><PgNb>2</PgNb></NtfctnPgntn>" + account() + entry(1)
    other = "<Id>S</Id>" + account("77") + entry(2)

    message = camt.read(document("camt.054", "08", first, paged, other))

    assert [len(each.entries) for each in message.statements] == [1, 1, 1]
    assert [each.amount_minor for each in message.entries] == [10_000, 1, 2]


@pytest.mark.parametrize(
    ("inside", "code"),
    [
        (account() + entry(), "no-statement-id"),
        ("<Id>S</Id>" + entry(), "no-account-number"),
        ("<Id>S</Id><Acct><Id/></Acct>" + entry(), "no-account-number"),
    ],
)
def test_a_statement_of_nobody_refuses_the_message(inside, code):
    assert codes(document("camt.054", "08", inside)) == [code]


def test_a_message_without_statements_refuses_itself():
    assert codes(document("camt.053", "08")) == ["no-statement"]


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("<TtlNtries><NbOfNtries>2</NbOfNtries><Sum>104.50</Sum></TtlNtries>", []),
        ("<TtlNtries><NbOfNtries>1</NbOfNtries><Sum>100</Sum></TtlNtries>", []),
        ("<TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries>", ["summary-count"]),
        ("<TtlNtries><NbOfNtries>²</NbOfNtries></TtlNtries>", ["summary-count"]),
        ("<TtlCdtNtries><Sum>100.01</Sum></TtlCdtNtries>", ["summary-sum"]),
        ("<TtlDbtNtries><NbOfNtries>0</NbOfNtries><Sum>0</Sum></TtlDbtNtries>", []),
        ("<TtlDbtNtries><Sum>x</Sum></TtlDbtNtries>", ["amount"]),
    ],
)
def test_the_banks_own_summary_must_agree(summary, expected):
    head = f"<TxsSummry>{summary}</TxsSummry>"
    content = statement(entry(), entry(450, status="PDNG"), net=10_000, head=head)

    if expected:
        assert codes(content) == expected
    else:
        assert camt.read(content).statements[0].is_proved


def test_a_code_is_one_of_bai_only_if_its_issuer_says_so():
    def coded(code: str, issuer: str) -> camt.CamtEntry:
        own = f"<BkTxCd><Prtry><Cd>{code}</Cd><Issr>{issuer}</Issr></Prtry></BkTxCd>"
        return only_entry(statement(entry(1, own), net=1))

    assert (coded("195", "BAI").bai_code, coded("195", "BAI2").bai_code) == ("195", "195")
    assert (coded("195", "BBA").bai_code, coded("19", "BAI").bai_code) == ("", "")
    assert coded("544", "BBA").proprietary_code == "544"


def test_a_bai_code_of_the_other_direction_is_said():
    own = "<BkTxCd><Prtry><Cd>495</Cd><Issr>BAI</Issr></Prtry></BkTxCd>"

    message = camt.read(statement(entry(1, own), net=1))

    assert warnings(message) == [("bai-direction", "BkToCstmrStmt/Stmt/Ntry/BkTxCd/Prtry/Cd")]


def test_another_message_is_named_in_the_refusal():
    content = document("camt.053", "08").replace(b"BkToCstmrStmt", b"FIToFICstmrCdtTrf")
    content = content.replace(b"camt.053", b"pacs.008")

    assert codes(content) == ["not-camt"]
    assert codes(b"<Document/>") == ["not-camt"]
    assert codes(b"<html></html>") == ["not-iso20022"]
