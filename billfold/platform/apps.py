from django.apps import AppConfig


class Platform(AppConfig):
    """Clock, ids, tenancy, sealing, audit."""

    name = "billfold.platform"
    label = "platform"
