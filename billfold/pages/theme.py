"""The biller's colour, as the one stylesheet that differs between billers."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from billfold.pages.biller_context import profile


def stylesheet(request: HttpRequest) -> HttpResponse:
    """Serve the biller's brand colour; the database holds nothing but #rrggbb there."""
    response = HttpResponse(
        f":root {{ --brand: {profile(request).brand_color}; }}\n", content_type="text/css"
    )
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
