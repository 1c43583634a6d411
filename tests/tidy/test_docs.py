"""The pages in docs/ say what the code does: tables, settings, names and links are compared."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest

from billfold.formats.nacha import checks
from billfold.ledger.chart import AccountCode
from billfold.money import Money
from billfold.payments.rules import accounting, debit_rules
from billfold.payments.rules.accounting import PaymentFacts, Share
from billfold.payments.rules.lifecycle import State, Step
from billfold.rails.ach.return_reasons import RETURN_CODES
from billfold.rails.protocol import Event, Returned, Settled, Submitted, TakenBack
from tests.places import PROJECT

DOCS = PROJECT / "docs"
PAGES = sorted([*PROJECT.glob("*.md"), *DOCS.rglob("*.md")])
OURS = [*(PROJECT / "billfold").rglob("*.py"), PROJECT / "run.py"]

_READ_FROM_ENVIRONMENT = re.compile(r"environ(?:\.get|\.pop)?[\[(]\s*\"(\w+)\"")
_CITATION = re.compile(r"docs/([\w/-]+\.md)(#[\w-]+)?")
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(#[\w-]+)?\)")


def page(name: str) -> str:
    return (DOCS / name).read_text()


def anchors(path: Path) -> set[str]:
    """List the anchors of a page's headings, made the way code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\s-]", "", heading.lower()) for heading in headings)
    return {"#" + heading.strip().replace(" ", "-") for heading in plain}


def is_there(target: Path, anchor: str) -> bool:
    return target.exists() and (not anchor or anchor in anchors(target))


def test_the_accounting_page_shows_the_policy() -> None:
    assert accounting.markdown_table() + "\n" in page("accounting.md")


def test_the_bank_files_page_shows_every_nacha_check() -> None:
    assert checks.markdown_table() in page("bank-files.md")


def test_the_bank_files_page_shows_every_rule_of_the_cut_off() -> None:
    assert debit_rules.markdown_table() in page("bank-files.md")


def test_the_accounting_page_names_every_account() -> None:
    chart = page("accounting.md").partition("## The chart")[2].partition("## What")[0]

    assert set(re.findall(r"^\| `(\w+)`", chart, re.MULTILINE)) == {
        code.value for code in AccountCode
    }


AFTERWARDS = {"keep": "kept", "remove": "removed from use", "hold": "on hold"}
EVENTS = {
    "Payment submitted": Submitted("P", "k", date(2026, 11, 16)),
    "Payment settled": Settled("P", "k", date(2026, 11, 17)),
    "Payment refused, withdrawn or returned": Returned(
        "P", "k", date(2026, 11, 17), code="R01", amount=Money(120), rdfi="12999901"
    ),
    "Payment taken back": TakenBack("P", "k", date(2026, 11, 18)),
}


@pytest.mark.parametrize("rail", ["ach", "card"])
@pytest.mark.parametrize(("title", "event"), EVENTS.items(), ids=EVENTS)
def test_the_policy_is_what_is_booked(title: str, event: Event, rail: str) -> None:
    share = Share("invoice/INV-7", 120, transfer_key="applied")
    facts = PaymentFacts(UUID(int=3), "P", UUID(int=4), Money(120), [share], [share], rail)
    row = accounting.COLUMNS[rail][title]
    words = {"payment/P": "payment"}

    booked = accounting.transfers([Step("P", event, State.SETTLED, State.SETTLED)], {"P": facts})
    moves = {
        tuple(
            f"{side.code} · {words[side.subject]}" if side.subject else str(side.code)
            for side in (transfer.debit, transfer.credit)
        )
        for transfer in booked
        if transfer.reason not in {"applied", "unapplied"}
    }

    assert moves == {(str(row.debit), str(row.credit))}


def test_the_table_of_return_codes_is_what_is_done() -> None:
    groups: dict[tuple[str, str, str], list[str]] = {}
    for code in sorted(RETURN_CODES.values(), key=lambda each: each.code):
        fee, case = ("yes" if is_so else "no" for is_so in (code.fee_chargeable, code.opens_case))
        groups.setdefault((AFTERWARDS[code.account], fee, case), []).append(code.code)

    rows = {f"| {', '.join(codes)} | {' | '.join(then)} |" for then, codes in groups.items()}

    assert rows - set(page("bank-files.md").splitlines()) == set()


def test_every_setting_is_in_the_operating_page() -> None:
    settings = {
        name
        for path in (PROJECT / "billfold").rglob("*.py")
        for name in _READ_FROM_ENVIRONMENT.findall(path.read_text())
    }

    described = set(re.findall(r"^\| `(\w+)`", page("operating.md"), re.MULTILINE))

    assert settings - described == set()


def test_every_state_is_in_the_glossary() -> None:
    text = page("glossary.md")

    assert [state.value for state in State if f"| `{state.value}` |" not in text] == []


def test_the_architecture_page_shows_the_layers_that_are_checked() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [layer.split(" | ") for layer in contracts["contracts"][0]["layers"]]

    table = page("architecture.md").partition("## Who may import whom")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| \d+ \| ([^|]+(?:\\\| [^|]+)*) \|", table, re.MULTILINE)

    assert [re.findall(r"`(\w+)`", row) for row in rows] == layers


def test_a_page_that_the_code_cites_is_there() -> None:
    lost = {
        f"{path.relative_to(PROJECT)}: {name}{anchor}"
        for path in OURS
        for name, anchor in _CITATION.findall(path.read_text())
        if not is_there(DOCS / name, anchor)
    }

    assert lost == set()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_a_link_between_pages_leads_somewhere(path: Path) -> None:
    lost = [
        f"{target}{anchor}"
        for target, anchor in _LINK.findall(path.read_text())
        if not is_there(path.parent / target if target else path, anchor)
    ]

    assert lost == []
