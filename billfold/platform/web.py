"""What holds for every request: its character set, no uploads, response headers, the request id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Never

from django.core.exceptions import BadRequest
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.http import parse_header_parameters

from billfold.platform import audit
from billfold.platform.ids import new_id

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


_UTF_8: Final = {"utf-8", "utf8"}


class Utf8Request(WSGIRequest):
    """A request that is read as UTF-8, whatever codec its sender names.

    Django hands the named codec to Python, which has some that are no character sets, and some that
    yield what no database can hold.
    """

    _mark_post_parse_error: Callable[[], None]

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            kind, parameters = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            kind, parameters = "", {"charset": "unreadable"}
        self._is_utf_8 = parameters.pop("charset", "utf-8").lower() in _UTF_8
        self.content_type, self.content_params = kind, parameters

    def _load_post_and_files(self) -> None:
        if self.method == "POST" and not self._is_utf_8:
            self._mark_post_parse_error()
            raise BadRequest("a form must be UTF-8")
        try:
            super()._load_post_and_files()
        except LookupError as error:  # A part of the form names a codec of its own.
            self._mark_post_parse_error()
            raise BadRequest("a form must be UTF-8") from error


class WebApplication(WSGIHandler):
    """The web application, which reads requests as UTF-8."""

    request_class = Utf8Request


class NoUploads(FileUploadHandler):
    """Refuses an uploaded file before anything of it is kept; a page that takes one replaces it."""

    def new_file(self, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse it. Raises: MultiPartParserError."""
        raise MultiPartParserError("no file is taken here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called: no file begins."""

    def file_complete(self, file_size: int) -> None:
        """Never called: no file begins."""


class ResponseHeaders:
    """Gives each request an id, forbids what no page needs, and keeps pages out of caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(new_id())
        token = audit.request_id.set(request_id)
        try:
            response = self.get_response(request)
        finally:
            audit.request_id.reset(token)
        response.headers["X-Request-Id"] = request_id
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        response.headers.setdefault("Cache-Control", "no-store")
        return response
