"""The format of a file, broken or not, recognised from its ends; or what the file is instead."""

import gzip
import io
import os
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billfold import formats
from billfold.formats import Format, sniff, unpacking
from billfold.formats.sniffing import WINDOW_BYTES, SniffResult
from tests.places import FILES

HEADER = b"101 091999049 1234567890261123 0930A094101FIRST HARBOR BANK      CEDARLINE".ljust(94)
BATCH = b"5225CEDARLINE                           1234567890WEBBILL PAY  261124".ljust(94)
ENTRY = b"627091999049000001           0000002599100001         A PAYER".ljust(94)
RETURN = b"799R01091000010000001      12104288".ljust(94)
CHANGE = RETURN.replace(b"799R", b"798C")
END = b"8225".ljust(94, b"0")
CONTROL = b"9000001".ljust(94, b"0")
EMPTY_CONTROL = b"9".ljust(94, b"0")
ISA = (
    b"ISA*00*          *00*          *ZZ*PAYER          *ZZ*CEDARLINE      "
    b"*261120*0930*U*00401*000000101*0*P*:~"
)
CAMT = b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'><BkToCstmrStmt><GrpHdr>"
ENVELOPE = (
    b"<E><AppHdr xmlns='urn:iso:std:iso:20022:tech:xsd:head.001.001.03'/><d:FIToFICstmrCdtTrf>"
)
FEDACH = (FILES / "fed-directory" / "made-up.txt").read_bytes()
FEDWIRE = b"{1500}02        P {1510}1000{1520}20261120B1QGC01R001234{2000}000000150000"

BY_FOLDER = {
    "nacha": Format.NACHA,
    "nacha-returns": Format.NACHA_RETURNS,
    "bai2": Format.BAI2,
    "lockbox": Format.LOCKBOX,
    "camt053": Format.CAMT053,
    "edi820": Format.X12_820,
    "fed-directory": Format.FEDACH_DIRECTORY,
    "wire": Format.PACS008,
}
"""What the files of a folder are, valid or not, as a rule."""
EXCEPTIONS: dict[str, Format | str] = {
    # Empty, so it tries to be nothing.
    "nacha/bad-empty.ach": "empty",
    # The bank's day without returns: a header and a control, no batch.
    "nacha/FISERV-ZEROFILE-PIMRET825324_032720_110221.ach": Format.NACHA_RETURNS,
    # Kept among the returns, it holds an entry that was never returned.
    "nacha-returns/harness-returned-2.ach": Format.NACHA,
    "camt053/camt054.v8-with-UETR.xml": Format.CAMT054,
    "edi820/managed-care.835": "looks like an X12 835, a health care claim payment;",
    "fed-directory/fpddir-excerpt.txt": "looks like the directory of Fedwire participants;",
    # The seed of a fuzzer: a string literal of Go.
    "bai2/fuzz-3940e35d8f932097.txt": "text, but no bank format known here",
    "receivables/accounts-receivable-2466.csv": "CSV;",
}
OURS_BY_NAME = {
    "return": Format.NACHA_RETURNS,
    "zero-return": Format.NACHA_RETURNS,
    "noc": Format.NACHA_RETURNS,
    "mixed-returns": Format.NACHA_RETURNS,
}


def samples() -> list[Path]:
    folder = Path(os.environ.get("BILLFOLD_SAMPLES", "/nowhere"))
    files = (path for path in sorted(folder.glob("*/*")) if path.is_file())
    return [path for path in files if path.parent.name not in {"LICENSES", "reported"}]


def expected(path: Path) -> Format | str:
    name = f"{path.parent.name}/{path.name}"
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    if path.parent == FILES / "nacha":
        for beginning, kind in OURS_BY_NAME.items():
            if path.name.startswith(beginning):
                return kind
    return BY_FOLDER[path.parent.name]


def agrees(result: SniffResult, wanted: Format | str) -> bool:
    if isinstance(wanted, Format):
        return result.format is wanted and result.reason.startswith("looks like")
    return result.format is None and result.reason.startswith(wanted)


