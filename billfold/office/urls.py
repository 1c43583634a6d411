"""Staff pages."""

from __future__ import annotations

from django.urls import path, register_converter

from billfold.office import cases, files, outbox, payments, received, releases


class Reference:
    """A payment's reference in an address: one part of it, nothing a database cannot take."""

    regex = r"[^/\x00-\x1f\x7f]{1,200}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Reference, "reference")

app_name = "office"
urlpatterns = [
    path("", payments.home),
    path("payments", payments.listing, name="payments"),
    path("payments/<reference:reference>", payments.detail, name="payment"),
    path("files", files.listing, name="files"),
    path("files/received", received.add, name="received"),
    path("files/<uuid:file_id>", files.detail, name="file"),
    path("files/<uuid:file_id>/release", releases.release, name="release"),
    path("files/<uuid:file_id>/withdrawal", releases.withdraw, name="withdrawal"),
    path("cases", cases.listing, name="cases"),
    path("cases/<uuid:case_id>", cases.detail, name="case"),
    path("cases/<uuid:case_id>/resolution", cases.resolve, name="resolution"),
    path("outbox", outbox.listing, name="outbox"),
    path("outbox/<uuid:notice_id>", outbox.detail, name="message"),
]
