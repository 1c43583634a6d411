"""Payer pages."""

from __future__ import annotations

from django.urls import path, register_converter

from billfold.portal import (
    account_form,
    cancellation,
    coupon_page,
    help_pages,
    history_page,
    invoice_list,
    invoice_page,
    method_list,
    method_page,
    overview_page,
    password_page,
    pay_views,
    receipt_page,
    receipt_pdf,
    review_page,
    sign_in_page,
)


class PrintableConverter:
    """Part of an address that a database can take: anything but control characters."""

    regex = r"[^\x00-\x1f\x7f]+?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class ConfirmationConverter(PrintableConverter):
    """A payment's reference, as we make them."""

    regex = r"[0-9A-Za-z-]{1,64}"


register_converter(PrintableConverter, "printable")
register_converter(ConfirmationConverter, "confirmation")

app_name = "portal"
urlpatterns = [
    path("", overview_page.overview, name="overview"),
    path("sign-in", sign_in_page.sign_in, name="sign_in"),
    path("password", password_page.password, name="password"),
    path("session", sign_in_page.session, name="session"),
    path("chosen-account", sign_in_page.chosen_account, name="chosen_account"),
    path("pay", pay_views.pay, name="pay"),
    path("pay/total", pay_views.pay_total, name="pay_total"),
    path("pay/<confirmation:reference>", review_page.show_review, name="review"),
    path("bank-name", account_form.bank_name, name="bank_name"),
    path("payments", history_page.payments, name="payments"),
    path("payments/<confirmation:reference>", receipt_page.receipt, name="payment"),
    path("payments/<confirmation:reference>/receipt.pdf", receipt_pdf.receipt_pdf, name="receipt"),
    path(
        "payments/<confirmation:reference>/cancellation",
        cancellation.cancellation,
        name="cancellation",
    ),
    path("invoices", invoice_list.invoices, name="invoices"),
    path("invoices/<printable:number>/document.pdf", invoice_page.document, name="document"),
    path("invoices/<printable:number>", invoice_page.invoice, name="invoice"),
    path("payment-methods", method_list.payment_methods, name="payment_methods"),
    path("payment-methods/<uuid:method_id>", method_page.payment_method, name="payment_method"),
    path("payment-methods/<uuid:method_id>/removal", method_page.removal, name="removal"),
    path("remittance-coupon", coupon_page.coupon, name="remittance_coupon"),
    path("help", help_pages.help_overview, name="help"),
    path("help/<slug:slug>", help_pages.help_article, name="help_article"),
]
