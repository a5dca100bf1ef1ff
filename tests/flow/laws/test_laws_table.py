"""The table of DESIGN section 4: each line, at each level, with and without the right, under each policy."""

from __future__ import annotations

import itertools

import pytest

from addressee.core.tokens import digest, encode
from addressee.mail.models import Token

# What a mail says, the kinds of effect it has where it may, and the least level that the table asks for.
ASKS = {
    "read": ("read", "", [], 3),
    "help": ("help", "", [], 3),
    "why": ("why", "", [], 3),
    "comment": ("Hello", "Some words", ["comment"], 3),
    "attach": ("attach", "", ["attach"], 3),
    "update": ("update", "priority: 5", ["update"], 3),
    "update sensitive": ("update", "refund: 12.50", ["update"], 4),
    "delete": ("delete", "", ["delete"], 5),
}
LEVELS = ["E0", "E1", "E2 own", "E2 of another", "E3", "E4", "E6"]
ACCOUNTS = {
    ("standard", True): "generous@example.test",
    ("standard", False): "support@example.test",
    ("strict", True): "generous-strict@example.test",
    ("strict", False): "strict@example.test",
    ("open", True): "generous-open@example.test",
    ("open", False): "open@example.test",
}


def expected(ask: str, level: str, right: bool, policy: str) -> tuple[str, str]:
    """The table in words of its own: what becomes of the mail."""
    sure = int(level[1])
    if policy == "open":
        sure = max(sure, 3)
    step = 1 if policy == "strict" else 0
    own_token = level in ("E2 own", "E4")
    may_comment = (right and sure >= 3 + step) or (own_token and sure >= 2 + step)
    least = min(ASKS[ask][3] + step, 6)
    if ask in ("comment", "attach"):
        if may_comment:
            return "accept", "done"
    elif right:
        if sure >= least:
            return "accept", "done"
        return "hold", "confirm" if sure >= 1 or ASKS[ask][3] >= 4 else "not-proven"
    elif may_comment:
        return "accept", "not-permitted"
    if right:
        return "hold", "not-proven"
    if level in ("E2 own", "E2 of another", "E4"):
        return "redirect", "not-a-recipient"
    return "hold", "not-permitted"


def author_of(level: str, right: bool) -> str:
    if level == "E6":
        return "ada@example.test" if right else "nora@example.test"
    return {"E0": "new@cust.example", "E1": "known@cust.example"}.get(level, "carla@cust.example")


@pytest.mark.parametrize(
    ("policy", "right", "level"), list(itertools.product(("standard", "strict", "open"), (True, False), LEVELS))
)
def test_given_a_level_and_a_right_when_each_thing_is_asked_then_the_table_decides(office, policy, right, level):
    ticket = office.mail(
        "ada@example.test", "support@example.test", "create", "A pump\nrefund: 1.00", login="ada"
    ).number
    if level == "E1":
        office.customer_ticket("known@cust.example")
    token = ""
    if level in ("E2 own", "E2 of another", "E4"):
        token = encode(b"13 bytes long")
        issued_to = "other@cust.example" if level == "E2 of another" else "carla@cust.example"
        Token.objects.create(
            hash=digest(token),
            record=office.ticket(ticket),
            address=issued_to,
            account="support",
            created_at=office.now,
        )
    author = author_of(level, right)

    for ask, (subject, body, kinds, _) in ASKS.items():
        line = office.mail(
            author, ACCOUNTS[policy, right], f"{subject} T-{ticket}", body,
            proof="dmarc" if level in ("E3", "E4") else None,
            login=author.partition("@")[0] if level == "E6" else None,
            headers=[f"X-Addressee-Token: {token}"] if token else [],
            files=[("a.txt", "text/plain", b"abc")] if ask == "attach" else [],
        )  # fmt: skip

        where = f"{ask} at {level}, {'with' if right else 'without'} the right, {policy}: {line['trace']}"
        assert line.end == expected(ask, level, right, policy), where
        done = line.end == ("accept", "done")
        assert line.kinds == (
            kinds if done else ["comment"] if line["disposition"] == "accept" and kinds != ["attach"] else line.kinds
        ), where
        assert line["communications"] == [] or line["disposition"] == "accept", where
        sure = "E3" if policy == "open" and level[1] < "3" else level[:2]
        assert line["assurance"] == sure, where
        assert line["verified"] is (level[:2] >= "E3"), where
        told = line["disposition"] != "redirect" and (sure >= "E3" or level == "E2 own")
        told = told or (level == "E1" and line.end == ("hold", "confirm"))
        answers = line.to(author)
        assert len(answers) <= 1, where
        if told and not line.why("answer")[0].startswith("held back"):
            assert len(answers) == 1, where
            assert (answers[0].kind == "confirmation") is (line["reason"] == "confirm"), where
            if line["reason"] == "not-permitted":
                assert "You do not have the right" in answers[0].content["text"], where
        elif not told:
            assert answers == [], where
        if line["disposition"] == "hold":
            assert [o for o in line.outbox if o.to != author] == [], where
        office.later("20m")

    values = office.values(ticket) if office.ticket(ticket).deleted_at is None else None
    deleted = expected("delete", level, right, policy) == ("accept", "done")
    assert (values is None) is deleted
    changed = expected("update", level, right, policy) == ("accept", "done")
    assert office.ticket(ticket).values["priority"] == (5 if changed else 2)
    refunded = expected("update sensitive", level, right, policy) == ("accept", "done")
    assert office.ticket(ticket).values["refund"] == ("12.50" if refunded else "1.00")


