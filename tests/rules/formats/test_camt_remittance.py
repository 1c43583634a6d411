"""What payers say in camt messages: documents with amounts, free text, references."""

import pytest

from billfold.formats.iso20022 import camt
from tests.rules.formats.camt_files import codes, details, entry, only_entry, statement, warnings

NUMBER = "<RfrdDocInf><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Nb>{number}</Nb></RfrdDocInf>"


def strd(number: str, paid: str, *more: str, kind: str = "CINV") -> str:
    amounts = f"<RfrdDocAmt><RmtdAmt Ccy='USD'>{paid}</RmtdAmt>{''.join(more)}</RfrdDocAmt>"
    return f"<Strd>{NUMBER.format(kind=kind, number=number)}{amounts}</Strd>"


def remitted(*parts: str, minor: int = 10_000) -> bytes:
    inside = details(f"<Amt Ccy='USD'>100.00</Amt><RmtInf>{''.join(parts)}</RmtInf>")
    return statement(entry(minor, inside), net=minor)


def lines(content: bytes) -> list[tuple[str, int | None]]:
    return [(line.number, line.amount_minor) for line in only_entry(content).lines]


def test_a_credit_note_lessens_what_invoices_come_to():
    content = remitted(strd("1", "120.00"), strd("2", "20.00", kind="CREN"))

    assert lines(content) == [("1", 12_000), ("2", -2_000)]
    assert camt.read(content).warnings == ()


def test_documents_that_do_not_add_up_are_said():
    message = camt.read(remitted(strd("1", "99.00")))

    assert warnings(message) == [
        ("remittance-sum", "BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls/RmtInf")
    ]
    ((detail,),) = [each.details for each in message.entries]
    assert (detail.remittance_agrees, detail.remittance.lines[0].amount_minor) == (False, 9_900)


def test_documents_without_amounts_prove_nothing_and_are_kept():
    content = remitted(f"<Strd>{NUMBER.format(kind='CINV', number='7')}</Strd>")

    assert lines(content) == [("7", None)]
    assert camt.read(content).warnings == ()


def test_one_amount_over_several_documents_is_nobodys():
    two = NUMBER.format(kind="CINV", number="1") + NUMBER.format(kind="CINV", number="2")
    amounts = "<RfrdDocAmt><RmtdAmt Ccy='USD'>100</RmtdAmt></RfrdDocAmt>"

    assert lines(remitted(f"<Strd>{two}{amounts}</Strd>")) == [("1", None), ("2", None)]


def test_what_was_due_and_what_lies_between_is_kept():
    between = (
        "<AdjstmntAmtAndRsn><Amt Ccy='USD'>5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>"
        "<Rsn>01</Rsn><AddtlInf>short</AddtlInf></AdjstmntAmtAndRsn>"
    )

    content = remitted(strd("1", "100.00", "<DuePyblAmt Ccy='USD'>105</DuePyblAmt>", between))

    (line,) = only_entry(content).lines
    assert (line.kind, line.due_minor) == ("CINV", 10_500)
    (adjustment,) = line.adjustments
    assert (adjustment.amount_minor, adjustment.reason, adjustment.text) == (-500, "01", "short")


def test_a_reference_alone_is_a_line_without_a_document():
    content = remitted("<Strd><CdtrRefInf><Ref>RF18</Ref></CdtrRefInf></Strd><Ustrd> a </Ustrd>")

    sole_entry = only_entry(content)
    assert [line.reference for line in sole_entry.lines] == ["RF18"]
    assert list(sole_entry.texts) == ["a"]


@pytest.mark.parametrize("name", ["RmtdAmt", "DuePyblAmt"])
def test_a_garbled_amount_of_a_document_refuses_the_message(name):
    content = remitted(strd("1", "100.00", "<DuePyblAmt Ccy='USD'>100.00</DuePyblAmt>"))
    garbled = content.replace(f"<{name} Ccy='USD'>100".encode(), f"<{name} Ccy='USD'>1OO".encode())

    assert codes(garbled) == ["amount"]


def test_the_payer_is_named_by_its_own_party_before_any_other():
    parties = (
        "<RltdPties><Dbtr><Pty><Nm>ACME</Nm></Pty></Dbtr>"
        "<UltmtDbtr><Pty><Nm>PARENT</Nm></Pty></UltmtDbtr></RltdPties>"
    )

    (detail,) = only_entry(statement(entry(10_000, details(parties)), net=10_000)).details

    assert (detail.payer, detail.ultimate_debtor) == ("ACME", "PARENT")
