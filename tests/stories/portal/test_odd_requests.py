"""Whatever a stranger's request says of itself, it is answered, and nothing of it is kept."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from billfold.config.wsgi import application
from billfold.pages import responses
from billfold.payments.method_models import Mandate
from billfold.payments.proof import leaks
from billfold.payments.proof.check import Inspection
from tests.stories.portal.payer import ACCOUNT, Payer

TOKEN = "a" * 32
CODECS = ["hex", "utf-7", "unicode_escape", "idna", "undefined", "utf-16", "rot13", "nonsense"]


def answer_to(
    path: str, *, method: str = "GET", query: str = "", kind: str = "", body: bytes = b""
) -> int:
    """Send a request through the web server's door; give the status."""
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.9",
        "CONTENT_TYPE": kind,
        "HTTP_COOKIE": f"csrftoken={TOKEN}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
        "wsgi.url_scheme": "http",
    }
    response = application(environ, lambda status, _headers: statuses.append(status))
    b"".join(response)
    return int(statuses[0].partition(" ")[0])


@pytest.fixture(autouse=True)
def one_connection():
    """Keep the connection that holds the story's transaction, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def form(*parts: str) -> bytes:
    token = f'Content-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{TOKEN}'
    return "".join(f"--X\r\n{part}\r\n" for part in (token, *parts)).encode() + b"--X--\r\n"


@pytest.mark.parametrize("codec", CODECS)
def test_a_codec_named_by_the_sender_is_not_used(world, codec):
    for kind in (f"text/plain; charset={codec}", f"text/plain; charset*={codec}''%41"):
        assert answer_to("/sign-in", query="next=%2B2AA-&q=%2B2AA-", kind=kind) == 200

    email = 'Content-Disposition: form-data; name="email"\r\n\r\n+2AA-\\ud800'
    for kind in (
        f"multipart/form-data; boundary=X; charset={codec}",
        f"multipart/form-data; boundary=X; charset*={codec}''%41",
        f"application/x-www-form-urlencoded; charset={codec}",
    ):
        assert answer_to("/sign-in", method="POST", kind=kind, body=form(email)) == 400
    named = f"Content-Disposition: form-data; name*={codec}''%41\r\n\r\nx"
    kind = "multipart/form-data; boundary=X"
    assert answer_to("/sign-in", method="POST", kind=kind, body=form(named, email)) in {400, 422}


@pytest.mark.parametrize("kind", ["; charset*=utf-8''%00", "\xe9", "a" * 200_000, "x/y; =;;'*=1"])
def test_a_content_type_of_nonsense_is_answered(world, kind):
    assert answer_to("/sign-in", kind=kind) == 200
    assert answer_to("/sign-in", method="POST", kind=kind, body=b"email=x") in {400, 403}


def test_half_a_surrogate_pair_is_shown_as_unreadable():
    assert responses.clean("a\ud800\0b") == "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}b"


def test_a_file_nobody_asked_for_is_not_kept(world, tmp_path, monkeypatch):
    (tmp_path / "uploads").mkdir()
    monkeypatch.setattr(settings, "FILE_UPLOAD_TEMP_DIR", str(tmp_path / "uploads"))
    large = 'Content-Disposition: form-data; name="f"; filename="f"\r\n\r\n' + "x" * 3_000_000

    status = answer_to(
        "/sign-in", method="POST", kind="multipart/form-data; boundary=X", body=form(large)
    )

    assert status == 400
    assert list((tmp_path / "uploads").iterdir()) == []


def test_promise_23_what_a_browser_calls_itself_is_kept_without_account_numbers(world, client):
    world.invoice("CL-1", "346.18")
    payer = Payer(world, client)
    payer.sign_in()
    client.defaults["HTTP_USER_AGENT"] = f"Mozilla/5.0 (x{ACCOUNT}) {ACCOUNT}\u202e" + "z" * 9_000

    assert payer.pay("CL-1").status_code == 303

    kept = Mandate.objects.get().user_agent
    assert kept.startswith(r"Mozilla/5.0 (xxxxxxx6789) xxxxxx6789")
    assert len(kept) <= 500
    (check,) = leaks.CHECKS
    assert not check.find(Inspection(world.biller, world.now)).count
