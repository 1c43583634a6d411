"""The locks in requirements/ hold what pyproject.toml asks for, by hash and without an address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.places import PROJECT

LOCKS = sorted((PROJECT / "requirements").glob("*.txt"))


def locked(name: str) -> dict[str, Version]:
    """Read the versions a lock names."""
    text = (PROJECT / "requirements" / f"{name}.txt").read_text()
    pins = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(package): Version(version) for package, version in pins}


def requirements(extra: str | None = None) -> list[Requirement]:
    """Read what pyproject.toml asks for."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_address(lock: Path) -> None:
    text = lock.read_text()

    assert "://" not in text
    assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links)", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_a_hash(lock: Path) -> None:
    entries = re.split(r"^(?=[A-Za-z0-9])", lock.read_text(), flags=re.MULTILINE)[1:]

    assert entries
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(
    ("lock", "extra"),
    [
        ("run", None),
        ("dev", None),
        ("dev", "dev"),
        ("bench", "dev"),
        ("bench", "bench"),
        ("mutate", "mutate"),
    ],
)
def test_a_lock_satisfies_the_project(lock: str, extra: str | None) -> None:
    versions = locked(lock)

    missing = [
        str(requirement)
        for requirement in requirements(extra)
        if (version := versions.get(canonicalize_name(requirement.name))) is None
        or version not in requirement.specifier
    ]

    assert missing == []


@pytest.mark.parametrize(
    ("smaller", "larger"), [("run", "dev"), ("dev", "bench"), ("dev", "mutate")]
)
def test_a_larger_lock_holds_the_smaller_one_unchanged(smaller: str, larger: str) -> None:
    held, holding = locked(smaller), locked(larger)

    assert {name: holding.get(name) for name in held} == held
