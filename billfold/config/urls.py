"""Every address of the instance."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer that the web process is up."""
    return HttpResponse("ok\n", "text/plain")


urlpatterns = [path("healthz", healthz)]
