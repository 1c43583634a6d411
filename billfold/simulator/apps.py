from django.apps import AppConfig
from django.conf import settings


class Simulator(AppConfig):
    name = "billfold.simulator"
    label = "simulator"

    def ready(self) -> None:
        """Offer the simulated bank's account validation. A live instance has none of it."""
        if settings.IS_LIVE:
            return
        from billfold.payments.accounts import mandates
        from billfold.simulator import validation

        mandates.VALIDATORS[validation.NAME] = validation.vouch
