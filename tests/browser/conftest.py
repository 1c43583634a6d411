"""A real server on a committed database, and a real Chromium in front of it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.db import connection
from playwright.sync_api import Browser, Page, expect, sync_playwright

from billfold.platform import tenancy
from billfold.platform.postgres.server import SUPERUSER
from tests import databases, environment, waiting
from tests.conftest import MONDAY
from tests.world import World

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
HUNG_AFTER_MILLISECONDS = 1_000 * waiting.HUNG_AFTER_SECONDS
"""For all that Playwright waits for: it looks until it is there."""
expect.set_options(timeout=HUNG_AFTER_MILLISECONDS)


@dataclass
class Site:
    """A served biller: its address, and the world behind it, whose changes are committed."""

    url: str
    world: World


@dataclass
class Watched:
    """A page, and whatever its console complained of."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> Watched:
        self.page.on(
            "console",
            lambda m: self.complaints.append(m.text) if m.type in {"error", "warning"} else None,
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return self


@pytest.fixture(scope="module")
def chromium(django_db_setup: tenancy.Biller) -> Iterator[Browser]:
    """Start Chromium; without one, skip, or fail where browser tests are mandatory."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("BILLFOLD_REQUIRE_BROWSER") == "1":
            pytest.fail("Browser tests are mandatory here and there is no Chromium.")
        pytest.skip("There is no Chromium on this machine.")
    # Playwright keeps an event loop in this thread. Django takes that for asynchronous code: it
    # asks for this setting, and gives the thread another connection as long as the loop runs.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    connection.close()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], timeout=HUNG_AFTER_MILLISECONDS
        )
        yield browser
        browser.close()


@pytest.fixture
def site(
    chromium: Browser,
    django_db_setup: tenancy.Biller,
    django_db_blocker: object,
    tmp_path: Path,
) -> Iterator[Site]:
    """Serve a small world, Monday, November 16, 2026, 09:00 Eastern, from its own database."""
    name = "site"
    with django_db_blocker.unblock():
        connection.close()
        _copy_database(name)
        try:
            with _connected_to(name):
                world = World(biller=django_db_setup, folder=tmp_path / "bank", now=MONDAY)
                with _served(name, tmp_path) as url:
                    yield Site(url, world)
        finally:
            databases.drop(environment.SERVER, name)


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """Open a desktop page that fails its test if the console complains."""
    with opened(chromium, site) as watched:
        yield watched


@contextmanager
def opened(chromium: Browser, site: Site, **options: object) -> Iterator[Page]:
    """Open a page of the site in a context of its own; the console must stay silent."""
    settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | options
    context = chromium.new_context(base_url=site.url, **settings)
    context.set_default_timeout(HUNG_AFTER_MILLISECONDS)
    watched = Watched(context.new_page()).watch()
    yield watched.page
    context.close()
    assert not relevant(watched.complaints), watched.complaints


def relevant(complaints: list[str]) -> list[str]:
    # An answer of 4xx to a form is an answer, and leaving a page ends what it was asking for.
    expected = ("status of 4", "htmx:sendAbort", "htmx:afterRequest")
    return [each for each in complaints if not any(part in each for part in expected)]


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def check_accessibility(page: Page) -> None:
    """Find no axe violation and no horizontal scroll."""
    page.evaluate("document.fonts.ready.then(() => null)")  # Other letters have other widths.
    if not page.evaluate("'axe' in window"):  # It is half a megabyte of script.
        page.evaluate(AXE_SCRIPT)
    result = page.evaluate("axe.run({resultTypes: ['violations']})")
    violations = [
        (each["id"], each["help"], [node["html"][:160] for node in each["nodes"][:3]])
        for each in result["violations"]
    ]
    assert not violations, violations
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def _address(name: str) -> str:
    return environment.SERVER.dsn(name, user=SUPERUSER)


def _copy_database(name: str) -> None:
    databases.copy(environment.SERVER, "billfold", name)
    with psycopg.connect(_address(name), autocommit=True) as copy:
        copy.execute(
            "INSERT INTO public.biller_host (host, schema) VALUES (%s, 'cedarline')",
            [tenancy.ANY_HOST],
        )


@contextmanager
def _connected_to(name: str) -> Iterator[None]:
    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


@contextmanager
def _served(name: str, folder: Path) -> Iterator[str]:
    """Run gunicorn on a free port until the test is over."""
    with socket.socket() as listener, (folder / "web.log").open("wb") as log:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        command = [sys.executable, "-m", "gunicorn", "billfold.config.wsgi", "--threads", "8"]
        process = subprocess.Popen(
            [*command, "--bind", f"fd://{listener.fileno()}"],
            env=os.environ | environment.SERVER.addresses(name),
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            waiting.wait_until(lambda: _is_up(url), "the server is up")
            yield url
        finally:
            process.terminate()
            process.wait(waiting.HUNG_AFTER_SECONDS)


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=waiting.HUNG_AFTER_SECONDS):
            return True
    except OSError:
        return False
