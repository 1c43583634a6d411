"""Letting somebody in no longer: an access, a login, a password others know."""

from __future__ import annotations

import pytest

from billfold.cli import main
from billfold.people.models import Person, RoleGrant
from billfold.platform import clock, tenancy
from billfold.platform.ids import new_id
from billfold.platform.models import AuditEntry
from billfold.receivables.models import Access, Customer
from tests import databases, environment
from tests.conftest import MONDAY, add_blank

EMAIL = "dana@hollis-wren.example"


@pytest.fixture
def desk(django_db_setup, django_db_blocker):
    """A biller whose data is written for good, and taken away afterwards."""
    with django_db_blocker.unblock():
        clock.move_to(MONDAY)
        biller = add_blank("person_desk", "person-desk.test")
        with tenancy.use(biller):
            Customer.objects.create(id=new_id(), number="C-1", name="Hollis", created_at=MONDAY)
        yield biller
        databases.remove_biller(environment.SERVER, biller.schema)


@pytest.fixture
def billfold(desk, capsys):
    """Type a command for the biller; give its exit code, output and complaints."""

    def run(*words):
        code = main.main([*words, "--biller", "person_desk"])
        return code, *capsys.readouterr()

    return run


def one_time(output: str) -> str:
    return output.strip().rpartition(" ")[2]


def test_a_payer_s_access_and_login_end_when_a_command_says_so(billfold, desk):
    given = ["customer-access", EMAIL, "--customer", "C-1"]
    code, output, _ = billfold(*given, "--person-name", "Dana Osei")
    first = one_time(output)
    assert code == 0

    code, output, _ = billfold("person", "password", EMAIL.upper())
    second = one_time(output)
    with tenancy.use(desk):
        person = Person.objects.get()
        assert person.must_change_password
        assert (person.check_password(first), person.check_password(second)) == (False, True)

    assert billfold(*given, "--remove")[0] == 0
    with tenancy.use(desk):
        assert not Access.objects.exists()
    code, _, complaints = billfold(*given, "--remove")
    assert (code, complaints) == (1, f"billfold: {EMAIL} has no access to customer 'C-1'.\n")

    code, _, complaints = billfold("person", "disable", EMAIL, "--why", "4417006789 was stolen")
    assert (code, "account" in complaints) == (1, True)
    assert billfold("person", "disable", EMAIL, "--why", "left the firm")[0] == 0
    assert "is disabled already" in billfold("person", "disable", EMAIL)[2]
    with tenancy.use(desk):
        assert not Person.objects.get().is_active
    assert billfold("person", "enable", EMAIL)[0] == 0

    with tenancy.use(desk):
        grants = list(RoleGrant.objects.order_by("number").values_list("is_active", "why"))
    assert grants == [(True, ""), (False, "left the firm"), (True, "")]
    with tenancy.use(desk):
        rows = list(AuditEntry.objects.order_by("at", "id"))
    assert [row.action for row in rows] == [
        "access given",
        "password replaced",
        "access removed",
        "person disabled",
        "person enabled",
    ]
    kept = str([(row.before, row.after) for row in rows])
    assert first not in kept
    assert second not in kept
    assert rows[2].before == {"customer": "C-1", "role": "pay"}


def test_a_login_nobody_has_is_one_line(billfold):
    for command in ("disable", "enable", "password"):
        code, _, complaints = billfold("person", command, "nobody@example.com")
        assert (code, complaints.count("\n")) == (1, 1)


def test_the_web_is_not_served_without_the_installation_s_secret(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BILLFOLD_STATE", str(tmp_path))

    assert main.main(["serve", "--bind", "127.0.0.1:18123"]) == 1
    assert "web-secret is missing" in capsys.readouterr().err


@pytest.mark.parametrize("character", ["\n", "\x1b", "\u202e", "\u200b", "\udcff"])
def test_a_name_that_is_typed_is_one_line_that_people_can_see(billfold, desk, character):
    name = f"Dana{character}Osei"

    results = [
        billfold("customer-access", EMAIL, "--customer", "C-1", "--person-name", name),
        billfold("staff", "add", "clerk@cedarline.example", "--staff-name", name),
        billfold("biller", "set", "--name", name),
        billfold("biller", "set", f"trade_name={name}"),
        billfold("hold", "on", "--why", name),
    ]

    for code, output, complaint in results:
        assert (bool(code), output) == (True, "")
        assert f"holds U+{ord(character):04X}" in complaint
        assert "at character 5: remove it" in complaint
    with tenancy.use(desk):
        assert not Person.objects.exists()
    assert tenancy.biller(desk.schema) == desk
