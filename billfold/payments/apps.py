from django.apps import AppConfig


class Payments(AppConfig):
    name = "billfold.payments"
    label = "payments"
