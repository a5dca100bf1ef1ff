"""What was not done is told, whatever kind of answer the author gets (DESIGN section 6; law 10: he gets one only)."""

from __future__ import annotations

PAPERS = [(f"paper-{number}.txt", "text/plain", b"x") for number in range(1, 7)]


def test_given_an_account_with_an_auto_reply_when_a_file_is_left_out_then_the_auto_reply_names_it(office):
    line = office.mail("carla@cust.example", "sales@example.test", "Six papers", "Here.", files=PAPERS)

    assert [item.kind for item in line.to("carla@cust.example")] == ["auto_reply"]
    text = line.answer("carla@cust.example")
    assert "thank you for writing about Six papers" in text
    assert "Files left out:" in text
    assert "paper-6.txt" in text
    assert "paper-5.txt" not in text


def test_given_an_account_with_an_auto_reply_when_the_order_is_not_permitted_then_the_auto_reply_says_so(office):
    made = office.mail("carla@cust.example", "sales@example.test", "Pump leaks", "It drips.")
    line = office.answer(made.to("carla@cust.example")[0], "carla@cust.example", "priority: 5", subject="update")

    assert line.end == ("accept", "not-permitted")
    assert "You do not have the right that this needs." in line.answer("carla@cust.example")


def test_given_all_was_done_when_the_auto_reply_is_written_then_it_is_the_template_alone(office):
    line = office.mail("carla@cust.example", "sales@example.test", "Pump leaks", "It drips.")

    assert line.answer("carla@cust.example").rstrip().endswith(", secret .")


def test_given_two_authors_when_they_write_to_a_record_then_the_reason_names_the_doubt(office):
    made = office.customer_ticket()
    line = office.mail(
        "ben@example.test", "help-desk@desk.example.test", f"update T-{made.number}", "priority: 5",
        from_field="From: ben@example.test, mal@evil.example",
    )  # fmt: skip

    assert line.end == ("hold", "ambiguous-author")
    assert line.outbox == []


def test_given_a_spam_mark_when_nobody_is_told_then_the_trace_says_that_and_not_that_there_was_no_author(office):
    line = office.mail("carla@cust.example", "support@example.test", "Win", "Now.", headers=["X-Spam-Flag: YES"])

    assert line.end == ("hold", "spam")
    assert line.why("answer") == ["none: nobody is told"]
