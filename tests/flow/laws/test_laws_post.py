"""Law 19: what a person does by mail and on a page gives the same rows, but for ids, times and the channel."""

from __future__ import annotations

from typing import Any

import pytest

from addressee.audit.models import Entry
from addressee.core.errors import BadValue, Refused
from addressee.mail.models import Communication, OutboxItem
from addressee.pipeline import request
from addressee.records.models import Correspondent, Follower, IndexRow, Record, Revision

ADA, BEN, CLEO, CARLA = "ada@example.test", "ben@example.test", "cleo@example.test", "carla@cust.example"


def rows(record: Record, since: dict[str, int]) -> dict[str, Any]:
    """Everything that was written about a record since, without ids, times and what names the channel."""
    return {
        "record": {
            name: getattr(record, name)
            for name in ("title", "team", "account", "assignee", "version", "unverified", "marked", "deleted_at")
        },
        "values": without_times(record.values, record.number),
        "index": sorted(
            IndexRow.objects.filter(record=record).exclude(field__in=["name"]).values_list("field", "text", "num"),
            key=str,
        ),
        "revisions": [
            (r.version, r.kind, r.actor, r.author, bool(r.message), without_times(r.fields, record.number))
            for r in Revision.objects.filter(record=record, pk__gt=since["revision"]).order_by("version")
        ],
        "audit": [
            (e.what, e.actor, e.author, e.table, e.right, bool(e.message), bool(e.revision_hash), e.data)
            for e in Entry.objects.filter(record=record.pk, pk__gt=since["entry"]).order_by("pk")
        ],
        "communications": [
            (c.visibility, c.actor, c.author, c.text, c.unverified, c.withheld)
            for c in Communication.objects.filter(record=record).order_by("at", "uuid")
        ],
        "correspondents": sorted(
            Correspondent.objects.filter(record=record)
            .exclude(address__in=[BEN, CLEO])
            .values_list("address", "wrote_first", "wrote", "written_to", "sent")
        ),
        "followers": sorted(Follower.objects.filter(record=record).values_list("person", flat=True)),
        "notices": sorted(
            (o.kind, o.to, o.account, o.content["text"].replace(f"T-{record.number}", "T-N"))
            for o in OutboxItem.objects.filter(record=record, pk__gt=since["outbox"]).exclude(kind="receipt")
        ),
    }


def without_times(value: Any, number: int | None) -> Any:
    if isinstance(value, dict):
        return {key: without_times(each, number) for key, each in value.items() if key not in ("at",)}
    if isinstance(value, list):
        return [without_times(each, number) for each in value]
    return value


def since() -> dict[str, int]:
    newest = {"revision": Revision, "entry": Entry, "outbox": OutboxItem}
    return {name: getattr(model.objects.order_by("-pk").first(), "pk", 0) for name, model in newest.items()}


def two_tickets(office) -> tuple[int, int]:
    """Two that differ in nothing but their number; the owner is somebody else than who posts."""
    made = [office.customer_ticket(subject="Pump leaks").number for _ in range(2)]
    for number in made:
        office.mail(ADA, "support@example.test", f"update T-{number}", "owner: ada", login="ada")
    return made[0], made[1]


def test_given_a_comment_when_mailed_and_when_posted_then_the_rows_are_equal(office):
    mailed, posted = two_tickets(office)
    mark = since()
    line = office.mail(BEN, "support@example.test", f"T-{mailed}", "I have the part.", login="ben", name="Ben Agent")
    told = request.comment("ben", str(office.ticket(posted).uuid), "I have the part.", "internal")

    assert line.end == (told["disposition"], told["reason"]) == ("accept", "done")
    by_mail, by_page = rows(office.ticket(mailed), mark), rows(office.ticket(posted), mark)
    assert by_mail == by_page
    assert by_page["notices"], "the owner is told"
    assert [effect["kind"] for effect in told["effects"]] == line.kinds


def test_given_values_when_mailed_and_when_posted_then_the_rows_are_equal(office):
    mailed, posted = two_tickets(office)
    mark = since()
    lines = (
        "priority: 5\ndue: 2026-12-01\nstatus: Open\npaid: yes\nrefund: 3.50\nlog: a line\nwebsite: https://a.example"
    )
    line = office.mail(BEN, "support@example.test", f"update T-{mailed}", lines, login="ben", name="Ben Agent")
    texts = dict(each.split(": ", 1) for each in lines.split("\n"))
    told = request.act("update", "ben", str(office.ticket(posted).uuid), texts=texts)

    assert line.end == (told["disposition"], told["reason"]) == ("accept", "done")
    assert rows(office.ticket(mailed), mark) == rows(office.ticket(posted), mark)
    mine, theirs = line["effects"][0]["fields"], told["effects"][0]["fields"]
    assert {name: pair for name, pair in mine.items() if name != "log"} == {
        name: pair for name, pair in theirs.items() if name != "log"
    }


def test_given_a_public_answer_when_mailed_and_when_posted_then_the_same_goes_to_the_customer(office):
    mailed, posted = two_tickets(office)
    mark = since()
    to = f"support@example.test, {CARLA}"
    office.mail(BEN, "support@example.test", f"T-{mailed}", "We come on Monday.", login="ben", header_to=to)
    request.comment("ben", str(office.ticket(posted).uuid), "We come on Monday.", "public")
    by_mail, by_page = rows(office.ticket(mailed), mark), rows(office.ticket(posted), mark)

    sent = [notice for notice in by_page["notices"] if notice[0] == "composed"]
    assert [notice[1] for notice in sent] == [CARLA]
    assert [n for n in by_mail["notices"] if n[0] == "composed"] == [], "she stood in To: she has it already"
    for told in ("record", "values", "revisions", "audit", "communications"):
        assert by_mail[told] == by_page[told], told


