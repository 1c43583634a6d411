from django.apps import AppConfig


class People(AppConfig):
    name = "billfold.people"
    label = "people"
