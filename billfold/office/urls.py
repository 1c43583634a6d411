"""Staff pages."""

from __future__ import annotations

from django.urls import path, register_converter

from billfold.office import (
    brake_agreement,
    brake_page,
    case_list,
    case_note,
    case_page,
    case_resolution,
    file_list,
    file_page,
    file_release,
    file_upload,
    message_list,
    message_page,
    payment_list,
    payment_page,
)


class ReferenceConverter:
    """A payment's reference in an address: one part of it, nothing a database cannot take."""

    regex = r"[^/\x00-\x1f\x7f]{1,200}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ReferenceConverter, "reference")

app_name = "office"
urlpatterns = [
    path("", payment_list.home),
    path("payments", payment_list.payments, name="payments"),
    path("payments/<reference:reference>", payment_page.payment, name="payment"),
    path("files", file_list.files, name="files"),
    path("files/received", file_upload.add_file, name="received"),
    path("files/<uuid:file_id>", file_page.file, name="file"),
    path("files/<uuid:file_id>/release", file_release.release, name="release"),
    path("files/<uuid:file_id>/withdrawal", file_release.withdraw, name="withdrawal"),
    path("cases", case_list.cases, name="cases"),
    path("cases/<uuid:case_id>", case_page.case, name="case"),
    path("cases/<uuid:case_id>/resolution", case_resolution.resolve, name="resolution"),
    path("cases/<uuid:case_id>/notes", case_note.add_note, name="notes"),
    path("brake", brake_page.show_brake, name="brake"),
    path("brake/lifting", brake_agreement.agree, name="lifting"),
    path("outbox", message_list.messages, name="outbox"),
    path("outbox/<uuid:notice_id>", message_page.message, name="message"),
]
