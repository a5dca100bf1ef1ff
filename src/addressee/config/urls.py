"""All URLs: the pages (web); the API comes later."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [path("", include("addressee.web.urls"))]

handler403 = "addressee.web.faults.not_permitted"
handler404 = "addressee.web.faults.missing"
handler500 = "addressee.web.faults.broken"