@pytest.mark.parametrize("verb", ["delete", "restore", "undo"])
def test_given_a_command_when_mailed_and_when_pressed_then_the_records_are_equal(office, verb):
    mailed, posted = two_tickets(office)
    uuids = {number: str(office.ticket(number).uuid) for number in (mailed, posted)}
    cause = ""
    if verb == "restore":
        for number in (mailed, posted):
            office.mail(ADA, "support@example.test", f"delete T-{number}", login="ada")
    if verb == "undo":
        for number in (mailed, posted):
            office.mail(ADA, "support@example.test", f"update T-{number}", "priority: 5\nlog: no", login="ada")
        cause = Revision.objects.filter(record=uuids[posted]).order_by("-version").first().message
    mark = since()
    line = office.mail(ADA, "support@example.test", f"{verb} T-{mailed}", login="ada")
    told = request.act(verb, "ada", uuids[posted], cause=cause)
    by_mail, by_page = rows(office.ticket(mailed), mark), rows(office.ticket(posted), mark)

    assert line.end == (told["disposition"], told["reason"]) == ("accept", "done")
    assert by_mail["revisions"] == by_page["revisions"]
    assert by_mail["values"] == by_page["values"]
    assert by_mail["index"] == by_page["index"]
    assert [each for each in by_mail["audit"] if each[0] != "comment"] == by_page["audit"]
    assert (by_mail["record"]["deleted_at"] is None) is (by_page["record"]["deleted_at"] is None)


def test_given_what_may_not_be_when_mailed_and_when_posted_then_both_refuse_by_the_same_reason(office):
    number, other = two_tickets(office)
    uuid = str(office.ticket(number).uuid)
    office.mail(ADA, "support@example.test", f"update T-{other}", "serial: 7", login="ada")

    def refused(verb: str, person: str, **more: Any) -> str:
        with pytest.raises(Refused) as told:
            request.act(verb, person, uuid, **more)
        return str(told.value.slug)

    mail = {
        "secret": office.mail(BEN, "support@example.test", f"update T-{number}", "secret: x", login="ben"),
        "taken": office.mail(BEN, "support@example.test", f"update T-{number}", "serial: 7", login="ben"),
        "reader": office.mail("rita@example.test", "support@example.test", f"update T-{number}", "paid: yes", login="rita"),
        "delete": office.mail("rita@example.test", "support@example.test", f"delete T-{number}", login="rita"),
        "restore": office.mail(ADA, "support@example.test", f"restore T-{number}", login="ada"),
    }  # fmt: skip
    page = {
        "secret": refused("update", "ben", texts={"secret": "x"}),
        "taken": refused("update", "ben", texts={"serial": "7"}),
        "reader": refused("update", "rita", texts={"paid": "yes"}),
        "delete": refused("delete", "rita"),
        "restore": refused("restore", "ada"),
    }

    assert {name: line["reason"] for name, line in mail.items()} == page
    with pytest.raises(BadValue) as told:
        request.act("update", "ben", uuid, texts={"priority": "9"})
    assert told.value.data["field"] == "priority"
    assert (office.values(number)["priority"], office.values(number)["serial"]) == (2, None)


def test_given_a_post_of_a_page_when_it_is_undone_and_redone_then_as_a_mail(office):
    number, _ = two_tickets(office)
    uuid = str(office.ticket(number).uuid)
    request.act("update", "ben", uuid, texts={"priority": "5"})
    done = Revision.objects.filter(record=uuid).order_by("-version").first()
    request.act("undo", "ben", uuid, cause=done.message)
    undone = Revision.objects.filter(record=uuid).order_by("-version").first()

    assert office.values(number)["priority"] == 2
    request.act("undo", "ada", uuid, cause=undone.message)
    assert office.values(number)["priority"] == 5
    with pytest.raises(Refused, match="not-permitted"):
        request.act("undo", "rita", uuid, cause=undone.message)


def test_given_note_in_the_first_line_when_staff_answer_then_the_customer_gets_no_mail_and_else_one(office):
    # U-127: the same answer with and without `note`
    first, second = (office.customer_ticket() for _ in range(2))
    texts = {}
    for made, text in ((first, "note\nThe seal is ours to pay."), (second, "The seal is ours to pay.")):
        notice = next(o for o in made.outbox if o.kind == "notification")
        person = notice.to.partition("@")[0]
        line = office.answer(notice, notice.to, text, login=person)
        texts[made.number] = [o.content["text"] for o in office.all_mail(CARLA) if o.kind == "composed"]
        assert line.seen == ["internal" if made is first else "public"]
        (shown,) = [c for c in office.stream(made.number) if c.actor == person]
        assert shown.text == "The seal is ours to pay."
    told = "\n".join(o.content["text"] for o in office.all_mail(CARLA))

    assert [len(texts[first.number]), len(texts[second.number])] == [0, 1]
    assert told.count("The seal is ours to pay.") == 1
    # and the same on a page
    internal = request.comment("ben", str(office.ticket(first.number).uuid), "Between us.", "internal")
    public = request.comment("ben", str(office.ticket(first.number).uuid), "It is fixed.", "public")
    assert internal["communications"][0]["visibility"] == "internal"
    assert public["communications"][0]["visibility"] == "public"
    assert [o.content["text"].count("It is fixed.") for o in office.all_mail(CARLA)][-1] == 1
    assert not any("Between us." in o.content["text"] for o in office.all_mail(CARLA))
