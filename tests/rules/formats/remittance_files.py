"""820 files to read: the authored ones, and small ones made of the segments a test is about."""

import pytest

from billfold.formats import x12
from billfold.formats.problems import Unreadable
from billfold.formats.x12 import AdvicePayment, RemittanceAdvice
from tests import places

FILES = places.FILES / "edi820"
CTX, PIPES, ACCOUNT_ONLY, CHECK, BAD_COUNT, BAD_NUMBER = (
    (FILES / f"synthetic-{name}.820").read_bytes()
    for name in (
        "ctx-remittance",
        "pipe-delims-no-newlines",
        "account-only-no-invoice",
        "check-remittance-only",
        "bad-se-count",
        "control-number-mismatch",
    )
)
ISA = (
    "ISA*00*          *00*          *ZZ*PAYER          *ZZ*CEDARLINE      "
    "*261120*0930*U*00401*000000101*0*P*:"
)
GS = "GS*RA*PAYER*CEDARLINE*20261120*0930*101*X*004010"
BPR = "BPR*C*{}*C*ACH*CTX*01*091999049*DA*777123*1987654321**01*110000000*DA*888456*20261123"


def transaction(*segments: str, number: str = "0001") -> list[str]:
    return [f"ST*820*{number}", *segments, f"SE*{len(segments) + 2}*{number}"]


def interchange(*segments: str, sets: int = 1) -> list[str]:
    return [ISA, GS, *segments, f"GE*{sets}*101", "IEA*1*000000101"]


def file(*segments: str, amount: str = "100.00", order: str = BPR) -> bytes:
    """Wrap the segments of one payment in an envelope that holds."""
    enveloped = interchange(*transaction(order.format(amount), *segments))
    return "".join(f"{segment}~\n" for segment in enveloped).encode()


def only_payment(content: bytes) -> AdvicePayment:
    (payment,) = x12.read(content).payments
    return payment


def problems(content: bytes | list[str]) -> list[tuple[str, int, str]]:
    """Return code, line and field of the errors that a file, or some addenda, is refused for."""
    with pytest.raises(Unreadable) as refusal:
        if isinstance(content, bytes):
            x12.read(content)
        else:
            x12.read_fragment(content)
    reasons = refusal.value.problems
    assert all(problem.message and problem.fix for problem in reasons)
    return [(each.code, each.line, each.field) for each in reasons if each.severity == "error"]


def warnings(remittance: RemittanceAdvice) -> list[tuple[str, int, str]]:
    return [(each.code, each.line, each.field) for each in remittance.warnings]
