"""A page as small as can be: three indexed queries and a template, behind the same middleware."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.urls import path

from billfold.people.models import Person
from billfold.receivables.models import Customer, Invoice

PAGE = Template(
    "<h1>{{ person.name }}</h1><p>{{ customer.name }}</p>"
    "{% for invoice in invoices %}<p>{{ invoice.number }} {{ invoice.issued_minor }}</p>"
    "{% endfor %}"
)


def page(_request: HttpRequest) -> HttpResponse:
    """Show a person, its account and what it was billed."""
    person = Person.objects.get(email="payer@cedarline.example")
    customer = Customer.visible_to(person).first()
    invoices = Invoice.objects.filter(customer=customer).order_by("due_date")
    context = {"person": person, "customer": customer, "invoices": list(invoices)}
    return HttpResponse(PAGE.render(Context(context)))


urlpatterns = [path("", page)]
