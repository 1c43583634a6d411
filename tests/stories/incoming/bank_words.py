"""What a bank would leave in its folder, said by a test line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from billfold import jobs
from billfold.banking import exchange
from billfold.banking.models import BankFile
from billfold.payments.models import Instruction, Payment
from billfold.simulator.bank import returns, statements
from billfold.simulator.bank.memory import AccountLine, RdfiAnswer
from tests.world import World, eastern, run_job


def sent(world: World, day: int, *amounts: str) -> list[Payment]:
    """Send a file with payments; nobody acts at the bank."""
    noon = eastern(2026, 11, day, 12)
    world.now = noon
    payments = [world.pay(world.invoice(f"CL-{day}-{n}", a)) for n, a in enumerate(amounts)]
    jobs.cut_off(noon.replace(hour=17))
    world.release_all(noon.replace(hour=17))
    run_job("send", noon.replace(hour=18))
    return payments


def leave(world: World, name: str, content: bytes, *, now: datetime) -> BankFile:
    """Let the bank leave a document, and have it fetched and read; give it as it stands then."""
    (world.folder / "from_bank" / name).write_bytes(content)
    run_job("fetch", now)
    jobs.read(now)
    return BankFile.objects.filter(direction="in").latest("made_at", "id")


def answer(world: World, file: BankFile, verdict: str, *, now: datetime, name: str = "") -> None:
    """Let the bank accept or reject a file."""
    words = f"status: {verdict}\nfile: {file.name}\nsha256: {file.sha256}\nreason: so {name}\n"
    leave(world, f"{file.name}.{verdict}{name}", words.encode(), now=now)


def return_of(world: World, instruction: Instruction, code: str, *, on: date) -> bytes:
    """Write the return of an entry, with the very lines of the file it was in."""
    lines = exchange.unseal_content(instruction.file).decode().splitlines()
    (entry,) = (line for line in lines if line.startswith("6") and instruction.trace in line)
    answer = RdfiAnswer(
        batch_header=next(line for line in lines if line.startswith("5")),
        entry=entry,
        code=code,
        original_trace=instruction.trace,
        amount_minor=instruction.amount_minor,
        deliver_on=on,
    )
    return returns.write([(1, answer)], terms=world.bank.terms, on=on, at="0600")


def line(
    type_code: int, amount_minor: int, text: str, *, on: date, reference: str = "R"
) -> AccountLine:
    return AccountLine(
        on_date=on,
        type_code=type_code,
        amount_minor=amount_minor,
        bank_reference=reference,
        customer_reference="",
        text=text,
    )


def statement(
    world: World, on: date, lines: Sequence[AccountLine], *, opening_minor: int = 0
) -> bytes:
    """Write a day's statement, which adds up."""
    day = statements.PriorDayStatement(
        as_of=on, made_on=on, made_at="0600", opening_minor=opening_minor, lines=lines
    )
    return statements.write(day, world.bank.terms)