# ---------------------------------------------------------------- create

GUEST = [  # account, level, what becomes of it, whose rights, marked unverified?
    ("support", "E0", ("accept", "unverified"), "visitor"),
    ("support", "E1", ("accept", "unverified"), "visitor"),
    ("support", "E3", ("accept", "done"), "visitor"),
    ("members", "E0", ("hold", "stranger"), None),
    ("members", "E3", ("hold", "stranger"), None),
    ("full", "E3", ("hold", "create-off"), "visitor"),
    ("strict", "E0", ("hold", "not-proven"), "visitor"),
    ("strict", "E1", ("accept", "unverified"), "visitor"),
    ("open", "E0", ("accept", "done"), "visitor"),
]


@pytest.mark.parametrize(("account", "level", "end", "actor"), GUEST)
def test_given_a_stranger_when_he_writes_to_an_account_then_the_gates_decide(office, account, level, end, actor):
    if level == "E1":
        office.customer_ticket("gus@cust.example")
    before = office.count()
    line = office.mail(
        "gus@cust.example", f"{account}@example.test", "New", "x", proof="dmarc" if level == "E3" else None
    )

    assert (line.end, line["actor"]) == (end, actor)
    assert office.count() - before == (1 if end[0] == "accept" else 0)
    assert len(line.to("gus@cust.example")) == (1 if level == "E3" or account == "open" else 0)
    if end[0] == "accept":
        record = office.ticket(line.number)
        assert record.unverified is (end[1] == "unverified")
        assert line.seen == ["public"]
        assert [told.unverified for told in office.stream(line.number)] == [end[1] == "unverified"]


STAFF = [  # person, account, proof or login, what becomes of it, whose rights
    ("ben", "support", "dmarc", ("accept", "done"), "ben"),
    ("ben", "members", "dmarc", ("accept", "done"), "ben"),
    ("ben", "support", None, ("accept", "unverified"), "visitor"),
    ("ben", "members", None, ("hold", "not-proven"), "ben"),
    ("ben", "strict", "dmarc", ("accept", "done"), "visitor"),  # one step higher: E4; so the guest line
    ("ben", "strict", "login", ("accept", "done"), "ben"),
    ("ben", "open", None, ("accept", "done"), "ben"),
    ("ben", "full", "login", ("hold", "create-off"), "ben"),
    ("rita", "support", "dmarc", ("hold", "not-permitted"), "rita"),
    ("rita", "support", None, ("accept", "unverified"), "visitor"),
]


@pytest.mark.parametrize(("person", "account", "proof", "end", "actor"), STAFF)
def test_given_staff_when_they_create_then_by_their_own_right_or_as_a_guest(office, person, account, proof, end, actor):
    login = person if proof == "login" else None
    line = office.mail(
        f"{person}@example.test", f"{account}@example.test", "create", "Fix the crane",
        proof=None if login else proof, login=login,
    )  # fmt: skip

    assert (line.end, line["actor"]) == (end, actor)
    if end == ("hold", "not-permitted"):
        assert "no role of rita may create in ticket" in line.answer()


def test_given_a_table_that_no_account_names_when_mailed_then_built_in_rules_hold(office):
    by_staff = office.mail("nora@example.test", "invoice@desk.example.test", "create", "Crane rent")
    by_stranger = office.mail("gus@cust.example", "invoice@desk.example.test", "create", "Crane rent")

    assert by_staff.end == ("accept", "done")
    assert by_staff["effects"][0]["record"] == "INV-0001"
    assert by_stranger.end == ("hold", "stranger")
    assert office.count("invoice") == 1


def test_given_a_right_of_team_when_the_record_is_the_teams_then_it_reaches_and_else_not(office):
    theirs = office.mail("ada@example.test", "support@example.test", "create", "A\nowner: hal").number
    other = office.mail("ada@example.test", "support@example.test", "create", "B\nowner: ben").number
    reached = office.mail("hal@example.test", "support@example.test", f"T-{theirs}", "mine")
    missed = office.mail("hal@example.test", "support@example.test", f"T-{other}", "not mine")

    assert reached.end == ("accept", "done")
    assert "team" in reached.why("authorise")[0]
    assert missed.end == ("hold", "not-permitted")


def test_given_own_when_a_customer_wrote_first_is_linked_or_was_written_to_then_he_reaches_it(office):
    wrote = office.customer_ticket("carla@cust.example").number
    linked = office.mail(
        "ada@example.test", "support@example.test", "create", "For Carla\ncustomer: carla@cust.example"
    ).number
    strange = office.mail("ada@example.test", "support@example.test", "create", "Not for Carla").number

    for number in (wrote, linked):
        assert office.mail("carla@cust.example", "support@example.test", f"T-{number}", "hi").end == ("accept", "done")
    assert office.mail("carla@cust.example", "support@example.test", f"T-{strange}", "hi").end == (
        "hold",
        "not-permitted",
    )


def test_given_one_guest_person_when_two_strangers_write_then_the_guest_owns_nothing_for_them(office):
    made = office.customer_ticket("carla@cust.example")
    for subject in (f"T-{made.number}", f"read T-{made.number}", f"help T-{made.number}", f"why T-{made.number}"):
        line = office.mail("gus@cust.example", "support@example.test", subject, "Let me see")

        assert line.end == ("hold", "not-permitted"), subject
        assert "It drips" not in line.answer()
        assert "Pump" not in line.answer()
    assert len(office.stream(made.number)) == 1
