from django.apps import AppConfig


class Office(AppConfig):
    name = "billfold.office"
    label = "office"
