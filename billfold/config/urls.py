"""Every address of the instance."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from billfold.pages import theme


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that the web process is up."""
    return HttpResponse("ok\n", "text/plain")


urlpatterns = [
    path("healthz", healthz),
    path("theme.css", theme.stylesheet),
    path("office/", include("billfold.office.urls")),
    *([] if settings.IS_LIVE else [path("demo/", include("billfold.simulator.urls"))]),
    path("", include("billfold.portal.urls")),
]

handler400 = "billfold.pages.errors.bad_request"
handler403 = "billfold.pages.errors.forbidden"
handler404 = "billfold.pages.errors.not_found"
handler500 = "billfold.pages.errors.server_error"
