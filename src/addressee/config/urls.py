"""All URLs: the pages (web); the API comes later."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("addressee.web.urls"))]
