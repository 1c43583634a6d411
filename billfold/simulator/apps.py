from django.apps import AppConfig
from django.conf import settings


class Simulator(AppConfig):
    name = "billfold.simulator"
    label = "simulator"

    def ready(self) -> None:
        """Offer the simulated bank's account validation. A live instance has none of it."""
        if settings.IS_LIVE:
            return
        # Its models can be imported only now that Django has set every app up.
        from billfold.simulator import validation  # noqa: PLC0415

        validation.offer()
