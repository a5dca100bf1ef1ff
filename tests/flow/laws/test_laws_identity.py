"""Who is speaking, and how sure are we: DESIGN section 4, against an attacker who chooses every byte below our own."""

from __future__ import annotations

from email.utils import format_datetime

import pytest

OURS = "Authentication-Results: mx.example.test; "
PASS_BEN = OURS + "dmarc=pass header.from=example.test"


def stamp(office, by="mx.example.test", source="relay.example"):
    return f"Received: from {source} ([192.0.2.7])\n by {by} with ESMTPS id 1; {format_datetime(office.now)}"


@pytest.mark.parametrize("proof", ["dmarc", "spf", "dkim", "auth"])
def test_given_any_aligned_verdict_of_our_own_server_when_ben_writes_then_he_is_proven(office, proof):
    line = office.mail("ben@example.test", "support@example.test", "Hello", proof=proof)

    assert (line["assurance"], line["actor"], line["verified"]) == ("E3", "ben", True)


# Every place and form in which a sender can put a verdict of his own, and every verdict that proves nothing.
FORGED = {
    "of another server": ["Authentication-Results: mx.evil.example; dmarc=pass header.from=example.test"],
    "of a server whose name ours ends with": [
        "Authentication-Results: example.test; dmarc=pass header.from=example.test"
    ],
    "of a name that only begins like ours": [
        "Authentication-Results: mx.example.test.evil.example; dmarc=pass header.from=example.test"
    ],
    "for another domain": [OURS + "dmarc=pass header.from=evil.example"],
    "for a domain above": [OURS + "dmarc=pass header.from=test"],
    "for a domain below": [OURS + "dmarc=pass header.from=mail.example.test"],
    "spf of another domain": [OURS + "spf=pass smtp.mailfrom=mal@evil.example"],
    "spf with our domain in the local part": [OURS + 'spf=pass smtp.mailfrom="ben@example.test"@evil.example'],
    "spf of the greeting alone": [OURS + "spf=pass smtp.helo=example.test"],
    "dkim of another domain": [OURS + "dkim=pass header.d=evil.example"],
    "dkim of another domain for our address": [OURS + "dkim=pass header.d=evil.example header.i=@example.test"],
    "auth of another person": [OURS + "auth=pass smtp.auth=mal@example.test"],
    "dmarc=fail beside spf=pass": [
        OURS + "dmarc=fail header.from=example.test; spf=pass smtp.mailfrom=ben@example.test"
    ],
    "dkim=fail": [OURS + "dkim=fail header.d=example.test"],
    "spf=softfail": [OURS + "spf=softfail smtp.mailfrom=ben@example.test"],
    "the pass in a comment": [OURS + "dmarc=fail (dmarc=pass header.from=example.test) header.from=example.test"],
    "the pass in a quoted reason": [OURS + 'spf=fail reason="; dmarc=pass header.from=example.test" smtp.mailfrom=x@y'],
    "the pass after a comment that is not closed": [OURS + "spf=fail (; dmarc=pass header.from=example.test"],
    "none": [OURS + "none"],
    "two domains in one verdict": [OURS + "dmarc=pass header.from=evil.example header.from=example.test"],
    "a method we do not know": [OURS + "arc=pass header.from=example.test"],
    "ours, failing, above a forged one": [OURS + "dmarc=fail header.from=example.test", PASS_BEN],
}


@pytest.mark.parametrize("form", FORGED)
def test_given_a_verdict_that_proves_nothing_when_ben_is_claimed_then_it_stays_a_claim(office, form):
    line = office.mail("ben@example.test", "members@example.test", "create", "Break in", proof=None, top=FORGED[form])

    assert (line["assurance"], line["verified"]) == ("E1", False), line.why("identify")
    assert line.end == ("hold", "not-proven")
    assert line.outbox == []


