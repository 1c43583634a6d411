from django.apps import AppConfig


class Portal(AppConfig):
    name = "billfold.portal"
    label = "portal"
