"""Confirmation (DESIGN section 4, E5): what is asked, by whom it may be given, and that it counts once."""

from __future__ import annotations

import pytest

from addressee.audit.models import Entry
from addressee.mail.models import Code, Delivery
from addressee.pipeline import request
from addressee.pipeline.worker import Worker

ADA, BEN, CARLA = "ada@example.test", "ben@example.test", "carla@cust.example"


def asked_to_delete(office, author=ADA, **more):
    """A ticket, and the held mail of a person who asks to delete it at E3; with the mail that asks him back."""
    number = office.customer_ticket().number
    line = office.mail(author, "support@example.test", f"delete T-{number}", "Done with it.", **more)
    assert line.end == ("hold", "confirm"), line["trace"]
    (asked,) = line.to(author, "confirmation")
    return number, line, asked


def test_given_a_delete_below_e6_when_mailed_then_it_is_shown_and_asked_and_nothing_changes(office):
    number, line, asked = asked_to_delete(office)
    text = asked.content["text"]

    assert office.ticket(number).deleted_at is None
    assert [o.kind for o in line.outbox] == ["confirmation"]
    assert 'delete T-1 "Pump leaks"' in text
    assert f"https://desk.example.test/confirm/{line.id}/" in text
    assert Code.objects.get().hash not in text
    code = next(each.strip() for each in text.splitlines() if len(each.strip()) == 21)
    assert asked.content["reply_to"].startswith(code)
    assert Delivery.objects.get(pk=line.id).result["trace"][-2]["result"] == "hold: confirm"


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("gmail", ""),
        ("outlook", "Ja, bitte"),
        ("apple", "yes"),
        ("bare subject", "I confirm"),
        ("no references", "OK, go ahead."),
        ("subject only", "Yes please"),
    ],
)
@pytest.mark.parametrize("proof", ["dmarc", None])
def test_given_the_question_when_answered_with_yes_by_any_client_then_it_is_done_by_e5(office, style, text, proof):
    number, line, asked = asked_to_delete(office)
    answer = office.answer(asked, ADA, text, style, proof=proof)
    done = office.line(line.id)

    assert answer.end == ("accept", "confirmed"), answer["trace"]
    assert answer.outbox == []
    assert done.end == ("accept", "done"), done["trace"]
    assert (done["assurance"], done.kinds) == ("E5", ["delete"])
    assert any("the code sent to ada@example.test" in why for why in done.why("identify"))
    assert office.ticket(number).deleted_at is not None
    assert "was deleted" in done.to(ADA, "receipt")[0].content["text"]
    assert Entry.objects.filter(what="confirm", delivery=line.id, actor="ada").count() == 1


def test_given_the_code_when_it_stands_in_the_text_of_a_new_mail_then_it_confirms(office):
    number, line, asked = asked_to_delete(office)
    code = asked.content["reply_to"].partition("@")[0].upper()
    fresh = office.mail(ADA, "support@example.test", "About that", f"Here it is: {code}.\nThanks")

    assert fresh.end == ("accept", "confirmed")
    assert office.ticket(number).deleted_at is not None
    assert office.line(line.id).end == ("accept", "done")


@pytest.mark.parametrize("text", ["No!", "I did not send this.", "Who are you?", "yes? what is it", "Do not do it"])
def test_given_an_answer_that_says_no_or_asks_when_it_comes_then_nothing_changes_and_yes_still_counts(office, text):
    number, line, asked = asked_to_delete(office)
    unsaid = office.answer(asked, ADA, text)

    assert unsaid.end == ("reject", "not-confirmed")
    assert "does not say yes" in unsaid.answer(ADA)
    assert office.ticket(number).deleted_at is None
    assert office.line(line.id).end == ("hold", "confirm")
    assert office.answer(asked, ADA, "yes").end == ("accept", "confirmed")
    assert office.ticket(number).deleted_at is not None


def test_given_a_code_when_another_address_answers_then_it_does_not_count_and_is_counted(office):
    number, line, asked = asked_to_delete(office)
    stolen = office.answer(asked, BEN, "yes")
    forged = office.answer(asked, "mallory@evil.example", "yes", proof=None)

    assert stolen["reason"] == forged["reason"] == "wrong-code"
    assert forged["disposition"] == "hold"
    assert forged.outbox == []
    assert office.ticket(number).deleted_at is None
    assert office.line(line.id).end == ("hold", "confirm")
    for _ in range(10):
        office.answer(asked, BEN, "yes")
    assert office.answer(asked, BEN, "yes")["reason"] == "wrong-code"


