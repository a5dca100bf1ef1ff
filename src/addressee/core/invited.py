"""What an invitation in a mail does: makes, moves, cancels or answers exactly one event, by its UID (RFC 5546). Pure.

It acts beside whatever else the mail does, at the level of `event` (law 14), and by nothing but decide.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from addressee.core.action import CannotBeDone, Changeset, Request, changed, communication, effect, made, reach_of
from addressee.core.authorise import field_access
from addressee.core.calendar import Event, uid_key, write
from addressee.core.fieldtype import stored_moment
from addressee.core.language import Saying, saying
from addressee.core.mapping import NO_SUBJECT
from addressee.core.message import Invitation
from addressee.core.reasons import Reason
from addressee.core.registry import actions
from addressee.core.schedule import about, schedule_table, summary
from addressee.core.setup import FieldDef, Setup, Table
from addressee.core.values import Appointment, Effect, Person, RecordChange, RecordState, Right, Snapshot

EVENT = "event"
_ANSWERS = {"accepted": "accepted", "declined": "declined", "tentative": "tentatively accepted"}


def own_uid(record: str, setup: Setup) -> str:
    """The UID of an event of ours: its record's uuid, at the site's domain."""
    return f"{record}@{setup.site.domain}"


def record_of(invitation: Invitation, snapshot: Snapshot, setup: Setup) -> str:
    """The uuid of the event that an invitation is about, "" where it is not known here."""
    known = snapshot.appointments.get(uid_key(invitation.uid))
    if known is not None:
        return known.record
    mine = own_record(invitation.uid, setup)
    return mine if mine in snapshot.records else ""


def own_record(uid: str, setup: Setup) -> str:
    """The record that a UID of ours names, "" where it is none of ours."""
    uuid, _, domain = uid.partition("@")
    return uuid.lower() if domain.lower() == setup.site.domain.lower() else ""


def subject_of(event: RecordState, setup: Setup) -> str:
    """The uuid of the record that an event is about, "" for none."""
    table = setup.tables[event.table]
    value = event.values.get(table.schedule.about) if table.schedule else None
    return str((value.get("uuid") if isinstance(value, dict) else value) or "")


def planned(request: Request, invitation: Invitation) -> tuple[Changeset, str]:
    """What one event of a message changes, and by which right. `request.record` is what it is about; None for nothing.

    Raises CannotBeDone with the reason and a sentence.
    """
    table_key = schedule_table(EVENT, request.setup)
    if not table_key:
        raise CannotBeDone(Reason.NO_TABLE, saying("why.no-events"))
    uuid = record_of(invitation, request.snapshot, request.setup)
    event = request.snapshot.records.get(uuid)
    if event is not None and event.table != table_key:
        event = None
    if invitation.method == "reply":
        return _answered(request, invitation, event)
    if own_record(invitation.uid, request.setup):
        raise CannotBeDone(Reason.NOT_PERMITTED, saying("why.event-is-ours"))
    if event is None:
        return _made(request, invitation, table_key)
    return _moved(request, invitation, event)


def _made(request: Request, invitation: Invitation, table_key: str) -> tuple[Changeset, str]:
    if invitation.cancelled:
        raise CannotBeDone(Reason.NO_RECORD, saying("why.event-unknown"))
    reach = actions[EVENT].reach(request)
    if not reach:
        raise CannotBeDone(Reason.NOT_PERMITTED, saying("why.event-no-right"))
    own = replace(request, table=table_key, record=None, account=None, account_key="")
    table = request.setup.tables[table_key]
    values, notes = _values(request, invitation, table)
    values |= about(request.record, table, values)
    team = request.record.team if request.record is not None else ""
    change = made(own, table_key, values, team=team)
    told = Effect("event", table_key, change.record, effect(change).fields)
    return _linked(request, invitation, change, told, notes), f"create on {table_key}: {reach}"


def _moved(request: Request, invitation: Invitation, event: RecordState) -> tuple[Changeset, str]:
    known = request.snapshot.appointments[uid_key(invitation.uid)]
    organizer = bool(request.actor.address) and request.actor.address == known.organizer
    reach = reach_of(Right.UPDATE, replace(request, table=event.table, record=event))
    right = "the author organizes it" if organizer else f"update on {event.table}: {reach}"
    if not organizer and not reach:
        raise CannotBeDone(Reason.NOT_PERMITTED, saying("why.event-not-organizer"))
    if invitation.sequence < known.sequence:
        raise CannotBeDone(Reason.DUPLICATE, saying("why.event-older"))
    own = replace(request, table=event.table, record=None)
    table = request.setup.tables[event.table]
    if invitation.cancelled:
        if event.deleted:
            raise CannotBeDone(Reason.DUPLICATE, saying("why.event-gone"))
        change = changed(own, event, _closed(table), "delete")
        assert change is not None  # noqa: S101  only an update may be empty
        gone = Effect("delete", event.table, event.uuid, effect(change).fields)
        return _linked(request, invitation, change, gone), right
    values, notes = _values(request, invitation, table)
    found = changed(own, event, values, "restore" if event.deleted else "update")
    if found is None:
        raise CannotBeDone(Reason.DUPLICATE, saying("why.event-same"))
    told = Effect("event", event.table, event.uuid, effect(found).fields)
    return _linked(request, invitation, found, told, notes), right


def _closed(table: Table) -> dict[str, Any]:
    """A cancelled event leaves the lists; one with a workflow is closed too."""
    flow = table.workflow
    return {flow.field: flow.closed[0]} if flow is not None and flow.closed else {}


def _linked(
    request: Request, invitation: Invitation, change: RecordChange, told: Effect, notes: list[Saying] | None = None
) -> Changeset:
    key = uid_key(invitation.uid)
    known = request.snapshot.appointments.get(key)
    organizer = known.organizer if known is not None else request.actor.address
    repeats = [saying("note.repeats")] if invitation.repeats and change.kind == "create" else []
    return Changeset(
        changes=(change,),
        communications=(communication(request, change.record, text=request.prose),),
        effects=(told,),
        appointments=(Appointment(key, change.record, invitation.sequence, organizer, invitation.uid),),
        answer=summary(change, request),
        notes=(*(notes or ()), *repeats),
    )


def _answered(request: Request, invitation: Invitation, event: RecordState | None) -> tuple[Changeset, str]:
    """An attendee's answer becomes part of the event (RFC 5546 3.2.3)."""
    if event is None:
        raise CannotBeDone(Reason.NO_RECORD, saying("why.answer-unknown"))
    said = next((a.answer for a in invitation.attendees if a.address == request.actor.address), "")
    if not said:
        raise CannotBeDone(Reason.NOT_PERMITTED, saying("why.answer-for-other"))
    bond = request.snapshot.correspondents.get(event.uuid, {}).get(request.actor.address)
    reach = reach_of(Right.COMMENT, replace(request, table=event.table, record=event))
    if not (bond and bond.sent) and not reach:
        raise CannotBeDone(Reason.NOT_PERMITTED, saying("why.not-invited"))
    words = f"{request.actor.address}: {_ANSWERS.get(said, said)}"
    told = {"answer": {"before": None, "after": said}}
    plan = Changeset(
        communications=(communication(request, event.uuid, kind="event", text=f"{words}\n\n{request.prose}".strip()),),
        effects=(Effect("event", event.table, event.uuid, told),),
        answer=words,
    )
    return plan, f"comment on {event.table}: {reach}" if reach else "the author was sent the invitation"