@pytest.mark.skipif("BILLFOLD_SAMPLES" not in os.environ, reason="BILLFOLD_SAMPLES is not set")
@pytest.mark.parametrize("path", samples(), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_sample_is_what_it_tries_to_be(path):
    result = sniff(unpacking.unpack(path.read_bytes()))

    assert agrees(result, expected(path)), result


OURS = [
    path
    for folder in ("nacha", "bai2", "lockbox", "edi820", "fed-directory")
    for path in sorted((FILES / folder).iterdir())
    if path.name not in {"README.md", ".gitattributes"}
]


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_file_of_ours_is_what_it_tries_to_be(path):
    assert agrees(sniff(path.read_bytes()), expected(path))


@pytest.mark.parametrize("path", OURS, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("dress", ["bom", "blank lines", "crlf", "no end", "cr"])
def test_marks_and_line_ends_do_not_matter(path, dress):
    content = path.read_bytes()
    worn = {
        "bom": b"\xef\xbb\xbf" + content,
        "blank lines": b"\r\n \n\n" + content,
        "crlf": content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
        "no end": content.rstrip(),
        "cr": content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
    }[dress]

    assert sniff(worn).format is sniff(content).format


def nacha(*records: bytes, end: bytes = b"\n") -> Format | None:
    return sniff(end.join([*records, b""])).format


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b""])
@pytest.mark.parametrize(
    ("records", "kind"),
    [
        ([HEADER, BATCH, ENTRY, END, CONTROL], Format.NACHA),
        ([HEADER, BATCH, ENTRY, RETURN, END, CONTROL], Format.NACHA_RETURNS),
        ([HEADER, BATCH, ENTRY, CHANGE, END, CONTROL], Format.NACHA_RETURNS),
        ([HEADER, EMPTY_CONTROL], Format.NACHA_RETURNS),
        ([HEADER, EMPTY_CONTROL, b"9" * 94], Format.NACHA_RETURNS),
        ([BATCH, ENTRY, RETURN, END], Format.NACHA_RETURNS),
        ([BATCH, ENTRY, END], Format.NACHA),
        ([ENTRY, RETURN], Format.NACHA_RETURNS),
        ([ENTRY], Format.NACHA),
        ([HEADER], Format.NACHA),
        ([END, CONTROL], Format.NACHA),
    ],
)
def test_returns_are_told_from_payments(records, kind, end):
    assert nacha(*records, end=end) is kind


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_returns_are_seen_at_the_end_of_a_long_file(end):
    many = [ENTRY] * 2_000

    assert nacha(HEADER, BATCH, *many, END, CONTROL, end=end) is Format.NACHA
    assert nacha(HEADER, BATCH, *many, RETURN, END, CONTROL, end=end) is Format.NACHA_RETURNS


def test_one_line_that_ends_is_cut_into_records():
    assert sniff(HEADER + BATCH + ENTRY + RETURN + b"\n").format is Format.NACHA_RETURNS


def test_a_trace_number_is_no_record():
    """A window may begin inside a record: what looks like an addendum there is none."""
    padded = [ENTRY[:40] + b"799" + ENTRY[43:]] * 2_000

    assert nacha(HEADER, BATCH, *padded, END, CONTROL) is Format.NACHA
    assert nacha(HEADER, BATCH, *padded, END, CONTROL, end=b"") is Format.NACHA


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"01,BANK,CEDARLINE,261120,0400,1,,,2/", Format.BAI2),
        (b"01,BANK,CEDARLINE,261120,0400,1,80,,2/" + b" " * 42 + b"02,CEDARLINE,BANK", Format.BAI2),
        (b"02,CEDARLINE,BANK,1,261120,2359,USD,2/\n03,5550123456,USD/\n16,195,100/", Format.BAI2),
        (b"00,BANK,CEDARLINE,261120,0400,1,,,2/", Format.BAI2),
        (b"100CEDARLINE 09199904926112004" + b"15", Format.LOCKBOX),
        (b"5001000000415026112CEDARLINE0091999049", None),
        (b"50010000004150261120CEDARLINE 0091999049", Format.LOCKBOX),
        (b"2CEDARLINE 0091999049000000000040008008001", Format.LOCKBOX),
        (CAMT, Format.CAMT053),
        (b"<?xml version='1.0'?>\n<!-- a bank -->\n" + CAMT, Format.CAMT053),
        (CAMT.replace(b"053", b"054").replace(b"Stmt", b"DbtCdtNtfctn"), Format.CAMT054),
        (b"<n:Document xmlns:n='u'><n:BkToCstmrStmt>", Format.CAMT053),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:camt.054.001.04'>", Format.CAMT054),
        (b"<Document xmlns='urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08'/>", Format.PACS008),
        (ENVELOPE, Format.PACS008),
        (ISA + b"GS*RA*A*B*20261120*0930*1*X*004010~ST*820*0001~", Format.X12_820),
        (ISA, Format.X12_820),
        (ISA[:40], Format.X12_820),
        (ISA.replace(b"*", b"\x1d") + b"GS\x1dRA\x1dA~ST\x1d820\x1d1~", Format.X12_820),
        (b"GS*RA*A*B*20261120*0930*1*X*004010~ST*820*0001~", Format.X12_820),
        (b"ST*820*0001~BPR*C*1*C~", Format.X12_820),
        (b"RMR*IV*90010046**299.75\\", Format.X12_820),
        (FEDACH[:157], Format.FEDACH_DIRECTORY),
        (FEDACH[:94], Format.FEDACH_DIRECTORY),
        (b'[\n {"routingNumber" : "091999049"', Format.FEDACH_DIRECTORY),
        (b'{"fedACHParticipants":{"response":{}}}', Format.FEDACH_DIRECTORY),
        (FEDWIRE, Format.FEDWIRE_TEXT),
        (b"{1100}02P N\n" + FEDWIRE, Format.FEDWIRE_TEXT),
    ],
)
def test_a_format_is_told_by_its_beginning(content, kind):
    assert sniff(content).format is kind