def test_given_a_verdict_below_our_received_when_it_names_our_server_then_it_is_not_believed(office):
    line = office.mail(
        "ben@example.test", "members@example.test", "create", proof=None, received=[stamp(office), PASS_BEN]
    )

    assert line["assurance"] == "E1"


def test_given_no_received_of_ours_when_a_verdict_stands_below_any_received_then_it_is_not_believed(office):
    foreign = stamp(office, by="relay.evil.example")
    line = office.mail("ben@example.test", "members@example.test", "create", proof=None, received=[foreign, PASS_BEN])

    assert line["assurance"] == "E1"


def test_given_no_received_at_all_when_our_verdict_stands_on_top_then_it_is_believed(office):
    line = office.mail("ben@example.test", "support@example.test", "create", "Buy milk", received=[])

    assert line["assurance"] == "E3"


def test_given_two_hops_of_ours_when_the_verdict_stands_above_the_border_then_it_is_believed(office):
    inner = stamp(office, by="mx.example.test", source="mx.example.test")
    line = office.mail(
        "ben@example.test", "support@example.test", "x", proof=None, received=[inner, PASS_BEN, stamp(office)]
    )

    assert line["assurance"] == "E3"


@pytest.mark.parametrize(
    "field",
    [
        "Authentication-Results: mx.example.test 1; dmarc=pass header.from=example.test",
        "Authentication-Results: MX.Example.Test; dmarc=pass header.from=EXAMPLE.TEST",
        "Authentication-Results: backup.example.test;\n dmarc=pass (p=reject dis=none)\n header.from=example.test",
        "Authentication-Results: mx.example.test (our border); (seen) dmarc=pass (ok) header.from=example.test (x)",
        "Authentication-Results: mx.example.test; dmarc/1=pass header.from=example.test",
        "Authentication-Results: mx.example.test; spf=neutral smtp.mailfrom=x@y.example; dkim=pass header.d=example.test",
        "Authentication-Results: mx.example.test; dkim=pass header.i=@example.test",
    ],
)
def test_given_a_verdict_in_any_legal_form_when_ben_writes_then_he_is_proven(office, field):
    line = office.mail("ben@example.test", "support@example.test", "x", proof=None, top=[field])

    assert line["assurance"] == "E3", line.why("identify")


def test_given_a_direct_smtp_peer_when_it_brings_a_verdict_then_it_is_ignored(office):
    line = office.mail("ben@example.test", "members@example.test", "create", proof="direct")

    assert (line["assurance"], line["verified"]) == ("E1", False)


def test_given_smtp_auth_when_the_author_is_the_person_then_e6_and_else_a_claim(office):
    own = office.mail("ben.agent@phone.example", "support@example.test", "x", login="ben")
    other = office.mail("ada@example.test", "members@example.test", "create", "x", login="ben")

    assert (own["assurance"], own["actor"]) == ("E6", "ben")
    assert (other["assurance"], other.end) == ("E1", ("hold", "not-proven"))


NO_AUTHOR = {
    "none": "",
    "two fields": "From: ben@example.test\nFrom: mal@evil.example",
    "two mailboxes": "From: ben@example.test, mal@evil.example",
    "a group": "From: staff: ben@example.test;",
    "an unquoted address before another": "From: ben@example.test <mal@evil.example>",
    "an address in a comment after": "From: ben@example.test (x) <mal@evil.example>",
    "a closing bracket": "From: ben@example.test]<mal@evil.example>",
    "a closing parenthesis": "From: ben@example.test)mal@evil.example",
    "a colon": "From: ben@example.test:<mal@evil.example>;",
    "a route": "From: <@evil.example:ben@example.test>",
    "a Kelvin sign": "From: \u212aen@example.test",
    "an encoded address": "From: =?utf-8?q?ben=40example=2Etest?=",
    "a NUL": "From: ben\0@example.test",
    "empty": "From:",
}


