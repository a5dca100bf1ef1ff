"""Signing in with address and password, and out again. Django's own views; axes counts the failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest

from addressee.people import rows


class SignInForm(AuthenticationForm):
    """The user name is an address of the person (or the key); an address may be longer than a key."""

    username = forms.CharField(label="Address", max_length=320)
    error_messages = {
        "invalid_login": "No one signs in with this address and password. Check both; capital letters count in the "
        "password only.",
        "inactive": "This account is switched off.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        address = self.fields["username"]
        address.label = "Address"
        address.widget.attrs |= {"maxlength": 320, "autocomplete": "username", "inputmode": "email"}


class SignIn(LoginView):
    authentication_form = SignInForm
    template_name = "web/sign_in.html"
    redirect_authenticated_user = True


def counted_as(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Under what name axes counts a failure: the person, whichever address or spelling was typed."""
    typed = str((credentials or {}).get("username") or request.POST.get("username", ""))[:320]
    person = rows.find(typed)
    return person.key if person else typed.strip().lower()
