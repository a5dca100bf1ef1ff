"""The page of one record, its files, and the comment form. Comments are planned and written by the pipeline."""

from __future__ import annotations

from django import forms
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from addressee.core import route
from addressee.core.authorise import has_role
from addressee.core.errors import AddresseeError
from addressee.core.reasons import Reason
from addressee.core.values import Right, Visibility
from addressee.host.clock import now
from addressee.mail.models import Communication, File
from addressee.people import rows as people
from addressee.pipeline import addresses
from addressee.pipeline import request as pipeline
from addressee.pipeline.request import NotFound
from addressee.records.addresses import parts_of
from addressee.records.models import Correspondent, Record
from addressee.web import calendar, changes
from addressee.web.answers import by_htmx, page, went_well
from addressee.web.downloads import download
from addressee.web.presented import Presenter, number_of, record_url, table_label, title_of
from addressee.web.reader import Reader, reader_of
from addressee.web.run import runnable
from addressee.web.said import problem, said
from addressee.web.stream import stream_of, undelivered
from addressee.web.tables import state_of, state_tone

COMMENT_CHARS = 65_536  # as long as one value may be (core/options, value_size_bytes)


class CommentForm(forms.Form):
    """A text, and who may read it."""

    text = forms.CharField(
        max_length=COMMENT_CHARS,
        error_messages={
            "required": "Write something first.",
            "max_length": f"A comment holds at most {COMMENT_CHARS:,} characters; nothing was saved yet.",
        },
    )
    visibility = forms.ChoiceField(choices=[(v.value, v.value) for v in Visibility], initial=Visibility.INTERNAL)


@require_safe
def record(request: HttpRequest, table: str, name: str) -> HttpResponse:
    """The record that a number or uuid names, as mails and results name it too."""
    reader = reader_of(request)
    return _page(request, reader, reader.record(table, name), CommentForm())


@require_POST
def comment(request: HttpRequest, table: str, name: str) -> HttpResponse:
    """Post the comment. Answers with the record as it stands then; a mistake leaves the text in the form."""
    reader = reader_of(request)
    found = reader.record(table, name)
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _page(request, reader, found, form, status=422)
    try:
        line = pipeline.comment(
            reader.person.key, str(found.uuid), form.cleaned_data["text"], form.cleaned_data["visibility"]
        )
    except AddresseeError as error:
        if error.slug == Reason.NOT_PERMITTED:
            raise PermissionDenied from error
        form.add_error(None, problem(error))
        return _page(request, reader, found, form, status=422)
    told = said(line)
    if not told.applied:
        form.add_error(None, told.sentence)
        return _page(request, reader, found, form, status=422)
    if by_htmx(request):
        return _page(request, reader, reader.record(table, name), CommentForm(), told="The comment was added.")
    return went_well(request, "The comment was added.", record_url(found, reader) + "#stream")


_ADDRESS_CHANGES = {
    "rotate": "The record has new addresses. Mail to the former ones changes nothing any more.",
    "revoke": "Every reply address given out for this record was taken back.",
}


@require_POST
def address(request: HttpRequest, table: str, name: str) -> HttpResponse:
    """Give the record new addresses, or take back every reply address that was given out for it."""
    reader = reader_of(request)
    found = reader.record(table, name)
    what = request.POST.get("what", "")
    if what not in _ADDRESS_CHANGES:
        raise BadRequest("what is to become of the address?")
    uuid, by = str(found.uuid), reader.person.key
    try:
        if what == "rotate":
            addresses.rotate(uuid, by)
        else:
            addresses.revoke(uuid, "all", by)
    except NotFound:
        return went_well(request, "No reply address was given out for this record.", record_url(found, reader))
    except AddresseeError as error:
        raise PermissionDenied from error
    return went_well(request, _ADDRESS_CHANGES[what], record_url(found, reader) + "#addresses")


@require_safe
def file(request: HttpRequest, table: str, name: str, sha256: str) -> FileResponse:
    """A file of the record: in a field that the reader may read, or on a post of its stream."""
    reader = reader_of(request)
    found = reader.record(table, name)
    called = _name_in_fields(reader, found, sha256) or _name_in_stream(found, sha256)
    if not called:
        raise Http404("file")
    return download(sha256, called)


def _name_in_fields(reader: Reader, record: Record, sha256: str) -> str:
    table = reader.setup.tables[record.table]
    for key, definition in table.live_fields.items():
        if definition.type == "files" and reader.sees_field(record.table, key):
            for value in record.values.get(key) or []:
                if value["sha256"] == sha256:
                    return str(value["name"])
    return ""


def _name_in_stream(record: Record, sha256: str) -> str:
    posts = Communication.objects.filter(record=record)
    mine = Q(communication__in=posts.values("uuid")) | Q(message__in=posts.values("message"))
    found = File.objects.filter(mine, sha256=sha256, stored=True).first()
    return found.name if found else ""


def _correspondents(record: Record) -> list[Correspondent]:
    """Whom a public post reaches: addresses without a role that wrote, or that a person wrote to."""
    bound = Correspondent.objects.filter(Q(wrote=True) | Q(wrote_first=True) | Q(written_to=True), record=record)
    shown = list(bound.order_by("-wrote_first", "address")[:50])
    known = people.persons_by([one.address for one in shown])
    staff = {address for person in known if has_role(person) for address in person.addresses}
    return [one for one in shown if one.address not in staff]


def _page(
    request: HttpRequest, reader: Reader, record: Record, form: CommentForm, *, told: str = "", status: int = 200
) -> HttpResponse:
    table = reader.setup.tables[record.table]
    presenter = Presenter(reader)
    presenter.learn(persons=[record.assignee, record.created_by])
    state = state_of(record, table, reader)
    context = {
        "here": record.table,
        "record": record,
        "name": number_of(record, reader) or str(record.uuid),
        "url": record_url(record, reader),
        "title": title_of(record, reader) or "(no title)",
        "number": number_of(record, reader),
        "table": record.table,
        "table_label": table_label(record.table, table),
        "state": state,
        "state_tone": state_tone(state, table),
        "created_by": presenter.person(record.created_by),
        "fields": presenter.fields(record),
        "addresses": [
            one
            for part in parts_of([record.uuid], now())[record.uuid]
            for one in route.record_addresses(record.table, part, reader.setup)
        ],
        "may_change_address": reader.reaches(record, Right.UPDATE),
        "correspondents": _correspondents(record),
        "about": calendar.about(reader, record),
        "addable": [] if record.deleted_at else changes.addable(reader),
        "runnable": [] if record.deleted_at else runnable(reader, record.table),
        "stream": stream_of(record, presenter, whole=request.GET.get("whole") == "1"),
        "undelivered": undelivered(record),
        "may_comment": reader.reaches(record, Right.COMMENT),
        "may_update": reader.reaches(record, Right.UPDATE),
        "may_delete": reader.reaches(record, Right.DELETE),
        "may_restore": reader.restores(record),
        "form": form,
        "told": told,
    }
    return page(request, "record", "_record", context, status)
