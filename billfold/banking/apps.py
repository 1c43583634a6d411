from django.apps import AppConfig


class Banking(AppConfig):
    name = "billfold.banking"
    label = "banking"
