"""The made-up biller of the demo, as data. Days count from the day on which the demo begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from billfold.people.models import Role

SCHEMA: Final = "cedarline"
NAME: Final = "Cedarline Communications"
HOSTS: Final = ("localhost", "127.0.0.1", "*")
PASSWORD: Final = "correct paper ledger"  # noqa: S105  made up, and printed by the demo
"""The password of every sign-in."""

FIRST_HARBOR: Final = "091999049"
"""The biller's own bank."""
PACIFIC_LANTERN: Final = "129999018"
GREAT_BASIN: Final = "072999039"

PROFILE: Final[dict[str, Any]] = {
    "trade_name": "Cedarline",
    "legal_name": "Cedarline Communications, Inc.",
    "address": "1 Cedar Way\nFairhaven, OH 45999",
    "state": "OH",
    "brand_color": "#1d5c49",
    "support_phone": "(555) 010-0142",
    "support_email": "billing@cedarline.example",
    "support_hours": "weekdays 8 to 6 ET",
    "remit_to": "Cedarline Communications, Inc.\nPO Box 55010-2207\nFairhaven, OH 45999-2207",
    "wire_routing_number": FIRST_HARBOR,
    "ach_routing_number": FIRST_HARBOR,
    "deposit_account_number": "000773142019",
    "swift_code": "DEMOUS00",
    "tiles": [
        {
            "kind": "link",
            "label": "Usage",
            "title": "Usage",
            "text": "Minutes and data this month",
            "url": "https://usage.cedarline.example/",
        },
        {
            "kind": "link",
            "label": "Support",
            "title": "Support",
            "text": "Open a ticket, see its state",
            "url": "https://support.cedarline.example/",
        },
        {
            "kind": "link",
            "label": "Service status",
            "title": "Service status",
            "text": "What is down, and until when",
            "url": "https://status.cedarline.example/",
        },
    ],
}

BANK: Final[dict[str, Any]] = {
    "name": "Operating",
    "bank_name": "First Harbor Bank",
    "odfi_routing_number": FIRST_HARBOR,
    "immediate_origin": "1910000001",
    "company_name": "CEDARLINE COMM",
    "company_id": "1910000001",
}
BANK_ACCOUNT: Final = "000773142019"


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """Somebody who can sign in to the demo."""

    email: str
    name: str
    role: Role
    about: str
    accounts: tuple[str, ...] = ()
    """Numbers of the accounts a payer may pay."""


DANA: Final = "dana@hollis-wren.example"
MARCO: Final = "marco@marlow-dental.example"
LENA: Final = "lena@brightwater.example"

SIGN_INS: Final = (
    DemoSignIn(
        DANA, "Dana Osei", Role.PAYER, "payer with two accounts", ("40-118-2207", "40-118-2214")
    ),
    DemoSignIn(MARCO, "Marco Ruiz", Role.PAYER, "payer in an unreviewed state", ("40-330-8114",)),
    DemoSignIn(LENA, "Lena Fischer", Role.PAYER, "payer with a returned payment", ("41-003-5528",)),
    DemoSignIn(
        "priya@cedarline.example", "Priya Raman", Role.TREASURER, "staff, may release files"
    ),
    DemoSignIn("jonah@cedarline.example", "Jonah Tate", Role.TREASURER, "staff, may release files"),
    DemoSignIn("cleo@cedarline.example", "Cleo Park", Role.CLERK, "staff, may not release files"),
)


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    """A customer of the biller."""

    number: str
    name: str
    address: str
    state: str
    terms: str = "Net 25"
    email: str = ""
    paper_bill: bool = False