def test_given_a_wrong_code_in_the_text_when_the_rest_is_right_then_it_does_not_count(office):
    number, _, asked = asked_to_delete(office)
    wrong = office.answer(asked, ADA, "yes, the code is aaaabbbbccccddddeeee2")

    assert wrong.end == ("reject", "wrong-code")
    assert office.ticket(number).deleted_at is None


def test_given_24_hours_when_they_are_over_then_the_code_is_too(office):
    number, line, asked = asked_to_delete(office)
    office.later("25h")
    late = office.answer(asked, ADA, "yes")

    assert late.end == ("reject", "code-expired")
    assert "Send the first message again" in late.answer(ADA)
    assert office.ticket(number).deleted_at is None
    assert office.line(line.id).end == ("hold", "confirm")


def test_given_a_confirmation_when_it_comes_thrice_and_again_as_another_mail_then_it_counts_once(office):
    number, line, asked = asked_to_delete(office)
    to = asked.content["reply_to"]
    raw = office.bytes_of(ADA, to, f"Re: {asked.subject}", "yes")
    first, second, third = (office.send(raw, to, author=ADA) for _ in range(3))
    other = office.answer(asked, ADA, "yes")

    assert first.end == ("accept", "confirmed")
    assert second.end == third.end == ("discard", "duplicate")
    assert other.end == ("reject", "code-used")
    assert office.ticket(number).version == 2
    assert len(office.line(line.id).to(ADA, "receipt")) == 1


def test_given_two_answers_in_one_batch_when_worked_then_as_one_by_one(office):
    number, _, asked = asked_to_delete(office)
    to = asked.content["reply_to"]
    mails = [(office.bytes_of(ADA, to, f"Re: {asked.subject}", "yes"), to) for _ in range(2)]
    lines = office.batch(mails)

    assert [line.end for line in lines] == [("accept", "confirmed"), ("reject", "code-used")]
    assert office.ticket(number).deleted_at is not None


def test_given_a_vacation_note_when_it_answers_the_question_then_it_confirms_nothing(office):
    number, line, asked = asked_to_delete(office)
    away = office.answer(asked, ADA, "yes", headers=["Auto-Submitted: auto-replied"])

    assert away["reason"] == "auto-reply"
    assert office.ticket(number).deleted_at is None
    assert office.line(line.id).end == ("hold", "confirm")


def test_given_an_unproven_author_on_file_when_he_commands_then_he_is_asked_without_his_own_words(office):
    number = office.customer_ticket().number
    line = office.mail(
        BEN, "support@example.test", f"update T-{number}",
        "name: Click http://evil.example now\npriority: 4\nHello", proof=None,
    )  # fmt: skip
    (asked,) = line.to(BEN, "confirmation")

    assert line.end == ("hold", "confirm")
    assert "evil" not in asked.content["text"] + asked.subject
    assert "Urgency level: 2 → 4" in asked.content["text"]
    assert office.answer(asked, BEN, "yes", proof=None).end == ("accept", "confirmed")
    assert office.values(number)["priority"] == 4
    assert office.line(line.id)["assurance"] == "E5"


def test_given_an_unknown_author_when_he_asks_for_what_needs_confirmation_then_nobody_is_written_to(office):
    number = office.customer_ticket().number
    line = office.mail("new@other.example", "generous@example.test", f"delete T-{number}", "", proof=None)

    assert line.end == ("hold", "confirm")
    assert line.outbox == []


def test_given_a_sensitive_field_when_confirmed_then_only_with_proof_of_the_author_too(office):
    number = office.customer_ticket().number
    proven = office.mail(ADA, "support@example.test", f"update T-{number}", "refund: 7.00")
    office.answer(proven.to(ADA)[0], ADA, "yes", proof=None)
    bare = office.mail(BEN, "support@example.test", f"update T-{number}", "refund: 8.00", proof=None)
    office.answer(bare.to(BEN)[0], BEN, "yes", proof=None)
    again = office.mail(BEN, "support@example.test", f"update T-{number}", "refund: 9.00", proof=None)

    assert office.line(proven.id).end == ("accept", "done")
    assert office.line(bare.id).end == ("hold", "not-proven")
    assert office.values(number)["refund"] == "7.00"
    office.answer(again.to(BEN)[0], BEN, "yes", proof="dmarc")
    assert office.line(again.id).end == ("accept", "done")
    assert office.values(number)["refund"] == "9.00"


