"""Invitations in and out (FEATURES U-61; RFC 5546, RFC 6047): one event by its UID, at the level of `event`."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from addressee.core.calendar import read
from addressee.mail.models import Communication
from addressee.records.models import Appointment, Record

BEN, ADA, CLEO, CARLA = "ben@example.test", "ada@example.test", "cleo@example.test", "carla@cust.example"


def ics(method="REQUEST", uid="meeting-1@cal.example", sequence=0, organizer=BEN, **lines):
    """One event as a calendar program writes it."""
    told = {
        "SUMMARY": "Look at the pump",
        "DTSTART": "20261201T140000Z",
        "DTEND": "20261201T150000Z",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION": "mailto:support@example.test",
        **{name.replace("_", ";").replace("__", "="): value for name, value in lines.items()},
    }
    event = [f"UID:{uid}", f"SEQUENCE:{sequence}", "DTSTAMP:20261120T090000Z", f"ORGANIZER:mailto:{organizer}"]
    event += [f"{name}:{value}" for name, value in told.items() if value is not None]
    inner = "\r\n".join(event)
    return f"BEGIN:VCALENDAR\r\nPRODID:-//Test//EN\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n{inner}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"


def invite(office, to, calendar, author=BEN, subject="Invitation: look at the pump", **more):
    method = calendar.partition("METHOD:")[2].partition("\r\n")[0]
    files = [("invite.ics", f"text/calendar; method={method}; charset=utf-8", calendar.encode())]
    return office.mail(author, to, subject, more.pop("body", "See you there."), files=files, **more)


def events():
    return list(Record.objects.filter(table="event", deleted_at__isnull=True))


def test_given_an_invitation_when_it_comes_to_a_record_then_one_event_about_it_stands(office):
    n = office.customer_ticket().number
    line = invite(office, office.address(n), ics())

    assert line.end == ("accept", "done")
    assert "event" in line.kinds
    (event,) = events()
    assert event.title == "Look at the pump"
    assert (event.values["start"], event.values["end"]) == ("2026-12-01T14:00:00Z", "2026-12-01T15:00:00Z")
    assert event.values["about"] == str(office.ticket(n).uuid)
    assert Appointment.objects.get().sequence == 0
    assert line.why("invitation") == ["request: " + line.why("invitation")[0].partition(": ")[2]]


def test_given_the_same_event_when_it_is_moved_then_it_moves_and_older_forms_do_nothing(office):
    n = office.customer_ticket().number
    invite(office, office.address(n), ics())
    moved = invite(office, office.address(n), ics(sequence=2, DTSTART="20261202T140000Z", DTEND="20261202T150000Z"))
    older = invite(office, office.address(n), ics(sequence=1, DTSTART="20261203T140000Z"))
    same = invite(office, office.address(n), ics(sequence=2, DTSTART="20261202T140000Z", DTEND="20261202T150000Z"))

    (event,) = events()
    assert event.values["start"] == "2026-12-02T14:00:00Z"
    assert moved.kinds == ["comment", "event"]
    assert "newer form" in older.why("invitation")[0]
    assert "nothing of the event is new" in same.why("invitation")[0]
    assert older["disposition"] == same["disposition"] == "accept"


def test_given_an_invitation_to_a_table_when_it_comes_then_a_ticket_and_its_event_and_a_newer_form_finds_both(office):
    first = invite(office, "support@example.test", ics())
    second = invite(office, "support@example.test", ics(sequence=1, DTSTART="20261202T140000Z", DTEND=None))

    (event,) = events()
    assert office.count() == 1
    assert event.values["about"] == str(office.ticket(first.number).uuid)
    assert second.number == first.number
    assert (event.values["start"], event.values["end"]) == ("2026-12-02T14:00:00Z", None)


def test_given_the_table_of_events_when_it_is_invited_then_the_event_is_all_that_is_made(office):
    line = invite(office, "event@desk.example.test", ics(), author=ADA)

    assert (line.end, line.kinds) == (("accept", "done"), ["event"])
    assert len(events()) == 1
    assert office.count() == 0


def test_given_a_cancelled_event_when_it_comes_then_it_leaves_the_lists_and_can_come_back(office):
    n = office.customer_ticket().number
    invite(office, office.address(n), ics())
    gone = invite(office, office.address(n), ics("CANCEL", sequence=1))
    assert gone.kinds == ["comment", "delete"]
    assert events() == []

    back = invite(office, office.address(n), ics(sequence=2, DTSTART="20261205T140000Z", DTEND="20261205T150000Z"))
    assert back.kinds == ["comment", "event"]
    (event,) = events()
    assert event.values["start"] == "2026-12-05T14:00:00Z"


@pytest.mark.parametrize("author", [CARLA, "mallory@evil.example"])
def test_given_who_may_make_no_events_when_he_invites_then_his_mail_counts_and_the_event_does_not(office, author):
    line = invite(office, "support@example.test", ics(organizer=author), author=author)

    assert line.kinds[-1] == "create"
    assert events() == []
    assert "no right to make events" in line.why("invitation")[0]


def test_given_another_person_than_the_organizer_when_he_moves_it_then_a_right_to_update_is_asked(office):
    n = office.customer_ticket().number
    invite(office, office.address(n), ics(), author=ADA)
    cleo = invite(office, office.address(n), ics(sequence=1, DTSTART="20261203T140000Z", organizer=ADA), author=CLEO)
    by_ada = invite(office, office.address(n), ics(sequence=1, DTSTART="20261204T140000Z", organizer=ADA), author=ADA)

    assert "neither the organizer" in cleo.why("invitation")[0]
    assert by_ada.kinds == ["comment", "event"]
    assert events()[0].values["start"] == "2026-12-04T14:00:00Z"


def test_given_an_unproven_author_when_he_invites_then_nothing_is_made(office):
    n = office.customer_ticket().number
    line = invite(office, office.address(n), ics(), proof=None)

    assert line["disposition"] == "hold"
    assert events() == []


def test_given_calendars_that_cannot_be_read_when_they_come_then_the_mail_counts_all_the_same(office):
    n = office.customer_ticket().number
    for broken in (
        "METHOD:REQUEST\r\nnothing",
        ics(DTSTART="2026-13-45"),
        ics(uid=""),
        ics().replace("END:VEVENT", ""),
    ):
        line = invite(office, office.address(n), broken)
        assert line.end == ("accept", "done"), line["trace"]
    assert events() == []


def test_given_an_ics_file_without_a_method_when_it_comes_then_it_is_a_file_and_no_order(office):
    n = office.customer_ticket().number
    calendar = ics().replace("METHOD:REQUEST\r\n", "")
    line = office.mail(BEN, office.address(n), "Plan", "x", files=[("plan.ics", "text/calendar", calendar.encode())])

    assert line.why("invitation") == []
    assert events() == []


def test_given_a_floating_time_and_a_whole_day_when_they_come_then_they_are_read_in_the_authors_zone(office):
    n = office.customer_ticket().number
    invite(office, office.address(n), ics(DTSTART="20261201T090000", DTEND=None))
    assert events()[0].values["start"] == "2026-12-01T14:00:00Z"  # New York

    day = (
        ics(sequence=1)
        .replace("DTSTART:20261201T140000Z", "DTSTART;VALUE=DATE:20261210")
        .replace("DTEND:20261201T150000Z\r\n", "")
    )
    invite(office, office.address(n), day)
    assert events()[0].values["start"] == "2026-12-10T05:00:00Z"


# ---------------------------------------------------------------- ours


def calendar_of(office, item):
    """The invitation in a mail as it was sent, and its type's method."""
    for part in message_from_bytes(office.as_sent(item)).walk():
        if part.get_content_type() == "text/calendar":
            return part.get_payload(decode=True), part.get_param("method")
    return None, None


