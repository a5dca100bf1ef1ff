"""Law 12 and law 16 over generated conversations: two strangers under one guest, staff in between."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flow.laws.office import Office

GUS, HANNA, BEN = "gus@one.example", "hanna@one.example", "ben@example.test"
SECRETS = {GUS: "gusgusgus", HANNA: "hannahanna", BEN: "internalword"}


@dataclass(frozen=True)
class Move:
    """One mail: who writes what kind of mail, about whose ticket, by which way to it."""

    who: str
    kind: str
    whose: str
    way: str


MOVES = st.builds(
    Move,
    who=st.sampled_from([GUS, HANNA, BEN]),
    kind=st.sampled_from(["comment", "read", "why", "help", "update", "delete", "answer", "note"]),
    whose=st.sampled_from([GUS, HANNA]),
    way=st.sampled_from(["number", "address", "uuid", "token of mine", "token of another", "reference"]),
)


@given(moves=st.lists(MOVES, min_size=1, max_size=6), proven=st.booleans())
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_given_any_conversation_when_it_is_over_then_no_stranger_saw_the_other_or_staff_among_themselves(
    office: Office, moves: list[Move], proven: bool
) -> None:
    with transaction.atomic():
        made = {who: office.customer_ticket(who, subject=SECRETS[who], body=SECRETS[who]) for who in (GUS, HANNA)}
        for move in moves:
            office.later("30m")  # limits of an hour are not what is tried here
            _make(office, move, made, proven)
        for reader, other in ((GUS, HANNA), (HANNA, GUS)):
            for item in office.all_mail(reader):
                seen = office.as_sent(item).decode("utf-8", "replace") + item.subject + item.content["text"]
                assert SECRETS[other] not in seen, (reader, item.kind, item.subject)
                assert SECRETS[BEN] not in seen, (reader, item.kind, item.subject)
        for who in (GUS, HANNA):
            wrote = {post.author for post in office.stream(made[who].number)}
            assert wrote <= {who, BEN}, "a stranger's post stands on the other's ticket"
        transaction.set_rollback(True)


def _make(office: Office, move: Move, made: dict, proven: bool) -> None:
    """Send the mail of a move. What staff keep among themselves holds a word that no stranger may see."""
    number = made[move.whose].number
    text = SECRETS[move.who] if move.who != BEN or move.kind == "note" else "We look into it."
    body = {"note": f"note\n{text}", "update": f"priority: 5\n{text}"}.get(move.kind, text)
    if move.who == BEN and move.kind in ("comment", "update"):
        body = SECRETS[BEN]  # internal: no correspondent is addressed, no notice is answered
    subject = move.kind if move.kind in ("read", "why", "help", "update", "delete") else "Hello"
    sent = office.all_mail(move.who if move.way != "token of another" else move.whose)
    about = [item for item in sent if item.record_id and item.record.number == number]
    proof = "dmarc" if proven or move.who == BEN else None
    if move.kind in ("answer", "note") and about:
        item = about[-1]
        if move.who == BEN and item.kind != "notification":
            return
        office.answer(item, move.who, body, proof=proof)
        return
    if move.kind in ("answer", "note"):
        return
    to, headers = "support@example.test", []
    if move.way == "number":
        subject = f"{subject} T-{number}"
    elif move.way == "address":
        to = office.address(number)
    elif move.way == "uuid":
        to = f"{office.ticket(number).uuid}@desk.example.test"
    elif about and move.way.startswith("token"):
        to = about[-1].content["reply_to"] or to
    elif about:
        headers = [f"In-Reply-To: <{about[-1].message_id}>"]
    if move.who == BEN and move.way.startswith("token"):
        return  # an answer to a notice is public; that is what `answer` tries
    office.mail(move.who, to, subject, body, proof=proof, headers=headers)
