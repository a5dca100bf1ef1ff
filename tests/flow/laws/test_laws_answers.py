"""What goes out: receipts, notices, public answers, and what holds them back (laws 10, 11, 13, 16 and 18; U-127)."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser

import pytest

from addressee.mail.models import OutboxItem, Suppression

BEN, ADA, CLEO, CARLA, GUS = (
    "ben@example.test",
    "ada@example.test",
    "cleo@example.test",
    "carla@cust.example",
    "gus@cust.example",
)


def read(office, item):
    return BytesParser(policy=policy.default).parsebytes(office.as_sent(item))


# ---------------------------------------------------------------- the receipt


def test_given_an_update_when_it_is_done_then_the_receipt_tells_values_before_and_after_and_a_link(office):
    made = office.customer_ticket()
    line = office.mail(BEN, office.address(made.number), "update", "priority: 5\nstatus: Open\n\nOn it")

    text = line.answer()
    assert f'T-{made.number} "Pump leaks" was changed.' in text
    assert "Urgency level: 2 → 5" in text
    assert "status: New → Open" in text
    assert f"https://desk.example.test/tables/ticket/T-{made.number}/" in text


def test_given_any_automatic_mail_when_it_is_sent_then_its_headers_say_so_and_hold_its_token_in_four_places(office):
    made = office.customer_ticket()
    item = made.to(CARLA)[0]
    sent, token = read(office, item), office.token(item)

    assert sent["Auto-Submitted"] == "auto-replied"
    assert sent["X-Addressee-Loop"] == "desk.example.test"
    assert sent["X-Addressee-Token"] == token
    assert sent["In-Reply-To"] == f"<{made['message_id']}>"
    assert token in sent["Reply-To"]
    assert token in sent["Subject"]
    assert sent["Message-ID"].startswith(f"<{token}.")
    assert str(made.number) not in token
    notice = read(office, made.to(BEN)[0])
    assert notice["Auto-Submitted"] == "auto-generated"


def test_given_an_unproven_author_when_anything_becomes_of_his_mail_then_he_is_told_nothing(office):
    made = office.customer_ticket()
    for to, subject in (
        ("support@example.test", "New"),
        ("support@example.test", f"T-{made.number}"),
        ("support@example.test", f"read T-{made.number}"),
        ("support@example.test", "delete"),
        ("members@example.test", "Hello"),
        ("full@example.test", "Hello"),
        ("support@example.test", "create"),
    ):
        for author in (CARLA, BEN, "new@other.example"):
            line = office.mail(author, to, subject, "priority: nonsense", proof=None)
            asked = ["confirmation"] if line.end == ("hold", "confirm") and author != "new@other.example" else []
            assert [o.kind for o in line.to(author)] == asked, (to, subject, author)
            assert not any("nonsense" in o.content["text"] for o in line.to(author))


def test_given_policy_open_when_the_author_is_clear_he_is_answered_and_when_ambiguous_he_gets_nothing(office):
    clear = office.mail(GUS, "open@example.test", "Hello", "x", proof=None)
    vague = office.mail(GUS, "open@example.test", "Hello", "y", proof=None, from_field=f"From: {GUS}, {CARLA}")

    assert len(clear.to(GUS)) == 1
    assert clear["verified"] is False
    assert vague.outbox == [] or vague.to(GUS) == []
    assert vague.to(CARLA) == []


def test_given_a_hostile_subject_and_name_when_answered_then_no_header_holds_more_than_cleaned_text(office):
    made = office.customer_ticket(
        subject="=?utf-8?q?x=0D=0ABcc=3A_victim=40else.example?=", name="=?utf-8?q?Eve=0ABcc=3A_v=40else.example?="
    )
    for item in made.outbox:
        raw = office.as_sent(item)
        sent = BytesParser(policy=policy.default).parsebytes(raw)
        assert sent["Bcc"] is None
        assert b"\nBcc" not in raw.partition(b"\r\n\r\n")[0]


# ---------------------------------------------------------------- one answer, and how many (law 10)


def test_given_an_account_with_an_auto_reply_when_a_customer_writes_then_it_is_his_one_answer_and_staff_get_a_receipt(
    office,
):
    customer = office.mail(CARLA, "sales@example.test", "Pump", "It drips", name="Carla Customer")
    staff = office.mail(BEN, "sales@example.test", "create", "Mine")

    assert [o.kind for o in customer.to(CARLA)] == ["auto_reply"]
    assert customer.to(CARLA)[0].subject.startswith(f"We have your message: T-{customer.number}")
    assert "Hello Carla Customer" in customer.answer()
    assert [o.kind for o in staff.to(BEN)] == ["receipt"]


def test_given_an_account_with_an_auto_reply_when_something_is_refused_or_asked_then_it_says_so_too(office):
    made = office.customer_ticket(to="sales@example.test")
    refused = office.mail(CARLA, "sales@example.test", f"delete T-{made.number}", "please")
    asked = office.mail(CARLA, "sales@example.test", f"read T-{made.number}", "")
    files = [(f"f{i}.pdf", "application/pdf", b"x" * i) for i in range(1, 7)]
    sixth = office.mail(CARLA, "sales@example.test", f"T-{made.number}", "six", files=files)

    for line in (refused, asked, sixth):
        assert len(line.to(CARLA)) == 1
    assert "You do not have the right" in refused.answer()
    assert "priority: 1" in asked.answer()
    assert "f6.pdf" in sixth.answer()


def test_given_a_customer_when_he_writes_seven_times_an_hour_then_five_are_answered_and_the_next_names_the_rest(office):
    lines = [office.mail(CARLA, "support@example.test", f"No {i}", "x") for i in range(7)]
    office.later("61m")
    late = office.mail(CARLA, "support@example.test", "No 8", "x")
    later = office.mail(CARLA, "support@example.test", "No 9", "x")

    assert [len(line.to(CARLA)) for line in lines] == [1, 1, 1, 1, 1, 0, 0]
    assert "held back" in lines[5].why("answer")[0]
    assert "2 earlier messages to you were held back" in late.answer(CARLA)
    assert "held back" not in later.answer(CARLA)


def test_given_the_same_seven_in_one_batch_when_worked_off_then_the_same_five_are_answered(office):
    raws = [(office.bytes_of(CARLA, "support@example.test", f"No {i}", "x"), "support@example.test") for i in range(7)]
    lines = office.batch(raws)
    office.later("61m")

    assert [len(line.to(CARLA)) for line in lines] == [1, 1, 1, 1, 1, 0, 0]
    assert "2 earlier messages" in office.mail(CARLA, "support@example.test", "No 8", "x").answer(CARLA)


def test_given_a_day_when_a_customer_writes_five_an_hour_then_twenty_are_answered(office):
    answered = 0
    for hour in range(5):
        for i in range(5):
            answered += len(office.mail(CARLA, "support@example.test", f"{hour} {i}", "x").to(CARLA))
        office.later("1h")

    assert answered == 20


def test_given_a_person_of_the_firm_when_he_commands_then_sixty_an_hour_and_unproven_ones_count_as_automatic(office):
    office.change({"site.limits": {"answers_per_hour": 6}})
    n = office.mail(ADA, "support@example.test", "create", "x").number
    lines = [office.mail(BEN, office.address(n), "read", str(i)) for i in range(8)]
    unproven = [office.mail(CLEO, "generous-open@example.test", f"read T-{n}", str(i), proof=None) for i in range(6)]

    assert sum(len(line.to(BEN)) for line in lines) == 6
    assert sum(len(line.to(CLEO, "receipt")) for line in unproven) == 5


def test_given_the_limit_of_notices_when_customers_write_more_then_the_rest_is_named_in_the_next_mail(office):
    office.change(
        {"site.limits": {"notices_per_hour": 3}, "accounts.support.distribution": {"how": "direct", "person": "ben"}}
    )
    lines = [office.mail(f"c{i}@cust.example", "support@example.test", f"No {i}", "x") for i in range(5)]
    answer = office.mail(BEN, office.address(lines[0].number), "read", "").answer(BEN)
    office.later("2h")
    late = office.mail("c9@cust.example", "support@example.test", "No 9", "x")
    told = [item.content["text"] for item in office.all_mail(BEN)[-2:]]

    assert [len(line.to(BEN, "notification")) for line in lines] == [1, 1, 1, 0, 0]
    assert any("held back" in why for why in lines[4].why("answer"))
    assert "2 earlier messages to you were held back" in answer
    assert ["2 earlier messages to you were held back" in text for text in told] == [True, False]  # the digest first
    assert len(late.to(BEN, "notification")) == 1


def test_given_the_limit_of_guests_creates_when_one_address_or_domain_goes_over_then_the_rest_is_held(office):
    raws = [
        (office.bytes_of("c@cust.example", "support@example.test", f"No {i}", "x"), "support@example.test")
        for i in range(22)
    ]
    first = office.batch(raws)
    others = [
        (office.bytes_of(f"c{i}@cust.example", "support@example.test", f"Of {i}", "x"), "support@example.test")
        for i in range(42)
    ]
    second = office.batch(others)
    elsewhere = office.mail("c@other.example", "support@example.test", "New", "x")
    office.later("61m")
    later = office.mail("c@cust.example", "support@example.test", "Later", "x")

    assert [line.end for line in first[19:]] == [("accept", "done"), ("hold", "rate-limit"), ("hold", "rate-limit")]
    assert [line["disposition"] for line in second].count("accept") == 40
    assert elsewhere["disposition"] == later["disposition"] == "accept"


def test_given_a_suppressed_address_when_anything_would_go_to_it_then_it_does_not(office):
    made = office.customer_ticket()
    for address in (CARLA, BEN):
        Suppression.objects.create(address=address, reason="it bounced", at=office.now)
    customer = office.mail(CARLA, office.address(made.number), "x", "hi")
    staff = office.answer(made.to(BEN)[0], BEN, "A public answer")

    assert [o.to for o in customer.outbox if o.to in (CARLA, BEN)] == []
    assert [o.to for o in staff.outbox if o.to in (CARLA, BEN)] == []
    assert any("it bounced" in why for why in staff.why("answer"))


# ---------------------------------------------------------------- who may know what (law 13)


def test_given_a_template_with_fields_that_the_recipient_may_not_read_when_sent_then_they_are_empty(office):
    made = office.customer_ticket(to="sales@example.test")
    office.mail(ADA, office.address(made.number), "update", "secret: he never pays\nrefund: 700", login="ada")
    line = office.mail(CARLA, "sales@example.test", f"T-{made.number}", "And?")

    assert line.to(CARLA)[0].kind == "auto_reply"
    assert "never pays" not in line.answer()
    assert "secret ." in line.answer()
    assert "Refund 700.00" in line.answer()


def test_given_a_guest_who_may_not_read_when_he_writes_then_his_answer_holds_no_value(office):
    line = office.mail(GUS, "blind@example.test", "Secret plans", "priority: 5")
    assert line.to(GUS)[0].kind == "auto_reply"
    assert "Secret" not in line.answer()
    assert line.answer().strip().endswith("Name: ; priority: .")
    assert "Secret" not in line.to(GUS)[0].subject
    receipt = office.mail(GUS, "blind@example.test", "create", "Secret plans\npriority: 9")
    assert receipt.end == ("reject", "bad-value")


def test_given_a_customer_when_he_reads_his_ticket_then_he_sees_his_fields_and_no_title_he_may_not_know(office):
    office.mail(ADA, "firm@desk.example.test", "create", "Secret Holding")
    office.mail(ADA, "customer@desk.example.test", "create", f"Carla Customer\nemail: {CARLA}\nfirm: Secret Holding")
    made = office.customer_ticket()
    office.mail(ADA, office.address(made.number), "update", "secret: mine", login="ada")
    text = office.mail(CARLA, "support@example.test", f"read T-{made.number}", "").answer()

    assert "name: Pump leaks" in text
    assert "customer: Carla Customer" in text, "she may know herself"
    assert "Secret Holding" not in text
    assert "secret" not in text
    assert "Secret Holding" not in made.answer()


def test_given_a_stranger_when_he_links_to_a_record_he_may_not_see_then_it_is_as_if_there_were_none(office):
    office.mail(ADA, "customer@desk.example.test", "create", "Known One\nemail: k@one.example")
    known = office.mail(GUS, "support@example.test", "create", "Probe\ncustomer: Known One")
    unknown = office.mail(GUS, "support@example.test", "create", "Probe 2\ncustomer: Unknown One")

    assert known.end == unknown.end == ("reject", "bad-value")
    assert known.answer().replace("Known One", "X") == unknown.answer().replace("Unknown One", "X")


def test_given_a_person_who_may_not_read_a_record_when_it_is_written_to_then_he_gets_no_notice(office):
    office.change({"teams.desk.members": ["ben", "nora"], "accounts.support.distribution": None})
    made = office.customer_ticket()

    assert [o.to for o in made.outbox if o.kind == "notification"] == [BEN]
    assert any("nora may not read" in why for why in made.why("answer"))


def test_given_a_title_that_a_person_may_not_read_when_he_gets_a_notice_then_it_is_not_in_it(office):
    office.change({"roles.agent.grants.ticket.fields": {"name": "none"}})
    made = office.customer_ticket(subject="Hidden words", body="Plain")
    notice = made.to(BEN, "notification")[0]

    assert "Hidden words" not in notice.subject + notice.content["text"]


def test_given_two_strangers_under_one_guest_when_each_asks_everything_then_neither_sees_the_other(office):
    his = office.customer_ticket(GUS, subject="Gus only", body="gusgus")
    hers = office.customer_ticket(CARLA, subject="Carla only", body="carlacarla")
    for author, other in ((GUS, hers), (CARLA, his)):
        office.later("2h")
        for subject in ("read", "why", "help", "update", "delete"):
            line = office.mail(author, "support@example.test", f"{subject} T-{other.number}", "x")
            assert line.end == ("hold", "not-permitted")
    everything = {who: " ".join(o.subject + o.content["text"] for o in office.all_mail(who)) for who in (GUS, CARLA)}
    assert not any(word in everything[GUS] for word in ("Carla only", "carlacarla", CARLA))
    assert not any(word in everything[CARLA] for word in ("Gus only", "gusgus", GUS))
    assert [len(office.stream(made.number)) for made in (his, hers)] == [1, 1]


def test_given_why_when_a_customer_asks_then_he_learns_of_his_own_mails_and_nobody_elses_address(office):
    made = office.customer_ticket()
    office.mail(CARLA, office.address(made.number), "update", "priority: 5")
    office.mail(BEN, office.address(made.number), "Internal matter", "hush")
    text = office.mail(CARLA, office.address(made.number), "why").answer()

    assert "not-permitted" in text
    assert "priority" not in text or "hush" not in text
    assert BEN not in text
    assert CLEO not in text
    assert "Internal matter" not in text


def test_given_why_when_ben_asks_then_he_learns_each_step_of_his_own_mails(office):
    n = office.mail(ADA, "support@example.test", "create", "x").number
    office.mail(BEN, office.address(n), "update", "priority: six")
    text = office.mail(BEN, office.address(n), "why").answer()

    assert "accept, bad-value" in text
    assert "'six' is not taken" in text


def test_given_help_when_asked_then_it_lists_what_the_author_may(office):
    n = office.mail(ADA, "support@example.test", "create", "x").number
    ada = office.mail(ADA, office.address(n), "help").answer()
    rita = office.mail("rita@example.test", office.address(n), "help").answer()
    table = office.mail(BEN, "support@example.test", "help").answer()
    stranger = office.mail(GUS, "members@example.test", "help")

    assert "delete" in ada
    assert "delete" not in rita
    assert "update" not in rita
    assert "read" in rita
    assert "create" in table
    assert "secret" not in table
    assert stranger.end == ("hold", "not-permitted")


# ---------------------------------------------------------------- internal and public (law 16)


def test_given_a_customers_mail_when_staff_answer_the_notice_then_it_goes_on_and_with_note_it_does_not(office):
    made = office.customer_ticket()
    notice = made.to(BEN, "notification")[0]
    first_line = office.as_sent(notice).decode().partition("\r\n\r\n")[2].replace("=\r\n", "").splitlines()[0]
    assert first_line.startswith(f"An answer to this notice is public and goes on to {CARLA}.")

    public = office.answer(notice, BEN, "We come at noon.")
    internal = office.answer(notice, BEN, "note\nHe is a difficult one.")

    assert public.seen == ["public"]
    [gone] = public.to(CARLA)
    assert (gone.kind, gone.sender) == ("composed", "support@example.test")
    assert "We come at noon." in gone.content["text"]
    assert "goes on to" not in gone.content["text"]
    assert read(office, gone)["Auto-Submitted"] is None
    assert internal.seen == ["internal"]
    assert internal.to(CARLA) == []
    assert office.stream(made.number)[-1].text == "He is a difficult one."
    assert not any("difficult" in o.content["text"] for o in office.all_mail(CARLA))


@pytest.mark.parametrize("style", ["gmail", "outlook", "apple", "bare"])
def test_given_a_notice_when_it_is_answered_in_any_clients_style_then_only_new_words_go_on(office, style):
    made = office.customer_ticket()
    notice = made.to(BEN, "notification")[0]
    more = {"body": f"We come at noon.\n\n{notice.content['text']}"} if style == "bare" else {}
    line = office.answer(notice, BEN, "We come at noon.", style, **more)

    assert office.stream(made.number)[-1].text == "We come at noon."
    assert line.to(CARLA)[0].content["text"].endswith("We come at noon.\n\nBen Agent")


@pytest.mark.parametrize("first", ["note", "Note", "NOTE ", "note:"])
def test_given_the_line_note_in_any_dress_when_it_comes_first_then_nothing_goes_to_the_customer(office, first):
    made = office.customer_ticket()
    line = office.answer(made.to(BEN, "notification")[0], BEN, f"\n{first}\nbetween us")

    assert (line.seen, line.to(CARLA)) == (["internal"], [])


def test_given_an_account_whose_staff_answer_internally_when_a_notice_is_answered_then_it_stays(office):
    made = office.customer_ticket(to="quiet@example.test")
    [notice] = [o for o in made.outbox if o.kind == "notification"][:1]
    line = office.answer(notice, notice.to, "between us")

    assert "stays among staff" in notice.content["text"]
    assert (line.seen, line.to(CARLA)) == (["internal"], [])


def test_given_staff_who_write_to_the_record_when_no_correspondent_is_addressed_then_internal_else_public(office):
    made = office.customer_ticket()
    plain = office.mail(BEN, office.address(made.number), "Hello", "between us")
    staff = office.mail(BEN, office.address(made.number), "Hello", "with Ada", cc=ADA)
    addressed = office.mail(BEN, office.address(made.number), "Hello", "Dear Carla", cc=f"Carla <{CARLA.upper()}>")
    stranger = office.mail(BEN, office.address(made.number), "Hello", "Dear Gus", cc=GUS)

    assert [line.seen[0] for line in (plain, staff, addressed, stranger)] == [
        "internal",
        "internal",
        "public",
        "internal",
    ]
    assert addressed.to(CARLA) == [], "he has it already"
    assert not any("between us" in o.content["text"] or "with Ada" in o.content["text"] for o in office.all_mail(CARLA))


def test_given_staff_who_had_a_receipt_when_they_stand_in_cc_then_that_makes_no_post_public(office):
    made = office.customer_ticket()
    office.mail("rita@example.test", office.address(made.number), "read")
    office.mail(ADA, office.address(made.number), "read")
    line = office.mail(BEN, office.address(made.number), "Hello", "hush", cc=f"{ADA}, rita@example.test")

    assert (line.seen, line.to(CARLA)) == (["internal"], [])


def test_given_a_ticket_that_staff_made_when_it_is_answered_in_public_then_staff_are_no_correspondents(office):
    n = office.mail(ADA, "support@example.test", "create", "x").number
    office.mail(
        ADA,
        office.address(n),
        "update",
        f"customer: {office.mail(ADA, 'customer@desk.example.test', 'create', f'Carla{chr(10)}email: {CARLA}')['effects'][0]['record']}",
    )
    customer = office.mail(CARLA, office.address(n), "x", "A question")
    notice = next(o for o in customer.outbox if o.kind == "notification")
    line = office.answer(notice, notice.to, "The answer")

    assert [o.to for o in line.outbox if o.kind == "composed"] == [CARLA]


def test_given_forged_staff_mail_on_an_account_that_shows_it_when_a_customer_is_in_cc_then_nothing_goes_out(office):
    made = office.customer_ticket(to="show@example.test")
    line = office.mail(BEN, "show@example.test", f"T-{made.number}", "Pay to this account", proof=None, cc=CARLA)

    assert line.end == ("accept", "unverified")
    assert line.seen == ["internal"]
    assert [o for o in line.outbox if o.kind == "composed"] == []


def test_given_an_account_that_shows_unverified_mail_when_it_comes_then_it_is_marked_and_changes_nothing(office):
    made = office.customer_ticket(to="show@example.test")
    office.mail(ADA, office.address(made.number), "update", "status: Done")
    before = office.values(made.number)
    line = office.mail(
        CARLA,
        "show@example.test",
        f"T-{made.number}",
        "It drips again",
        proof=None,
        files=[("a.txt", "text/plain", b"x")],
    )
    notice = next(o for o in line.outbox if o.kind == "notification")

    assert line.end == ("accept", "unverified")
    assert office.stream(made.number)[-1].unverified
    assert office.values(made.number) == before
    assert "unverified" in notice.content["text"]
    assert line.to(CARLA) == []


def test_given_a_public_answer_when_the_customer_answers_it_then_it_lands_on_the_record_as_e4(office):
    made = office.customer_ticket()
    public = office.answer(made.to(BEN, "notification")[0], BEN, "Noon?")
    line = office.answer(public.to(CARLA)[0], CARLA, "Noon is fine")

    assert (line.record, line["assurance"], line.seen) == (f"T-{made.number}", "E4", ["public"])


def test_given_two_correspondents_when_staff_answer_in_public_then_each_gets_his_own_mail_and_token(office):
    made = office.customer_ticket()
    office.mail(BEN, office.address(made.number), "Hello", "Dear Gus and Carla", cc=f"{GUS}, {CARLA}")
    held = office.mail(GUS, office.address(made.number), "x", "May I join?")
    assert held["disposition"] == "hold", "to be in a Cc makes nobody a correspondent"


# ---------------------------------------------------------------- batches equal single mails


def test_given_the_same_story_when_told_mail_by_mail_and_in_one_batch_then_the_outbox_is_the_same(office):
    def story():
        return [
            (
                office.bytes_of(CARLA, "support@example.test", "Pump", "drips", message_id="<s1@cust.example>"),
                "support@example.test",
            ),
            (
                office.bytes_of(CARLA, "support@example.test", "More", "x", headers=["In-Reply-To: <s1@cust.example>"]),
                "support@example.test",
            ),
            (office.bytes_of(BEN, "support@example.test", "update T-1", "priority: 5"), "support@example.test"),
            (office.bytes_of(BEN, "support@example.test", "T-1", "Dear Carla", cc=CARLA), "support@example.test"),
            (office.bytes_of(GUS, "support@example.test", "T-1", "me?"), "support@example.test"),
            (office.bytes_of(BEN, "support@example.test", "why T-1", ""), "support@example.test"),
        ]

    def told(lines):
        return [
            (
                line.end,
                line["assurance"],
                line.kinds,
                line.seen,
                [(o.kind, o.to, o.content["text"]) for o in line.outbox],
            )
            for line in lines
        ]

    from django.db import transaction

    raws = story()
    with transaction.atomic():
        single = told([office.send(raw, to) for raw, to in raws])
        transaction.set_rollback(True)
    batch = told(office.batch(raws))

    import re

    def plain(entries):
        return re.sub(
            r"20\d\d-\d\d-\d\dT[\d:]+Z|20\d\d-\d\d-\d\d \d\d:\d\d|(?:delivery |messages/)\d+|[0-9a-f-]{36}|\([0-9a-f]{8}\)",
            "…",
            repr(entries),
        )

    assert plain(batch) == plain(single)
    assert OutboxItem.objects.count() > 5