CUSTOMERS: Final = (
    DemoCustomer(
        "40-118-2207", "Hollis & Wren Architects", "18 Plumb Lane\nFairhaven, OH 45999", "OH",
        email="accounts@hollis-wren.example",
    ),
    DemoCustomer(
        "40-118-2214", "Hollis & Wren Model Shop", "20 Plumb Lane\nFairhaven, OH 45999", "OH",
        email="accounts@hollis-wren.example",
    ),
    DemoCustomer(
        "40-330-8114", "Marlow Dental Group", "5 Elm Court\nSandmere, CT 06999", "CT",
        email="office@marlow-dental.example",
    ),
    DemoCustomer(
        "41-003-5528", "Brightwater Clinics", "77 Weir Road\nStillbrook, OH 45999", "OH",
        email="ap@brightwater.example",
    ),
    DemoCustomer(
        "40-771-1290", "Vesper Logistics", "9 Dock Street\nFairhaven, OH 45999", "OH", "Net 30",
        email="payables@vesper-logistics.example",
    ),
    DemoCustomer(
        "44-902-0071", "Tidewater Fabrication", "310 Slip Road\nHarborview, OH 45999", "OH",
        paper_bill=True,
    ),
    DemoCustomer(
        "42-650-0007", "Ostrander School District", "1 Chalk Hill\nOstrander, OH 45999", "OH",
        "Net 45", email="business-office@ostrander.example",
    ),
    DemoCustomer("44-210-0034", "Northgate Holdings", "600 Gate Street\nFairhaven, OH 45999", "OH"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoInvoice:
    """An invoice; `dated` and `due` are days before (negative) or after the demo begins."""

    number: str
    account: str
    dated: int
    due: int
    amount: str
    description: str = "Monthly service"
    reference: str = ""
    lines: tuple[tuple[str, int], ...] = ()
    """Texts of the lines, each with its weight in the amount."""


SERVICE: Final = (
    ("Business fiber 500 Mbps", 62),
    ("Voice lines, 12", 27),
    ("Taxes and surcharges", 11),
)
CIRCUIT: Final = (("Dedicated circuit 1 Gbps", 90), ("Taxes and surcharges", 10))
MOVE: Final = (("One-time move of service to the second floor", 1),)

INVOICES: Final = (
    DemoInvoice("CL-208814", "40-118-2207", -30, -5, "1284.60", lines=SERVICE, reference="HW-OCT"),
    DemoInvoice("CL-209377", "40-118-2207", -21, 4, "1326.32", lines=SERVICE, reference="HW-NOV"),
    DemoInvoice(
        "CL-209912", "40-118-2207", -9, 16, "1325.00", "Move of service",
        lines=MOVE, reference="PO 7731",
    ),
    DemoInvoice("CL-209913", "40-118-2214", -6, 19, "186.40", lines=SERVICE),
    DemoInvoice("CL-207702", "40-330-8114", -68, -43, "412.00", lines=SERVICE),
    DemoInvoice("CL-208640", "40-330-8114", -38, -13, "412.00", lines=SERVICE),
    DemoInvoice("CL-209655", "40-330-8114", -8, 17, "412.00", lines=SERVICE),
    DemoInvoice("CL-209102", "41-003-5528", -26, -1, "212.40", lines=SERVICE),
    DemoInvoice("CL-209790", "41-003-5528", -7, 18, "48210.00", "Twelve clinics", lines=CIRCUIT),
    DemoInvoice("CL-205118", "40-771-1290", -128, -98, "3300.00", lines=CIRCUIT),
    DemoInvoice("CL-206455", "40-771-1290", -98, -68, "3300.00", lines=CIRCUIT),
    DemoInvoice("CL-207391", "40-771-1290", -68, -38, "3300.00", lines=CIRCUIT),
    DemoInvoice(
        "CL-208477", "40-771-1290", -38, -8, "9104.00", "Two months of circuits", lines=CIRCUIT
    ),
    DemoInvoice("CL-209540", "40-771-1290", -9, 21, "18220.15", "Build-out", lines=CIRCUIT),
    DemoInvoice("CL-209118", "44-902-0071", -24, 1, "2974.00", lines=CIRCUIT),
    DemoInvoice("CL-209344", "44-902-0071", -20, 5, "1974.00", lines=CIRCUIT),
    DemoInvoice("CL-208990", "42-650-0007", -28, 17, "6022.60", lines=SERVICE),
    DemoInvoice("CL-209610", "42-650-0007", -5, 40, "22140.80", "New campus", lines=CIRCUIT),
)  # fmt: skip
"""Northgate Holdings owes nothing."""


@dataclass(frozen=True, slots=True)
class DemoCreditNote:
    """A credit note."""

    number: str
    account: str
    dated: int
    amount: str
    reason: str
    on_bill: str = ""


CREDIT_NOTES: Final = (
    DemoCreditNote(
        "CN-1041", "40-771-1290", -4, "1650.00", "Outage of October 3 to 17", "CL-207391"
    ),
    DemoCreditNote("CN-1042", "42-650-0007", -4, "240.00", "Lines ported away early"),
)


@dataclass(frozen=True, slots=True)
class DemoPayment:
    """A payment a person made in the days before the demo begins."""

    reference: str
    banking_days_before: int
    by: str
    bill: str
    amount: str
    routing_number: str
    account_number: str
    remember: bool = False


PAYMENTS: Final = (
    DemoPayment(
        "7QK2-M9XA-04TD-RH6B", 6, DANA, "CL-208814", "938.42", PACIFIC_LANTERN, "4417006789",
        remember=True,
    ),
    # Ends in 01: the bank sends it back, and a return fee is added.
    DemoPayment("2NV8-H3CT-61PD-W0KE", 4, LENA, "CL-209102", "212.40", GREAT_BASIN, "55001201"),
)  # fmt: skip