@pytest.mark.parametrize("form", NO_AUTHOR)
def test_given_a_from_that_two_readers_read_differently_when_it_commands_then_nobody_is_identified(office, form):
    made = office.customer_ticket()
    line = office.mail(
        "ben@example.test", "help-desk@desk.example.test", f"update T-{made.number}", "priority: 5",
        from_field=NO_AUTHOR[form] or "X-None: 1",
    )  # fmt: skip

    assert (line["author"], line["assurance"], line["verified"]) == (None, "E0", False)
    assert line["disposition"] == "hold"
    assert office.values(made.number)["priority"] == 2
    assert line.outbox == []


@pytest.mark.parametrize(
    "written",
    ["Ben@Example.TEST", '"Agent, Ben" <ben@example.test>', "=?utf-8?q?ada=40example=2Etest?= <ben@example.test>"],
)
def test_given_a_clear_from_in_any_dress_when_read_then_it_is_ben(office, written):
    line = office.mail("ben@example.test", "support@example.test", "x", from_field=f"From: {written}")

    assert (line["author"], line["actor"]) == ("ben@example.test", "ben")


@pytest.mark.parametrize(
    "other",
    [
        "ben+x@example.test",
        "b.en@example.test",
        "bèn@example.test",
        "ｂen@example.test",
        "ben@example.test.evil.example",
    ],
)
def test_given_an_address_that_only_looks_like_bens_when_proven_then_it_is_a_stranger(office, other):
    line = office.mail(other, "support@example.test", "x")

    assert line["actor"] == "visitor"


def test_given_an_international_domain_when_the_verdict_names_either_form_then_it_is_one_domain(office):
    as_letters = office.mail("eva@bücher.example", "support@example.test", "x", proof="dmarc")
    as_label = office.mail(
        "eva@bücher.example", "support@example.test", "y", proof=None,
        top=[OURS + "dmarc=pass header.from=xn--bcher-kva.example"],
    )  # fmt: skip

    assert as_letters["author"] == as_label["author"] == "eva@xn--bcher-kva.example"
    assert (as_letters["assurance"], as_label["assurance"]) == ("E3", "E3")


def test_given_an_inactive_person_when_he_writes_proven_then_he_is_nobody_of_the_firm(office):
    line = office.mail("lost@example.test", "support@example.test", "create", "x")

    assert line["actor"] == "visitor"


def test_given_an_address_we_wrote_to_when_it_writes_unproven_then_it_is_known_whatever_else_is_in_the_batch(office):
    office.customer_ticket()
    raw = office.bytes_of("carla@cust.example", "members@example.test", "Again", proof=None)
    alone = office.send(raw, "members@example.test")
    unknown = office.mail("new@other.example", "members@example.test", "Again", proof=None)

    assert alone["assurance"] == "E1"
    assert unknown["assurance"] == "E0"


def test_given_a_correspondent_without_contact_when_he_writes_unproven_then_e1_alone_and_in_company(office):
    """What is known of an author must not depend on which records the rest of the batch brings along."""
    office.change({"accounts.support.contact": "find"})
    made = office.customer_ticket("tim@other.example")
    raws = [
        (office.bytes_of("tim@other.example", "members@example.test", "a", proof=None), "members@example.test"),
        (office.bytes_of("ben@example.test", "support@example.test", f"T-{made.number}"), "support@example.test"),
        (office.bytes_of("tim@other.example", "members@example.test", "b", proof=None), "members@example.test"),
    ]
    alone = office.send(
        office.bytes_of("tim@other.example", "members@example.test", "c", proof=None), "members@example.test"
    )
    lines = office.batch(raws)

    assert {alone["assurance"], lines[0]["assurance"], lines[2]["assurance"]} == {"E1"}


# ---------------------------------------------------------------- tokens


def receipt_of(office, author="carla@cust.example", **more):
    made = office.customer_ticket(author, **more)
    return made, made.to(author)[0]


def flipped(token):
    return ("a" if token[0] != "a" else "b") + token[1:]


