"""Events in iCalendar: read from a text/calendar part, written for an invitation of ours (RFC 5545, 5546, 6047). Pure.

`read` is called by core.parse in its child, `write` by core.replies. The library takes half a second to import, so it
is imported where a message needs it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from addressee.core.addresses import normal
from addressee.core.assemble import clean
from addressee.core.charsets import storable
from addressee.core.message import Attendee, Invitation

MOST_BYTES = 256 * 1024
MOST_EVENTS = 20
MOST_ATTENDEES = 200
METHODS = frozenset({"request", "publish", "cancel", "reply"})
_MOST_UID = 500


def uid_key(uid: str) -> str:
    """The key that an event's UID is looked up by, 40 hex digits."""
    return sha256(f"calendar {uid}".encode()).hexdigest()[:40]


def read(data: bytes, defects: set[str]) -> tuple[Invitation, ...]:
    """The events of one text/calendar part that is a scheduling message (RFC 6047 2.4: it has a METHOD).

    One line for each UID: of a series the master, else the first. What can't be read is a defect, never raised.
    """
    if len(data) > MOST_BYTES:
        defects.add("calendar-too-large")
        return ()
    try:
        return _events(data, defects)
    except (LookupError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        defects.add("bad-calendar")
        return ()


def _events(data: bytes, defects: set[str]) -> tuple[Invitation, ...]:
    from icalendar import Calendar

    found: dict[str, Invitation] = {}
    for calendar in Calendar.from_ical(data.decode("utf-8", "replace"), multiple=True)[:MOST_EVENTS]:
        method = _text(calendar.get("method"), 20).lower()
        if method not in METHODS:
            continue
        for event in calendar.walk("VEVENT")[:MOST_EVENTS]:
            read_one = _event(event, method, defects)
            if read_one is not None and (read_one.uid not in found or event.get("recurrence-id") is None):
                found[read_one.uid] = read_one
    return tuple(found.values())


def _event(event: Any, method: str, defects: set[str]) -> Invitation | None:
    uid = _text(event.get("uid"), _MOST_UID)
    start, end = _moment(event.get("dtstart")), _moment(event.get("dtend"))
    if not uid or (start is None and method in ("request", "publish")):
        defects.add("bad-calendar")
        return None
    length = getattr(event.get("duration"), "dt", None)
    if end is None and start is not None and isinstance(length, timedelta):
        end = start + length
    attendees = event.get("attendee") or []
    attendees = attendees if isinstance(attendees, list) else [attendees]
    return Invitation(
        uid=uid,
        method=method,
        sequence=_number(event.get("sequence")),
        summary=_text(event.get("summary"), 500),
        place=_text(event.get("location"), 500),
        text=_lines(event.get("description")),
        start=start,
        end=end,
        organizer=_address(event.get("organizer")),
        attendees=tuple(_attendee(each) for each in attendees[:MOST_ATTENDEES]),
        repeats=event.get("rrule") is not None,
        cancelled=method == "cancel" or _text(event.get("status"), 20).upper() == "CANCELLED",
    )


def _attendee(value: Any) -> Attendee:
    params = getattr(value, "params", {})
    return Attendee(_address(value), _text(params.get("PARTSTAT"), 30).lower())


def _moment(value: Any) -> datetime | date | None:
    """A time in UTC; a floating one without a zone, a day as a date (RFC 5545 3.3.5)."""
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime):
        try:
            return moment if moment.tzinfo is None else moment.astimezone(UTC)
        except (OverflowError, ValueError):
            return None
    return moment if isinstance(moment, date) else None


def _address(value: Any) -> str:
    text = str(value or "")
    return normal(text[7:] if text[:7].lower() == "mailto:" else text) or ""


def _number(value: Any) -> int:
    try:
        return max(0, min(int(value), 2**31 - 1))
    except (TypeError, ValueError):
        return 0


def _text(value: Any, most: int) -> str:
    return clean(str(value), most) if value is not None else ""


def _lines(value: Any) -> str:
    return storable(str(value)).replace("\r\n", "\n").strip()[:10_000] if value is not None else ""


# ---- Ours


@dataclass(frozen=True, slots=True)
class Event:
    """What an invitation of ours says. `start` and `end` in UTC, or days; `end` None where none is known."""

    uid: str
    sequence: int
    summary: str
    start: datetime | date
    end: datetime | date | None
    organizer: str
    organizer_name: str
    place: str = ""
    cancelled: bool = False


def write(event: Event, to: str, name: str, now: datetime) -> str:
    """An invitation to one address, or its cancellation, as the text of a text/calendar part."""
    from icalendar import Calendar
    from icalendar import Event as Component
    from icalendar.prop import vCalAddress, vText

    calendar = Calendar()
    calendar.add("prodid", "-//Addressee//Addressee//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if event.cancelled else "REQUEST")
    component = Component()
    component.add("uid", event.uid)
    component.add("sequence", event.sequence)
    component.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    component.add("dtstart", event.start)
    if event.end is not None:
        component.add("dtend", event.end)
    component.add("summary", clean(event.summary))
    component.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    if event.place:
        component.add("location", clean(event.place))
    organizer = vCalAddress(f"mailto:{event.organizer}")
    organizer.params["CN"] = vText(clean(event.organizer_name, 100).replace('"', "'"))
    component["organizer"] = organizer
    attendee = vCalAddress(f"mailto:{to}")
    attendee.params["CN"] = vText(clean(name or to, 100).replace('"', "'"))
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("TRUE")
    component.add("attendee", attendee, encode=False)
    calendar.add_component(component)
    return str(calendar.to_ical().decode("utf-8"))
