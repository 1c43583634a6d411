"""Every command: the module it stands in, what help says of it, what it needs to run."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Needs(Enum):
    """What is made ready before a command runs; Django also before its module is imported."""

    NOTHING = auto()
    """The command runs without Django, or sets it up itself."""
    DJANGO = auto()
    """The command starts a database itself, or does without one."""
    DATABASE = auto()
    """Django and a running database; a missing state directory is made."""
    INSTALLATION = auto()
    """Django and the running database of an installation that is there."""


@dataclass(frozen=True, slots=True)
class CommandRow:
    """One command."""

    module: str
    help: str
    needs: Needs = Needs.INSTALLATION
    mode: str = ""
    """The mode of what the command sets up, where BILLFOLD_MODE names none."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Commands that begin with the same word."""

    help: str
    title: str
    commands: Mapping[str, CommandRow]
    when_none: str = ""
    """The command of the group that is meant where none is named."""


COMMANDS: Final[Mapping[str, CommandRow | GroupRow]] = {
    "init": CommandRow("init", "set up a live installation, once", Needs.DJANGO, mode="live"),
    "biller": GroupRow(
        "set up billers, and list them",
        "kinds",
        {
            "add": CommandRow("billers", "make a biller"),
            "set": CommandRow("billers", "change a biller's profile, hosts or bank connection"),
            "list": CommandRow("billers", "billers, their hosts, and what each still lacks"),
        },
    ),
    "staff": GroupRow(
        "who works for the biller",
        "kinds",
        {
            "add": CommandRow("staff", "let somebody sign in as staff"),
            "disable": CommandRow("staff", "let somebody in no longer, at once"),
            "list": CommandRow("staff", "who may sign in as staff"),
        },
    ),
    "customer-access": CommandRow(
        "customer_access", "let a person see and pay a customer's invoices"
    ),
    "person": GroupRow(
        "close a login, open it again, replace a password",
        "kinds",
        {
            "disable": CommandRow("logins", "let somebody in no longer, at once"),
            "enable": CommandRow("logins", "let somebody in again"),
            "password": CommandRow(
                "logins", "make a one-time password; every session of the person ends"
            ),
        },
    ),
    "serve": CommandRow("serve", "answer the web", Needs.DJANGO),
    "worker": CommandRow("worker", "carry out every job when it is due"),
    "database": CommandRow(
        "database",
        "run the private PostgreSQL until stopped, for other processes to use",
        Needs.NOTHING,
    ),
    "migrate": CommandRow("migrate", "bring every biller up to this version", Needs.DATABASE),
    "hold": GroupRow(
        "let nothing leave: no file, no mail",
        "kinds",
        {
            "on": CommandRow("hold", "from now on, nothing leaves"),
            "off": CommandRow("hold", "what waits may leave; makes a copy the live one"),
        },
    ),
    "brake": GroupRow(
        "what keeps files from the bank, and lifting it",
        "acts",
        {
            "show": CommandRow("brake", "whether it is set, what was seen, who agreed to lift it"),
            "lift": CommandRow("brake", "agree to lift it: the second treasurer's word lifts it"),
        },
        when_none="show",
    ),
    "backup": CommandRow("backup", "write the whole database, without keys, to a file"),
    "restore": CommandRow(
        "restore", "bring a backup into an empty database, on HOLD", Needs.NOTHING
    ),
    "import": GroupRow(
        "take in a CSV file from the billing system",
        "kinds",
        {
            "customers": CommandRow("billing_files", "who owes"),
            "invoices": CommandRow("billing_files", "what is owed"),
            "lines": CommandRow("billing_files", "what invoices are made of"),
            "credits": CommandRow("billing_files", "credit notes"),
            "documents": CommandRow("billing_files", "invoices as PDF files"),
        },
    ),
    "export": GroupRow(
        "write a file for the billing system",
        "kinds",
        {
            "payments": CommandRow("exports", "what became of payments"),
            "fees": CommandRow("exports", "fees charged, and taken back"),
            "credits": CommandRow("exports", "credit notes taken in"),
            "applications": CommandRow("exports", "money put on invoices, and taken off"),
        },
    ),
    "bank": GroupRow(
        "check, show and take in files of the bank",
        "acts",
        {
            "check": CommandRow(
                "bank_files", "say what files are and what is wrong with them", Needs.NOTHING
            ),
            "show": CommandRow("bank_files", "show what a file says, for people", Needs.NOTHING),
            "import": CommandRow("bank_import", "take files in as if they had been fetched"),
            "layout": CommandRow(
                "bank_files", "show a lockbox file against a layout, by column", Needs.NOTHING
            ),
            "directory": CommandRow("bank_import", "load the names of banks from a FedACH file"),
        },
    ),
    "file": GroupRow(
        "files for the bank of which nobody knows whether they arrived",
        "acts",
        {
            "list": CommandRow("sent_files", "which these are, and since when"),
            "resolve": CommandRow("sent_files", "say what the bank has: arrived, or resend"),
        },
    ),
    "statement": GroupRow(
        "bank statements that wait until two people accept them",
        "acts",
        {
            "list": CommandRow("statements", "which wait, since when and why"),
            "show": CommandRow("statements", "what one of them says"),
            "accept": CommandRow("statements", "accept it: the second treasurer's word books it"),
            "refuse": CommandRow("statements", "refuse it: nothing is taken from it"),
        },
    ),
    "credit": GroupRow(
        "credits of which something waits to be used",
        "acts",
        {
            "list": CommandRow("credits", "what waits, and what was applied to which invoice"),
            "apply": CommandRow("credits", "put a credit on an invoice or charge"),
            "unapply": CommandRow("credits", "take it off again"),
        },
    ),
    "parked": GroupRow(
        "letters, files, bank lines and payments set aside because our own code failed at them",
        "acts",
        {
            "list": CommandRow("parked", "what is set aside, since when and after which error"),
            "retry": CommandRow("parked", "let one of them, or all, be tried again"),
        },
    ),
    "verify": CommandRow("verify", "prove that no promise is broken; exit 1 if one is"),
    "doctor": CommandRow("doctor", "look at everything around: keys, server, bank", Needs.DJANGO),
    "simulate": GroupRow(
        "move a demo's clock, play its bank",
        "kinds",
        {
            "day": CommandRow("simulate", "live until 09:00 Eastern of the next banking day"),
            "accounts": CommandRow(
                "simulate", "which account numbers make what happen", Needs.DJANGO
            ),
            "bank": CommandRow("simulate", "be the simulated bank until stopped"),
            "brake": CommandRow("simulate", "set the brake, as if verify had found something"),
        },
    ),
    "demo-data": CommandRow("simulate", "make the sample biller of the demo", Needs.DATABASE),
    "demo": CommandRow("demo", "show a working portal with a sample biller", Needs.NOTHING),
}
