"""Payer pages."""

from __future__ import annotations

from django.urls import path, register_converter

from billfold.portal import (
    coupons,
    help,
    invoices,
    methods,
    overview,
    passwords,
    pay,
    payments,
    sign_in,
)


class Words:
    """Part of an address that a database can take: anything but control characters."""

    regex = r"[^\x00-\x1f\x7f]+?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Confirmation(Words):
    """A payment's reference, as we make them."""

    regex = r"[0-9A-Za-z-]{1,64}"


register_converter(Words, "words")
register_converter(Confirmation, "confirmation")

app_name = "portal"
urlpatterns = [
    path("", overview.dashboard, name="dashboard"),
    path("sign-in", sign_in.sign_in, name="sign_in"),
    path("password", passwords.password, name="password"),
    path("session", sign_in.session, name="session"),
    path("chosen-account", sign_in.chosen_account, name="chosen_account"),
    path("pay", pay.pay, name="pay"),
    path("pay/total", pay.pay_total, name="pay_total"),
    path("pay/<confirmation:reference>", pay.review, name="review"),
    path("bank-name", pay.bank_name, name="bank_name"),
    path("payments", payments.payments, name="payments"),
    path("payments/<confirmation:reference>", payments.payment, name="payment"),
    path("payments/<confirmation:reference>/receipt.pdf", payments.receipt, name="receipt"),
    path(
        "payments/<confirmation:reference>/cancellation",
        payments.cancellation,
        name="cancellation",
    ),
    path("invoices", invoices.invoices, name="invoices"),
    path("invoices/<words:number>/document.pdf", invoices.document, name="document"),
    path("invoices/<words:number>", invoices.invoice, name="invoice"),
    path("payment-methods", methods.payment_methods, name="payment_methods"),
    path("payment-methods/<uuid:key>", methods.payment_method, name="payment_method"),
    path("payment-methods/<uuid:key>/removal", methods.removal, name="removal"),
    path("remittance-coupon", coupons.coupon, name="remittance_coupon"),
    path("help", help.overview, name="help"),
    path("help/<slug:slug>", help.article, name="help_article"),
]
