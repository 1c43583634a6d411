from django.apps import AppConfig


class Ledger(AppConfig):
    name = "billfold.ledger"
    label = "ledger"
