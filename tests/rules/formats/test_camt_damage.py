"""camt messages that are written, damaged or hostile: equal, harmless, or refused with reasons."""

import gc
import resource
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billfold.formats.iso20022 import camt, camt_details, fast_path, parsing
from billfold.formats.iso20022.camt_reading import CamtReader
from billfold.formats.iso20022.fast_path import FastParser, NotPlain
from billfold.formats.problems import Unreadable
from tests import waiting
from tests.rules.formats.camt_files import (
    STATEMENT,
    account,
    amount,
    codes,
    details,
    document,
    entry,
    refusals,
    statement,
)

MINORS = st.integers(0, 10**13)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)
DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31))


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, tuple[object, ...]]:
    """Draw an entry as written and as it must be read."""
    minor, is_credit = draw(MINORS), draw(st.booleans())
    status = draw(st.sampled_from(list(camt.CamtStatus)))
    booked, reference, payer = draw(DAYS), draw(TEXTS), draw(TEXTS)
    invoices = draw(st.lists(TEXTS.filter(bool), max_size=3))
    texts = draw(st.lists(TEXTS.filter(bool), max_size=2))
    remittance = "".join(f"<Ustrd>{escaped(text)}</Ustrd>" for text in texts)
    remittance += "".join(
        f"<Strd><RfrdDocInf><Nb>{escaped(number)}</Nb></RfrdDocInf></Strd>" for number in invoices
    )
    inside = details(
        f"{amount(minor)}<RltdPties><Dbtr><Nm>{escaped(payer)}</Nm></Dbtr></RltdPties>"
        f"<RmtInf>{remittance}</RmtInf>"
    )
    more = (
        f"<BookgDt><Dt>{booked}</Dt></BookgDt>"
        f"<AcctSvcrRef>{escaped(reference)}</AcctSvcrRef>{inside}"
    )
    written = entry(minor, more, sign="CRDT" if is_credit else "DBIT", status=status)
    return written, (minor, is_credit, status, booked, reference, payer, invoices, texts)


@settings(max_examples=40, deadline=None)
@given(st.lists(entries(), max_size=4), st.sampled_from(["utf-8", "utf-8-sig"]))
def test_what_is_written_is_read(drawn, encoding):
    net = sum(
        (minor if is_credit else -minor)
        for _, (minor, is_credit, status, *_) in drawn
        if status is camt.CamtStatus.BOOKED
    )
    content = statement(*(written for written, _ in drawn), net=net).decode().encode(encoding)

    (sole_statement,) = camt.read(content).statements

    assert sole_statement.is_proved
    assert [
        (
            each.amount_minor,
            each.is_credit,
            each.status,
            each.booked_date,
            each.servicer_reference,
            each.payer,
            [line.number for line in each.lines],
            list(each.texts),
        )
        for each in sole_statement.entries
    ] == [expected for _, expected in drawn]


def pause_every(chunk, monkeypatch):
    monkeypatch.setattr(parsing, "CHUNK_BYTES", chunk)
    monkeypatch.setattr(fast_path, "CHUNK_BYTES", chunk)


def outcome(read):
    """Return the message, or the problems it is refused for."""
    try:
        return read()
    except Unreadable as refusal:
        return refusal.problems


def both_ways(content):
    """Read a message on the fast path, if it takes the message, and by the full parser."""
    by_full_parser = outcome(CamtReader(content).read)
    try:
        return outcome(CamtReader(content, FastParser).read), by_full_parser
    except NotPlain:
        return by_full_parser, by_full_parser


@pytest.mark.parametrize("chunk", [1, 7, 64, 1_000])
def test_where_the_parser_pauses_changes_nothing(chunk, monkeypatch):
    message = camt.read(STATEMENT)
    pause_every(chunk, monkeypatch)

    assert both_ways(STATEMENT) == (message, message)


@pytest.mark.parametrize("chunk", [1, 50])
def test_an_entry_of_many_payments_is_read_while_it_comes(chunk, monkeypatch):
    payments = [amount(minor) for minor in range(1, 9)]
    inside = details(*payments[:3]) + "<NtryDtls/>" + details(*payments[3:])
    content = statement(entry(36, inside), net=36)
    broken = content.replace(b"0.07<", b"0,07<")
    message, errors = camt.read(content), refusals(broken)
    pause_every(chunk, monkeypatch)

    assert both_ways(content) == (message, message)
    assert refusals(broken) == errors
    assert errors[0][2] == "BkToCstmrStmt/Stmt/Ntry/NtryDtls[3]/TxDtls[4]/Amt"


PROVED = camt.read(STATEMENT)


