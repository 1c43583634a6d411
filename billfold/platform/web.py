"""What is the same for every request and page: how words are read, headers, the request id."""

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

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


_UTF_8: Final = {"utf-8", "utf8"}


class Request(WSGIRequest):
    """A request whose words are UTF-8. The sender's choice of another codec is not followed.

    Django hands the named codec to Python, which knows some that are no character sets, and some
    that make what no database can hold.
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
        except LookupError as unknown:  # A part of the form names a codec of its own.
            self._mark_post_parse_error()
            raise BadRequest("a form must be UTF-8") from unknown


class Application(WSGIHandler):
    """The web application, with our way of reading requests."""

    request_class = Request


class NoUploads(FileUploadHandler):
    """Refuses a file where no page asked for one, before anything of it is kept."""

    def new_file(self, *_args: Any, **_kwargs: Any) -> Never:
        """Refuse it. Raises: MultiPartParserError."""
        raise MultiPartParserError("no file is taken here")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Never called: no file begins."""

    def file_complete(self, file_size: int) -> None:
        """Never called: no file begins."""


class Headers:
    """Name the request, forbid what no page needs, keep private pages out of caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = str(new_id())
        token = audit.request_id.set(name)
        try:
            response = self.get_response(request)
        finally:
            audit.request_id.reset(token)
        response.headers["X-Request-Id"] = name
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        response.headers.setdefault("Cache-Control", "no-store")
        return response