def zipped(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "x" * 20_000)
        archive.writestr(name, "x")
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n \r\n", "blank"),
        (b"\xef\xbb\xbf", "blank"),
        (b" " * (WINDOW_BYTES + 9) + HEADER, "blank: it begins with thousands of blanks"),
        (b"\0" * 500, "nothing but zero bytes"),
        (HEADER.decode().encode("utf-16"), "UTF-16"),
        (HEADER.decode().encode("utf-16-be"), "UTF-16"),
        (HEADER.decode().encode("utf-16-le"), "UTF-16"),
        (HEADER.decode().encode("utf-32"), "UTF-32"),
        (HEADER.decode().encode("cp037"), "EBCDIC"),
        (gzip.compress(HEADER, mtime=0), "packed with gzip"),
        (zipped("a.txt"), "a ZIP archive"),
        (zipped("xl/workbook.xml"), "an Excel workbook"),
        (zipped("word/document.xml"), "a Word document"),
        (tarred(), "a tar archive"),
        (b"7z\xbc\xaf\x27\x1c\0\4", "a 7-Zip archive"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel"),
        (b"\x89PNG\r\n\x1a\n\0", "a picture"),
        (b"\x00\x00\x00\x5001", "a file of cheque images"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA", "an encrypted PGP message"),
        (b"\x85\x01\x0c\x03" + bytes(range(200)), "an encrypted PGP message"),
        (b"\xc1\xc0\x4c\x03" + bytes(range(200)), "an encrypted PGP message"),
        (b"\xd2\xff\x00\x00\x10\x00\x01" + bytes(range(200)), "an encrypted PGP message"),
        (b"\x8c\x0d\x04\x09" + bytes(range(200)), "an encrypted PGP message"),
        (bytes(range(1, 32)) * 9, "no text but binary data"),
        (b"-----BEGIN OPENSSH PRIVATE KEY-----", "an SSH private key"),
        (b"-----BEGIN RSA PRIVATE KEY-----", "a key or a certificate"),
        (b"-----BEGIN PKCS7-----", "an encrypted or signed message"),
        (b"Content-Type: application/pkcs7-mime; name=a", "an encrypted message (S/MIME)"),
        (b"Received: from a bank", "an e-mail"),
        (b"<!DOCTYPE html>\n<html>", "a web page (HTML): was a sign-in page saved"),
        (b"<html><head><title>Sign in", "a web page (HTML)"),
        (b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'a'><html>", "a web page (HTML)"),
        (b"<Invoice><Id>1</Id></Invoice>", "XML, but no message of ISO 20022: its root is Invoice"),
        (b"<?xml version='1.0'?>", "XML, but"),
        (
            CAMT.replace(b"053", b"052").replace(b"Stmt", b"AcctRpt"),
            "looks like camt.052, an intra",
        ),
        (
            CAMT.replace(b"camt.053", b"pain.001").replace(b"BkToCstmrStmt", b"a"),
            "looks like pain.001",
        ),
        (
            b"<D xmlns='urn:iso:std:iso:20022:tech:xsd:camt.029.001.09'>",
            "looks like camt.029, the out",
        ),
        (ISA + b"GS*PO*A*B~ST*850*1~", "looks like an X12 850, a purchase order; only 820 is read"),
        (ISA + b"GS*XX*A*B~ST*199*1~", "looks like an X12 199; only 820 is read"),
        (ISA + b"GS*FA*A*B~", "looks like an X12; only 820 is read"),
        (b"ST*835*1~BPR*I*1*C~", "looks like an X12 835, a health care claim payment"),
        (b"UNB+UNOA:1+A+B+261120:0930+1'", "EDIFACT"),
        (b"{1:F01BANKUS33AXXX0000000000}{2:O9400930}", "a SWIFT MT message"),
        (b":20:STARTUMS\n:25:123", "a SWIFT MT statement"),
        (b"OFXHEADER:100\nDATA:OFXSGML", "OFX"),
        (b"<?xml version='1.0'?><?OFX OFXHEADER='200'?><OFX>", "OFX"),
        (b"!Type:Bank\nD11/20'26", "QIF"),
        (b'{"rows": []}', "JSON; of JSON only"),
        (b"invoice,amount\n7,120.00\n8,130.00\n", "CSV; no bank format"),
        (b"invoice;amount\n7;120,00\n8;130,00", "CSV with semicolons"),
        (b"invoice\tamount\n7\t120\n", "CSV with tabs"),
        (b"status: accepted\nsha256: 00", "looks like a bank's acknowledgement"),
        (b"Dear customer, here is your file.", "text, but no bank format known here"),
        (b"101 Dalmatians\nand more", "text, but no bank format known here"),
        (b"1001 nights were told\nby her", "text, but no bank format known here"),
        (b"1   ACCOUNT ANALYSIS REPORT          PAGE 1\n", "text, but no bank format known here"),
        ("\u00c9t\u00e9 \u00e0 la plage".encode(), "text, but no bank format known here"),
        (b"\xa0\x85", "text, but no bank format known here"),
    ],
)
def test_what_is_no_format_is_named_for_people(content, words):
    result = sniff(content)

    assert result.format is None
    assert result.reason.startswith(words)


def test_a_page_says_what_it_takes():
    bai2, pdf = sniff(b"01,BANK,CEDARLINE,261120,0400,1,,,2/"), sniff(b"%PDF-")

    assert bai2.reason_unless(Format.BAI2) == ""
    assert bai2.reason_unless(Format.NACHA_RETURNS) == "looks like BAI2; this page takes returns"
    assert (
        bai2.reason_unless(Format.CAMT053, Format.CAMT054, Format.LOCKBOX)
        == "looks like BAI2; this page takes camt.053, camt.054 and lockbox files"
    )
    assert pdf.reason_unless(Format.BAI2) == pdf.reason


def test_every_format_has_words():
    for kind in Format:
        for other in Format:
            assert (SniffResult(kind, "looks like it").reason_unless(other) == "") is (
                kind is other
            )


def test_the_door_is_the_package():
    assert formats.sniff(HEADER + b"\n" + BATCH) == SniffResult(
        Format.NACHA, "looks like a Nacha file of payments"
    )


BEGINNINGS = st.sampled_from(
    [b"", HEADER, BATCH, ISA, CAMT, FEDACH[:80], FEDWIRE, b"01,", b"1", b"{", b"<", b"PK\x03\x04"]
)


@given(BEGINNINGS, st.binary(max_size=120), st.sampled_from([1, 300]))
def test_any_bytes_are_told_or_named(beginning, noise, times):
    result = sniff(beginning + noise * times)

    assert result.reason
    assert result.format is None or result.reason.startswith("looks like")


@given(BEGINNINGS, st.text(max_size=60))
def test_any_text_is_told_or_named(beginning, text):
    assert sniff(beginning + text.encode("utf-8", "surrogatepass")).reason


@pytest.mark.parametrize("piece", [b" ", b"<", b"A", b"9", b",", b"\n", b"{", b"\xc3\x28", b"\0"])
def test_the_size_of_a_file_does_not_matter(piece):
    small, large = (piece * (size // len(piece)) for size in (50_000, 50_000_000))

    seconds = [(_seconds(small), _seconds(large)) for _ in range(20)]

    # Merely looking for a byte in all of it takes longer; how long it takes is measured in bench.
    least_for_small, least_for_large = map(min, zip(*seconds, strict=True))
    assert least_for_large < 3 * least_for_small


def _seconds(content: bytes) -> float:
    start = time.process_time()
    sniff(content)
    return time.process_time() - start
