"""Wires in pacs.008: read completely and counted, or refused with every reason."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats.iso20022 import pacs008
from billfold.formats.problems import Unreadable
from tests import places

FILES = places.FILES / "wire"
FREE_TEXT = (FILES / "synthetic-pacs008-ustrd.xml").read_bytes()
TWO_INVOICES = (FILES / "synthetic-pacs008-strd-two-invoices.xml").read_bytes()
BARE = (FILES / "synthetic-pacs008-no-remittance.xml").read_bytes()
UETR = "8a562c67-ca16-48ba-b074-65581be6f001"


def transfer(minor: str = "15.00", *more: str) -> str:
    return (
        f"<CdtTrfTxInf><PmtId><EndToEndId>NOTPROVIDED</EndToEndId></PmtId>"
        f"<IntrBkSttlmAmt Ccy='USD'>{minor}</IntrBkSttlmAmt>{''.join(more)}</CdtTrfTxInf>\n"
    )


def message(*transfers: str, count: int | str | None = None, head: str = "") -> bytes:
    stated = len(transfers) if count is None else count
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08">\n<FIToFICstmrCdtTrf>'
        f"<GrpHdr><MsgId>M1</MsgId><NbOfTxs>{stated}</NbOfTxs>{head}</GrpHdr>\n"
        f"{''.join(transfers)}</FIToFICstmrCdtTrf></Document>"
    ).encode()


def only_transfer(content: bytes) -> pacs008.CreditTransfer:
    (sole_transfer,) = pacs008.read(content).transfers
    return sole_transfer


def refusals(content: bytes) -> list[tuple[str, int, str]]:
    with pytest.raises(Unreadable) as refusal:
        pacs008.read(content)
    assert all(problem.message and problem.fix for problem in refusal.value.problems)
    problems = (each for each in refusal.value.problems if each.severity == "error")
    return [(each.code, each.line, each.field) for each in problems]


def warning_codes(content: bytes) -> list[str]:
    return [problem.code for problem in pacs008.read(content).warnings]


def test_a_wire_is_read_to_the_last_field():
    received = pacs008.read(FREE_TEXT)

    assert (received.version, received.clearing_system, received.settlement_method) == (
        "08",
        "FDW",
        "CLRG",
    )
    assert received.imad == ("20261120", "B1QGC01R", "001234")
    assert received.warnings == ()
    (wire,) = received.transfers
    assert (wire.amount_minor, wire.currency) == (150_000, "USD")
    assert (wire.settlement_date, wire.uetr) == (date(2026, 11, 20), UETR)
    assert (wire.end_to_end_id, wire.payer) == ("INV90010045", "MIDSIZE CORP")
    assert (wire.debtor.account_number, wire.charge_bearer) == ("998877665544", "SLEV")
    assert wire.remittance.texts == ("ACCOUNT 200001 INVOICE 90010045",)
    assert "998877665544" not in repr(received)
    assert received.summary() == {
        "message": "pacs.008.08",
        "entries": 1,
        "debit_minor": 0,
        "credit_minor": 150_000,
        "currency": "USD",
    }


def test_invoices_come_with_their_amounts():
    lines = only_transfer(TWO_INVOICES).remittance.lines

    assert [(line.number, line.amount_minor, line.reference) for line in lines] == [
        ("90010045", 100_000, "200001"),
        ("90010046", 50_000, "200001"),
    ]


def test_a_wire_may_say_nothing_but_its_reference():
    assert only_transfer(BARE).remittance.texts == ()
    assert only_transfer(BARE).end_to_end_id == "INV90010045"
    assert only_transfer(message(transfer())).end_to_end_id == ""


def test_an_envelope_and_prefixes_are_tolerated():
    prefixed = FREE_TEXT.partition(b"?>\n")[2].decode().replace("<", "<p:").replace("<p:/", "</p:")
    enveloped = (
        '<FedwireFundsIncoming xmlns="urn:fedwirefunds:incoming:v001">'
        "<FedwireFundsIncomingMessage><FedwireFundsCustomerCreditTransfer>"
        '<AppHdr xmlns="urn:iso:std:iso:20022:tech:xsd:head.001.001.03"><Fr/></AppHdr>'
        f"{prefixed.replace('xmlns=', 'xmlns:p=')}"
        "</FedwireFundsCustomerCreditTransfer></FedwireFundsIncomingMessage></FedwireFundsIncoming>"
    )

    assert pacs008.read(enveloped.encode()) == pacs008.read(FREE_TEXT)


def test_what_arrived_counts_and_what_was_sent_is_known():
    sent = "<InstdAmt Ccy='USD'>20.00</InstdAmt>"
    charges = "<ChrgsInf><Amt Ccy='USD'>3.00</Amt></ChrgsInf>" * 2

    wire = only_transfer(message(transfer("14.00", sent, charges)))

    assert (wire.amount_minor, wire.instructed_minor) == (1_400, 2_000)
    assert (wire.charges_minor, wire.short_minor) == (600, 600)
    foreign = only_transfer(message(transfer("14.00", sent.replace("USD", "EUR"))))
    assert foreign.short_minor == 0
    assert warning_codes(message(transfer("21.00", sent))) == ["charges"]


def test_the_date_may_stand_in_the_header():
    head = "<IntrBkSttlmDt>2026-11-20</IntrBkSttlmDt>"

    assert only_transfer(message(transfer(), head=head)).settlement_date == date(2026, 11, 20)


@pytest.mark.parametrize("count", [2, 0, "", "²", "1.0", "9" * 5_000])
def test_a_count_that_is_wrong_refuses_the_message(count):
    assert refusals(message(transfer(), count=count)) == [
        ("transfer-count", 2, "FIToFICstmrCdtTrf/GrpHdr/NbOfTxs")
    ]


@pytest.mark.parametrize(
    "head", ["<CtrlSum>30.01</CtrlSum>", "<TtlIntrBkSttlmAmt Ccy='USD'>3</TtlIntrBkSttlmAmt>"]
)
def test_a_sum_that_is_wrong_refuses_the_message(head):
    assert [code for code, *_ in refusals(message(transfer(), transfer(), head=head))] == [
        "transfer-sum"
    ]
    right = head.replace("30.01", "30").replace(">3<", ">30.00<")
    assert len(pacs008.read(message(transfer(), transfer(), head=right)).transfers) == 2


def test_the_same_uetr_twice_refuses_the_message():
    named = transfer().replace("<EndToEndId>", f"<UETR>{UETR}</UETR><EndToEndId>")

    assert refusals(message(named, named)) == [
        ("transfer-twice", 4, "FIToFICstmrCdtTrf/CdtTrfTxInf[2]/PmtId/UETR")
    ]
    assert warning_codes(message(named.replace(UETR, "1"))) == ["uetr"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (message(transfer("1.234")), "amount-decimals"),
        (message(transfer("x")), "amount"),
        (message("<CdtTrfTxInf/>"), "amount"),
        (message(transfer("1", "<IntrBkSttlmDt>20261120</IntrBkSttlmDt>")), "date"),
        (message(transfer("1", "<IntrBkSttlmAmt Ccy='USD'>2</IntrBkSttlmAmt>")), "element-twice"),
        (message(transfer("1", "<InstdAmt Ccy='USD'>-2</InstdAmt>")), "amount"),
        (message(), "no-transfer"),
        (message(transfer()).replace(b"pacs.008", b"pacs.009"), "message-mismatch"),
        (b"<Document><BkToCstmrStmt/></Document>", "not-pacs008"),
        (b"<Document/>", "not-pacs008"),
        (b"<Document><FIToFICstmrCdtTrf/></Document>", "no-header"),
        (b"<!DOCTYPE x><Document/>", "xml-doctype"),
    ],
)
def test_a_message_that_is_wrong_says_where(content, expected):
    assert [code for code, *_ in refusals(content)] == [expected]


def test_a_version_nobody_has_published_is_read_with_a_warning():
    assert warning_codes(FREE_TEXT.replace(b"001.08", b"001.99")) == ["version"]


def test_documents_that_add_up_to_neither_amount_are_said():
    assert warning_codes(TWO_INVOICES.replace(b'"USD">500.00', b'"USD">499.00')) == [
        "remittance-sum"
    ]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(TWO_INVOICES) - 1), st.integers(0, 255), st.integers(0, 2))
def test_a_changed_byte_ends_in_a_refusal_or_a_message(at, byte, kind):
    old = TWO_INVOICES[at : at + 1]
    new = (b"", bytes([byte]), old + bytes([byte]))[kind]
    try:
        received = pacs008.read(TWO_INVOICES[:at] + new + TWO_INVOICES[at + 1 :])
    except Unreadable as refusal:
        assert refusal.problems
    else:
        assert len(received.transfers) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=5))
def test_what_is_written_is_read(minors):
    written = [transfer(f"{minor // 100}.{minor % 100:02d}") for minor in minors]
    total = f"<CtrlSum>{sum(minors) // 100}.{sum(minors) % 100:02d}</CtrlSum>"

    received = pacs008.read(message(*written, head=total))

    assert [each.amount_minor for each in received.transfers] == minors