def test_given_an_event_by_mail_when_it_is_made_then_its_author_is_invited_and_his_answer_finds_it(office):
    n = office.customer_ticket().number
    line = office.mail(BEN, office.address(n), "event", "name: Visit\nstart: 2026-12-01 09:00\nend: 2026-12-01 10:00")
    text, method = calendar_of(office, line.to(BEN, "receipt")[0])
    (event,) = events()

    assert method == "REQUEST"
    invitation = read(text, set())[0]
    assert invitation.uid == f"{event.uuid}@desk.example.test"
    assert (invitation.summary, invitation.start.isoformat()) == ("Visit", "2026-12-01T14:00:00+00:00")
    assert invitation.organizer == f"event.{event.uuid}@desk.example.test"

    answer = ics("REPLY", uid=invitation.uid, organizer=invitation.organizer, SUMMARY="Accepted: Visit").replace(
        "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:support@example.test", f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{BEN}"
    )
    said = invite(office, invitation.organizer, answer, subject="Accepted: Visit", body="")
    assert said["disposition"] == "accept"
    assert "ben@example.test: accepted" in [c.text for c in Communication.objects.filter(record=event)]
    assert next(e for e in said["effects"] if e["kind"] == "event")["fields"]["answer"]["after"] == "accepted"
    assert len(events()) == 1


def test_given_our_event_when_somebody_else_moves_it_by_a_calendar_then_it_stays(office):
    n = office.customer_ticket().number
    office.mail(BEN, office.address(n), "event", "name: Visit\nstart: 2026-12-01 09:00")
    (event,) = events()
    line = invite(
        office,
        f"event.{event.uuid}@desk.example.test",
        ics(uid=f"{event.uuid}@desk.example.test", sequence=9),
        author=ADA,
    )

    assert "the event is ours" in line.why("invitation")[0]
    assert events()[0].values["start"] == "2026-12-01T14:00:00Z"


def test_given_our_event_when_it_is_updated_then_the_newer_invitation_goes_with_the_receipt(office):
    n = office.customer_ticket().number
    office.mail(BEN, office.address(n), "event", "name: Visit\nstart: 2026-12-01 09:00")
    (event,) = events()
    line = office.mail(BEN, f"event.{event.uuid}@desk.example.test", "update", "start: 2026-12-02 09:00")
    invitation = read(calendar_of(office, line.to(BEN, "receipt")[0])[0], set())[0]

    assert (invitation.sequence, invitation.start.isoformat()) == (1, "2026-12-02T14:00:00+00:00")


def test_given_their_event_when_it_is_updated_here_then_no_invitation_of_ours_goes_out(office):
    n = office.customer_ticket().number
    invite(office, office.address(n), ics())
    (event,) = events()
    line = office.mail(BEN, f"event.{event.uuid}@desk.example.test", "update", "start: 2026-12-02 09:00")

    assert line.kinds == ["update"]
    assert calendar_of(office, line.to(BEN, "receipt")[0]) == (None, None)