def test_given_a_token_used_by_its_own_address_when_proven_then_e4_and_unproven_e2_that_may_comment(office):
    made, item = receipt_of(office)
    proven = office.answer(item, "carla@cust.example", "First")
    bare = office.answer(item, "carla@cust.example", "Second", proof=None)

    assert (proven["assurance"], proven.end) == ("E4", ("accept", "done"))
    assert (bare["assurance"], bare.end, bare["verified"]) == ("E2", ("accept", "done"), False)
    assert [entry["text"] for entry in office.values(made.number)["log"]][1:] == ["First", "Second"]
    assert len(bare.to("carla@cust.example")) == 1, "E2 by its own addressee is answered (law 11)"


@pytest.mark.parametrize("style", ["gmail", "outlook", "apple", "bare subject", "no references", "subject only"])
def test_given_an_answer_in_each_clients_style_when_something_is_stripped_then_the_record_is_found(office, style):
    made, item = receipt_of(office)
    line = office.answer(item, "carla@cust.example", "Thank you.", style)

    assert (line.record, line.end) == (f"T-{made.number}", ("accept", "done"))
    assert office.stream(made.number)[-1].text == "Thank you."
    assert line["assurance"] == "E4"


def test_given_a_token_in_our_own_header_alone_when_it_comes_back_then_it_is_found(office):
    made, item = receipt_of(office)
    line = office.mail(
        "carla@cust.example",
        "support@example.test",
        "other",
        "Hi",
        headers=[f"X-Addressee-Token: {office.token(item).upper()}"],
    )

    assert (line.record, line["assurance"]) == (f"T-{made.number}", "E4")


def test_given_a_token_in_upper_case_and_folded_when_it_comes_back_then_it_is_the_same(office):
    made, item = receipt_of(office)
    token = office.token(item)
    upper = office.mail("carla@cust.example", f"{token.upper()}@DESK.example.test", "x", "Hi")
    folded = office.mail(
        "carla@cust.example", "support@example.test", f"Re: something [#{token[:9]}\n {token[9:]}]", "Hi again"
    )

    assert upper.record == folded.record == f"T-{made.number}"
    assert upper["assurance"] == folded["assurance"] == "E4"


def test_given_one_flipped_bit_in_the_reply_address_when_sent_then_held_logged_and_nothing_changed(office):
    made, item = receipt_of(office)
    line = office.mail("carla@cust.example", f"{flipped(office.token(item))}@desk.example.test", "x", "Hi")

    assert line.end == ("hold", "token-unknown")
    assert any("never issued" in why for why in line.why("identify record"))
    assert len(office.stream(made.number)) == 1


def test_given_one_flipped_bit_in_the_subject_when_it_commands_beside_a_good_address_then_no_command(office):
    made, item = receipt_of(office, "ben@example.test", subject="create", body="Mine")
    line = office.mail(
        "ben@example.test",
        f"{office.token(item)}@desk.example.test",
        f"update [#{flipped(office.token(item))}]",
        "priority: 5",
    )

    assert line.end == ("accept", "text-only")
    assert office.values(made.number)["priority"] == 2


def test_given_two_different_good_tokens_when_it_commands_then_no_command_and_the_conflict_is_told(office):
    first, item = receipt_of(office, "ben@example.test", subject="create", body="One")
    second, other = receipt_of(office, "ben@example.test", subject="create", body="Two")
    line = office.mail(
        "ben@example.test", f"{office.token(item)}@desk.example.test", f"update [#{office.token(other)}]", "priority: 5"
    )

    assert line.end == ("accept", "text-only")
    assert line.record == f"T-{first.number}", "the reply address comes first"
    assert any("another record" in why for why in line.why("identify record"))
    assert {office.values(made.number)["priority"] for made in (first, second)} == {2}
    assert "different records" in line.answer()