def test_given_a_guests_sensitive_create_when_confirmed_then_the_record_is_made_once(office):
    line = office.mail("carla@cust.example", "generous@example.test", "create", "A pump\nrefund: 3.00")
    (asked,) = line.to(CARLA, "confirmation")

    assert line.end == ("hold", "confirm")
    assert office.count() == 0
    assert office.answer(asked, CARLA, "yes").end == ("accept", "confirmed")
    assert office.line(line.id).end == ("accept", "done")
    assert [t.values["refund"] for t in [office.ticket(1)]] == ["3.00"]


def test_given_a_record_that_changed_since_when_confirmed_then_it_is_asked_anew(office):
    number = office.customer_ticket().number
    line = office.mail(ADA, "support@example.test", f"update T-{number}", "refund: 7.00")
    (asked,) = line.to(ADA)
    office.mail(BEN, "support@example.test", f"update T-{number}", "refund: 5.00", login="ben")
    office.answer(asked, ADA, "yes")
    after = office.line(line.id)

    assert after.end == ("hold", "confirm")
    assert office.values(number)["refund"] == "5.00"
    again = after.to(ADA, "confirmation")[-1]
    assert "5.00 → 7.00" in again.content["text"]
    assert "no longer what was shown" in again.content["text"]
    office.answer(again, ADA, "yes")
    assert office.values(number)["refund"] == "7.00"


def test_given_a_comment_of_others_meanwhile_when_confirmed_then_it_stands_in_nobodys_way(office):
    number, line, asked = asked_to_delete(office)
    office.mail(BEN, "support@example.test", f"T-{number}", "A remark", login="ben")
    office.answer(asked, ADA, "yes")

    assert office.line(line.id).end == ("accept", "done")


def test_given_a_right_that_was_lost_meanwhile_when_confirmed_then_it_is_refused_by_name(office):
    number, line, asked = asked_to_delete(office)
    office.change({"people.ada.roles": ["reader"]})
    office.answer(asked, ADA, "yes")

    assert office.line(line.id)["reason"] == "not-permitted"
    assert office.ticket(number).deleted_at is None


def test_given_strict_when_a_delete_asks_e6_then_a_code_is_not_enough(office):
    number = office.customer_ticket().number
    line = office.mail(ADA, "strict@example.test", f"delete T-{number}", "")
    office.answer(line.to(ADA)[0], ADA, "yes")

    assert office.line(line.id).end == ("hold", "not-proven")
    assert office.ticket(number).deleted_at is None


def test_given_a_held_one_that_was_released_or_refused_when_confirmed_after_then_the_code_is_used_up(office):
    number, line, asked = asked_to_delete(office)
    office.again(line, request.reject(line.id, "ada"))

    assert office.answer(asked, ADA, "yes").end == ("reject", "code-used")
    assert office.ticket(number).deleted_at is None


def test_given_the_limit_of_automatic_mail_when_a_forger_commands_on_then_the_victim_is_not_flooded(office):
    number = office.customer_ticket().number
    for count in range(8):
        office.mail(
            BEN, "support@example.test", f"update T-{number}", f"priority: {count % 5 + 1}\nNo {count}", proof=None
        )

    assert len([o for o in office.all_mail(BEN) if o.kind == "confirmation"]) == 5


def test_given_a_replay_when_it_is_still_to_be_confirmed_then_another_code_is_sent(office):
    number, line, asked = asked_to_delete(office)
    office.later("30h")
    again = office.again(line, request.replay(line.id))
    (anew,) = again.to(ADA, "confirmation")

    assert anew.content["reply_to"] != asked.content["reply_to"]
    assert office.answer(anew, ADA, "yes").end == ("accept", "confirmed")
    assert office.ticket(number).deleted_at is not None
    assert Worker().work_until_idle() == 0
