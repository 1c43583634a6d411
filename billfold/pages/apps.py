from django.apps import AppConfig


class Pages(AppConfig):
    """What payer and staff pages share: design, tags, shapes, error pages."""

    name = "billfold.pages"
    label = "pages"