def check(content: bytes) -> None:
    """A damaged statement is refused with reasons, or keeps its proved total."""
    on_fast_path, by_full_parser = both_ways(content)
    assert on_fast_path == by_full_parser
    try:
        message = camt.read(content)
    except Unreadable as refusal:
        assert refusal.problems
        assert all(problem.message and problem.line > 0 for problem in refusal.problems)
        return
    assert message.summary()["credit_minor"] == PROVED.summary()["credit_minor"] or not all(
        each.is_proved for each in message.statements
    )
    for day in message.statements:
        if day.is_proved:
            booked = [each for each in day.entries if each.status is camt.CamtStatus.BOOKED]
            net = sum(x.amount_minor if x.is_credit else -x.amount_minor for x in booked)
            opening, closing = day.balance_minor("OPBD"), day.balance_minor("CLBD")
            assert opening is not None and closing is not None and opening + net == closing
        else:
            assert message.warnings or message.kind is not camt.CamtKind.STATEMENT


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(STATEMENT) - 1), st.integers(0, 255), st.integers(0, 2))
def test_a_changed_byte_is_noticed_or_harmless(at, byte, kind):
    replacement = (b"", bytes([byte]), STATEMENT[at : at + 1] + bytes([byte]))[kind]

    check(STATEMENT[:at] + replacement + STATEMENT[at + 1 :])


LINES = STATEMENT.splitlines(keepends=True)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, len(LINES) - 1),
    st.integers(2, len(LINES) - 1),
    st.sampled_from(["drop", "swap", "double", "cut"]),
)
def test_a_moved_or_missing_entry_is_noticed_or_harmless(first, second, act):
    lines = list(LINES)
    match act:
        case "drop":
            del lines[first]
        case "swap":
            lines[first], lines[second] = lines[second], lines[first]
        case "double":
            lines.insert(second, lines[first])
        case "cut":
            lines = lines[:first]
    check(b"".join(lines))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_refused_with_a_reason(content):
    assert refusals(content)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(set(STATEMENT.decode().split("<")))), max_size=30))
def test_any_pile_of_our_own_elements_is_harmless(pieces):
    check(STATEMENT[:118] + "<".join(["", *pieces]).encode() + b"</BkToCstmrStmt></Document>")


@pytest.mark.parametrize(
    "content",
    [
        STATEMENT.replace(b"<Stmt>", b"<!-- a comment --><Stmt>"),
        STATEMENT.replace(b"N1-S", b"<![CDATA[N1-S]]>"),
        STATEMENT.replace(b"<Stmt>", b"<?a b?><Stmt>"),
        STATEMENT.replace(b"<Stmt>", b"<Stmt><x:y/>"),
        STATEMENT.replace(b"<Stmt>", b"<Stmt><y xmlns='urn:x'/>"),
        STATEMENT.replace(b"xmlns=", b"xmlns:xsi='urn:y' xmlns="),
        STATEMENT.replace(b'"urn:iso', b"'urn:iso").replace(b'001.08"', b"001.08'"),
    ],
    ids=range(7),
)
def test_what_is_not_plain_is_read_the_careful_way(content):
    with pytest.raises(NotPlain):
        CamtReader(content, FastParser).read()

    assert camt.read(content) == PROVED


def test_what_is_plain_is_read_the_quick_way():
    assert CamtReader(STATEMENT, FastParser).read() == PROVED


DOCTYPES = {
    "external entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "external parameter entity": '<!DOCTYPE d [<!ENTITY % x SYSTEM "http://localhost/x"> %x;]>',
    "external subset": '<!DOCTYPE d SYSTEM "http://localhost/x.dtd">',
    "billion laughs": '<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>',
    "quadratic blow-up": f'<!DOCTYPE d [<!ENTITY x "{"x" * 10_000}">]>',
}


@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES.keys())
def test_a_document_type_is_refused_before_it_is_looked_at(doctype):
    content = statement(entry(), net=10_000).replace(b"100.00", b"&x;" * 1_000, 1)

    assert refusals(b"<?xml version='1.0'?>\n" + doctype.encode() + content) == [
        ("xml-doctype", 2, "")
    ]


def test_an_entity_nobody_declared_is_refused():
    assert codes(statement(entry(), net=10_000).replace(b"100.00", b"&x;")) == ["xml-malformed"]


