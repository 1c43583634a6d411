from django.apps import AppConfig


class Receivables(AppConfig):
    name = "billfold.receivables"
    label = "receivables"
