"""The web entry point for gunicorn."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billfold.config.settings")
django.setup(set_prefix=False)

from billfold.platform.web import WebApplication  # noqa: E402  it needs the settings

application = WebApplication()
