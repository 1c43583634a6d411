from django.apps import AppConfig


class Simulator(AppConfig):
    name = "billfold.simulator"
    label = "simulator"
