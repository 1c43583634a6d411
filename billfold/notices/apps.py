from django.apps import AppConfig


class Notices(AppConfig):
    name = "billfold.notices"
    label = "notices"
