"""Addresses that only a demo has."""

from __future__ import annotations

from django.urls import path

from billfold.simulator import views

app_name = "simulator"
urlpatterns = [
    path("day", views.day, name="day"),
    path("accounts", views.accounts, name="accounts"),
]
