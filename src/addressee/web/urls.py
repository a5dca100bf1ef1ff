"""The URLs of the pages."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path, register_converter
from django.urls.converters import StringConverter

from addressee.web import calendar, changes, confirm, held, jobs, messages, records, run, shared, tables
from addressee.web.sign_in import SignIn


class Sha256(StringConverter):
    regex = "[0-9a-f]{64}"


register_converter(Sha256, "sha256")

urlpatterns = [
    path("", tables.tables, name="tables"),
    path("sign-in/", SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("tables/<slug:key>/", tables.table, name="table"),
    # The address of a record's page is told in receipts too: core/present.url_of.
    path("tables/<slug:table>/<str:name>/", records.record, name="record"),
    path("tables/<slug:table>/<str:name>/comment/", records.comment, name="comment"),
    path("tables/<slug:table>/<str:name>/edit/", changes.edit, name="edit"),
    path("tables/<slug:table>/<str:name>/add/<slug:word>/", changes.add, name="add"),
    path("tables/<slug:table>/<str:name>/run/<slug:key>/", run.run, name="run"),
    path("tables/<slug:table>/<str:name>/delete/", changes.delete, name="delete"),
    path("tables/<slug:table>/<str:name>/restore/", changes.restore, name="restore"),
    path("tables/<slug:table>/<str:name>/undo/<int:version>/", changes.undo, name="undo"),
    path("tables/<slug:table>/<str:name>/address/", records.address, name="record-address"),
    path("tables/<slug:table>/<str:name>/files/<sha256:sha256>/", records.file, name="record-file"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("messages/", messages.messages, name="messages"),
    path("messages/<int:number>/", messages.message, name="message"),
    path("messages/<int:number>/raw/", messages.raw, name="message-raw"),
    path("messages/<int:number>/body/", messages.body, name="message-body"),
    path("messages/<int:number>/files/<int:key>/", messages.file, name="message-file"),
    path("messages/<int:number>/undo/", changes.undo_message, name="undo-message"),
    path("confirm/<int:number>/", confirm.confirm, name="confirm"),
    path("images/<str:ticket>/", messages.image, name="message-image"),
    path("files/<slug:token>/", shared.shared, name="shared-file"),  # told in mails too: core/present.file_url
    # The address of a job is told in receipts too: core/present.job_url.
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:key>/", jobs.job, name="job"),
    path("jobs/<uuid:key>/stop/", jobs.stop, name="job-stop"),
    path("jobs/<uuid:key>/resume/", jobs.resume, name="job-resume"),
    path("held/", held.held, name="held"),
    path("held/choices/", held.choices, name="held-choices"),
    path("held/<int:number>/release/", held.release, name="release"),
    path("held/<int:number>/route/", held.route, name="route"),
    path("held/<int:number>/reject/", held.reject, name="reject"),
]