VALID = statement(entry(), net=10_000)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (VALID.decode().encode("utf-16"), "xml-encoding"),
        (VALID.decode().encode("utf-16-le"), "xml-encoding"),
        (VALID.replace(b"BOOK", b"BO\0K"), "xml-encoding"),
        (b'<?xml version="1.0" encoding="UTF-16"?>' + VALID, "xml-encoding"),
        (b'<?xml version="1.0" encoding="utf-7"?>' + VALID, "xml-encoding"),
        (
            b'<?xml version="1.0" encoding="UTF-8"?>' + VALID.replace(b">S<", b">\xe9<"),
            "xml-malformed",
        ),
        (b"", "not-xml"),
        (b"{1500}", "not-xml"),
        (b"\x1f\x8b" + VALID, "not-xml"),
        (b"<", "xml-malformed"),
        (VALID[:-20], "xml-malformed"),
        (VALID + VALID, "xml-malformed"),
        (VALID.replace(b"BOOK", b"BOOK&#0;"), "xml-malformed"),
        (VALID.replace(b"BOOK", b"BOOK\x01"), "xml-malformed"),
    ],
)
def test_bytes_that_are_no_such_message_say_what_they_are(content, code):
    assert codes(content) == [code]


def test_latin_letters_are_read_in_the_encoding_that_is_declared():
    named = entry(1, details("<RltdPties><Dbtr><Nm>Zoë</Nm></Dbtr></RltdPties>"))
    content = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + statement(
        named, net=1
    ).decode().encode("latin-1")

    assert [each.payer for each in camt.read(content).entries] == ["Zoë"]


def megabytes_of(act):
    """Give the memory an act takes beyond what was taken before; fail one that never ends."""
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with waiting.stopped_if_endless():
        act()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


HEAD, TAIL = VALID.split(b"BOOK")
LARGE = 20 << 20


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (lambda: HEAD + b"x" * LARGE + TAIL, "xml-part-too-large"),
        (lambda: HEAD + b"\n" * LARGE + TAIL, "xml-part-too-large"),
        (lambda: HEAD + b"<!--" + b"->" * (LARGE >> 1) + b"-->" + TAIL, "xml-mark-too-long"),
        (lambda: HEAD + b"<a b='" + b"x" * LARGE + b"'/>" + TAIL, "xml-mark-too-long"),
        (lambda: HEAD + b"<a " + b"b='' " * (LARGE // 5) + b"/>" + TAIL, "xml-mark-too-long"),
        (lambda: HEAD + b"<?a " + b"x" * LARGE + b"?>" + TAIL, "xml-mark-too-long"),
        (lambda: HEAD + b"<![CDATA[" + b"x" * LARGE + b"]]>" + TAIL, "xml-part-too-large"),
        (lambda: HEAD + b"<a/>" * (LARGE >> 2) + TAIL, "xml-part-too-large"),
        (lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "xml-too-deep"),
        (lambda: HEAD + b"<a>" * 100_000 + b"</a>" * 100_000 + TAIL, "xml-too-deep"),
        (lambda: HEAD + b"<Sts>" * (LARGE // 5), "xml-too-deep"),
        (lambda: VALID.replace(b"</Stmt>", b"<Ntry/>" * (LARGE // 7) + b"</Stmt>"), "amount"),
        (lambda: b" " * LARGE, "not-xml"),
        (lambda: b"<" * LARGE, "xml-malformed"),
    ],
    ids=range(14),
)
def test_size_buys_neither_time_nor_memory(content, code):
    hostile, refused_for = content(), []

    megabytes = megabytes_of(lambda: refused_for.extend(codes(hostile)))

    assert refused_for[0] == code, refused_for[:3]
    assert megabytes < 150


def test_an_entry_of_too_many_payments_is_refused(monkeypatch):
    content = statement(entry(3, details(*[amount(1)] * 3)), net=3)
    assert len(next(camt.read(content).entries).details) == 3
    monkeypatch.setattr(camt_details, "MOST_PAYMENTS", 2)

    assert refusals(content) == [
        ("too-many-payments", 7, "BkToCstmrStmt/Stmt/Ntry/NtryDtls/TxDtls[3]")
    ]


def test_problems_come_all_at_once_and_end_at_a_thousand():
    several = [entry(sign="X"), entry(status="Y"), entry().replace("100.00", "1,0")]
    inside = "<Id>S</Id>" + account()

    assert refusals(document("camt.054", "08", inside + "".join(several))) == [
        ("direction", 3, "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry/CdtDbtInd"),
        ("entry-status", 4, "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry[2]/Sts"),
        ("amount", 5, "BkToCstmrDbtCdtNtfctn/Ntfctn/Ntry[3]/Amt"),
    ]
    many = refusals(document("camt.054", "08", inside + entry(sign="X") * 2_000))
    assert (len(many), many[-1][0]) == (1_001, "too-many")