def test_given_a_token_of_another_when_a_stranger_uses_it_then_it_is_redirected_whole(office):
    made, item = receipt_of(office)
    line = office.answer(item, "mal@evil.example", "Let me in")

    assert line.end == ("redirect", "not-a-recipient")
    assert [o.to for o in line.outbox] == ["office@example.test"]
    assert len(office.stream(made.number)) == 1
    sent = office.as_sent(line.outbox[0]).decode()
    assert f"T-{made.number}" in sent
    assert "Let me in" in sent
    assert "message/rfc822" in sent


def test_given_a_token_of_another_and_no_catch_all_when_a_stranger_uses_it_then_it_is_held(office):
    office.change({"site.catch_all": ""})
    made, item = receipt_of(office)
    line = office.answer(item, "mal@evil.example", "Let me in")

    assert line.end == ("hold", "not-a-recipient")
    assert len(office.stream(made.number)) == 1


@pytest.mark.parametrize("dead", ["revoked", "expired"])
def test_given_a_dead_token_when_its_own_address_uses_it_then_a_polite_answer_and_no_change(office, dead):
    made, item = receipt_of(office)
    if dead == "revoked":
        row = office.token_row(item)
        row.revoked_at = office.now
        row.save()
    else:
        office.later("800d")
    proven = office.answer(item, "carla@cust.example", "Hello?")
    bare = office.answer(item, "carla@cust.example", "Hello??", proof=None)

    assert proven.end == ("reject", f"token-{dead}")
    assert "no longer honoured" in proven.answer()
    assert bare.end == ("hold", f"token-{dead}")
    assert bare.outbox == []
    assert len(office.stream(made.number)) == 1


def test_given_bad_tokens_over_the_limit_when_another_comes_then_the_author_waits(office):
    lines = [
        office.mail("mal@evil.example", "support@example.test", f"Guess [#{'a' * 20}{c}]", "x") for c in "abcdefghijkl"
    ]

    assert [line["reason"] for line in lines[10:]] == ["bad-tokens", "bad-tokens"]
    assert lines[-1].outbox == []


def test_given_a_person_with_a_role_when_he_uses_his_token_then_his_role_decides(office):
    """Law 12: a token raises no one above his role. Rita was told of a ticket, and may read but not comment."""
    made = office.mail("rita@example.test", "support@example.test", "create", "x")
    assert made.end == ("hold", "not-permitted")
    first = office.customer_ticket()
    office.change({"roles.reader.grants": {"ticket": {"read": "all", "comment": "all"}}})
    item = office.mail("rita@example.test", "support@example.test", f"T-{first.number}", "hi").to("rita@example.test")[
        0
    ]
    office.change({"roles.reader.grants": {"ticket": {"read": "all"}}})
    line = office.answer(item, "rita@example.test", "Once more")

    assert line["assurance"] == "E4"
    assert line.end == ("hold", "not-permitted")


def test_given_a_stranger_who_names_a_foreign_ticket_when_he_is_told_no_then_the_answer_opens_no_door(office):
    """A receipt about a refusal must not hand out a token of the record: it would be a right to comment."""
    made = office.customer_ticket()
    refused = office.mail("mal@evil.example", "support@example.test", f"T-{made.number} mine?", "Tell me")
    assert refused["disposition"] == "hold"
    item = refused.to("mal@evil.example")[0]
    again = office.answer(item, "mal@evil.example", "Let me in")

    assert item.token_hash == ""
    assert again["disposition"] == "hold"
    assert len(office.stream(made.number)) == 1


def test_given_a_policy_of_the_tokens_account_when_another_account_is_addressed_then_the_addressed_one_decides(office):
    made = office.customer_ticket("carla@cust.example", "open@example.test")
    item = made.to("carla@cust.example")[0]
    line = office.mail(
        "ben@example.test", "support@example.test", f"update [#{office.token(item)}]", "priority: 5", proof=None
    )

    assert line["account"] == "support"
    assert line["disposition"] == "hold"
