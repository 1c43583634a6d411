from django.apps import AppConfig


class Pages(AppConfig):
    """What payer and staff pages share: access, links, paging, design, error pages."""

    name = "billfold.pages"
    label = "pages"
