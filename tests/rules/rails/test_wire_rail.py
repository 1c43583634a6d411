"""What customers push: receipts from wires, each known by one key however often it comes."""

from datetime import date

import pytest

from billfold.formats.problems import Unreadable
from billfold.money import Money
from billfold.rails import wire
from billfold.rails.protocol import BankDocument, Received, RemittanceItem
from tests import places
from tests.rules.formats.camt_files import STATEMENT, account, amount, details, document, entry
from tests.rules.formats.test_pacs008 import BARE, FREE_TEXT, TWO_INVOICES, UETR
from tests.rules.formats.test_wire_text import ADVICE


def receipts(content: bytes) -> list[Received]:
    return wire.read(BankDocument("received", content))


def only_receipt(content: bytes) -> Received:
    (sole_receipt,) = receipts(content)
    return sole_receipt


def refusal(content: bytes) -> str:
    with pytest.raises(Unreadable) as refused:
        receipts(content)
    return refused.value.problems[0].code


def notification(*entries: str) -> bytes:
    day = "<CreDtTm>2026-11-20T12:00:00-05:00</CreDtTm>"
    return document("camt.054", "08", "<Id>S</Id>" + day + account() + "".join(entries))


REFS = f"<Refs><EndToEndId>INV90010045</EndToEndId><UETR>{UETR.upper()}</UETR></Refs>"
WIRE = entry(150_000, details(REFS + amount(150_000)))


def test_a_wire_brings_its_payer_and_its_invoices():
    assert only_receipt(TWO_INVOICES) == Received(
        UETR,
        f"wire/{UETR}",
        date(2026, 11, 20),
        Money(150_000),
        remittances=(
            RemittanceItem("90010045", "200001", Money(100_000)),
            RemittanceItem("90010046", "200001", Money(50_000)),
        ),
        payer="MIDSIZE CORP",
    )


def test_free_text_names_an_account_and_an_invoice():
    assert only_receipt(FREE_TEXT).remittances == (
        RemittanceItem("90010045", "200001", text="ACCOUNT 200001 INVOICE 90010045"),
    )


def test_a_reference_alone_may_name_an_invoice():
    assert only_receipt(BARE).remittances == (RemittanceItem("90010045", text="INV90010045"),)


def test_the_same_payment_has_one_key_in_every_document():
    assert {only_receipt(each).key for each in (TWO_INVOICES, BARE, notification(WIRE))} == {
        f"wire/{UETR}"
    }


def test_without_a_uetr_the_imad_is_the_key():
    uetr = f"<UETR>{UETR}</UETR>".encode()
    referred = "<Refs><ClrSysRef>20261120B1QGC01R001234</ClrSysRef></Refs>"

    keys = {
        only_receipt(FREE_TEXT.replace(uetr, b"")).key,
        only_receipt(ADVICE.encode()).key,
        only_receipt(notification(entry(150_000, details(referred)))).key,
    }

    assert keys == {"wire/20261120B1QGC01R001234"}


def test_a_tagged_advice_is_a_receipt():
    receipt = only_receipt(ADVICE.encode())

    assert (receipt.payer, receipt.amount) == ("ACME WIDGETS", Money(150_000))
    assert receipt.remittances[0] == RemittanceItem(
        "90010001", "100045", text="ACCT 100045 INV 90010001"
    )
    assert receipts(ADVICE.replace("{1510}1000", "{1510}1002").encode()) == []


def test_payments_of_an_entry_are_receipts_of_their_own():
    two = details(amount(100), amount(200))

    first, second = receipts(notification(entry(300, "<AcctSvcrRef>A</AcctSvcrRef>", two)))

    assert (first.key, second.key) == ("wire/A/1", "wire/A/2")
    assert (first.amount, second.amount) == (Money(100), Money(200))


def test_payments_that_do_not_add_up_are_one_receipt_of_nobody():
    two = details(REFS + amount(100), amount(201))

    receipt = only_receipt(notification(entry(300, "<AcctSvcrRef>A</AcctSvcrRef>", two)))

    assert (receipt.amount, receipt.payer, receipt.remittances) == (Money(300), "", ())
    assert receipt.key == "wire/A"


def test_two_alike_entries_without_names_keep_different_keys():
    first, second = receipts(notification(entry(450), entry(450)))

    assert first.key != second.key
    assert first.on == date(2026, 11, 20)


def code(bank: str, bai: str = "") -> str:
    domain, family, sub = bank.split("/")
    own = f"<Prtry><Cd>{bai}</Cd><Issr>BAI</Issr></Prtry>" if bai else ""
    return (
        f"<BkTxCd><Domn><Cd>{domain}</Cd><Fmly><Cd>{family}</Cd><SubFmlyCd>{sub}</SubFmlyCd>"
        f"</Fmly></Domn>{own}</BkTxCd>"
    )


@pytest.mark.parametrize(
    "other",
    [
        entry(1, sign="DBIT"),
        entry(1, status="PDNG"),
        entry(1, "<RvslInd>true</RvslInd>"),
        entry(1, code("PMNT/RCHQ/LBOX")),
        entry(1, code("PMNT/RCDT/ATXN")),
        entry(1, code("PMNT/IDDT/UPDD")),
        entry(1, code("PMNT/RCDT/DMCT", bai="142")),
    ],
)
def test_what_customers_did_not_wire_is_left_to_others(other):
    assert receipts(notification(other)) == []


@pytest.mark.parametrize(
    "pushed", [entry(1, code("PMNT/RRCT/DMCT")), entry(1, code("PMNT/ICDT/X", bai="195"))]
)
def test_a_credit_transfer_is_a_receipt(pushed):
    assert only_receipt(notification(pushed)).amount == Money(1)


def test_what_cannot_be_booked_is_refused():
    assert refusal(STATEMENT) == "not-a-notification"
    assert refusal(notification(WIRE.replace("USD", "SEK"))) == "currency"
    undated = document("camt.054", "08", "<Id>S</Id>" + account() + WIRE)
    assert refusal(undated.replace(b"CreDtTm", b"CreDtXx")) == "no-date"
    assert refusal(b"") == "not-xml"


FILES = places.FILES / "wire"


@pytest.mark.parametrize("path", sorted(FILES.glob("*.xml")), ids=lambda path: path.stem)
def test_every_sample_is_one_receipt(path):
    assert only_receipt(path.read_bytes()).amount == Money(150_000)