def _values(request: Request, invitation: Invitation, table: Table) -> tuple[dict[str, Any], list[Saying]]:
    """The fields of the event that the invitation tells and the actor may write; notes of those he may not."""
    schedule, live = table.schedule, table.live_fields
    assert schedule is not None  # noqa: S101  schedule_table says so
    told: dict[str, Any] = {schedule.place: invitation.place or None}
    for name, moment in ((schedule.start, invitation.start), (schedule.end, invitation.end)):
        if name in live:
            told[name] = _stored(moment, live[name], request)
    if table.title in live:
        most = live[table.title].max_length
        title = " ".join(invitation.summary.split()) or NO_SUBJECT
        told[table.title] = title[: most - 1] + "…" if most and len(title) > most else title
    person = request.actor.person
    barred = {
        name
        for name in told
        if name in live and told[name] and field_access(person, EVENT, name, request.setup) != "write"
    }
    notes = [saying("note.not-written", field=live[name].label or name) for name in sorted(barred)]
    return {name: value for name, value in told.items() if name in live and name not in barred}, notes


def _stored(moment: datetime | date | None, field: FieldDef, request: Request) -> str | None:
    """A time in the stored form of its field; one without a zone is of the reader's, a day begins at his midnight."""
    if moment is None:
        return None
    zone = request.reading.zone
    if field.type == "date":
        day = moment.astimezone(zone).date() if isinstance(moment, datetime) and moment.tzinfo else moment
        return (day.date() if isinstance(day, datetime) else day).isoformat()
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # noqa: DTZ001  the zone is set in the next line
    aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    try:
        return stored_moment(aware)
    except OverflowError:  # the first or last day of all time
        return None


# ---- Ours


def invitation_to(
    address: str, name: str, change: RecordChange, person: Person | None, setup: Setup, now: datetime
) -> str:
    """The invitation that a change of an event of ours brings to one address, in iCalendar; "" where there is none.

    person  whose field rights count: what he may not read is left out, and without a start there is nothing to say
    """
    table = setup.tables[change.table]
    schedule, values = table.schedule, change.state.values
    if change.table != schedule_table(EVENT, setup) or schedule is None or not values.get(schedule.start):
        return ""

    def told(field: str) -> Any:
        reads = bool(field) and field_access(person, change.table, field, setup) != "none"
        return values.get(field) if reads and field in table.live_fields else None

    start, end = _moment(told(schedule.start)), _moment(told(schedule.end))
    if start is None:
        return ""
    event = Event(
        uid=own_uid(change.record, setup),
        sequence=change.state.version - 1,
        summary=change.state.title if told(table.title) else table.label or change.table,
        start=start,
        end=end,
        organizer=f"{change.table}.{change.record}@{setup.site.domain}",
        organizer_name=setup.site.name,
        place=str(told(schedule.place) or ""),
        cancelled=change.state.deleted,
    )
    return write(event, address, name, now)


def _moment(stored: Any) -> datetime | date | None:
    """A stored date or datetime as a value."""
    if not isinstance(stored, str) or not stored:
        return None
    return datetime.fromisoformat(stored) if "T" in stored else date.fromisoformat(stored)
