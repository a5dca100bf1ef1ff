"""A batch of n gives the same rows as n batches of one, but for random ids, keys and times (DESIGN section 1)."""

from __future__ import annotations

import re
from hashlib import sha256

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from addressee.core.message import Envelope
from addressee.mail import models as mail
from addressee.mail import spool
from addressee.pipeline import outcome
from addressee.pipeline.worker import Worker
from addressee.records import models as records

BEN, ADA, CLEO, HAL = (f"{name}@example.test" for name in ("ben", "ada", "cleo", "hal"))
CARLA, GUS, TIM = (f"{name}@cust.example" for name in ("carla", "gus", "tim"))
PEOPLE = [BEN, ADA, CLEO, HAL, CARLA, GUS, TIM]
TO = [
    "support@example.test", "sales@example.test", "show@example.test", "open@example.test", "members@example.test",
    "record@example.test", "least@example.test", "customer@desk.example.test", "firm@desk.example.test",
]  # fmt: skip
SUBJECTS = [
    "Pump", "create", "update T-1", "update T-2", "update T-3", "T-1", "T-2", "T-3 and T-1", "read T-1", "why T-1",
    "why T-2", "delete T-2", "help", "T-9", "Re: T-2",
]  # fmt: skip
BODIES = [
    "words", "Cranes Ltd", "cranes ltd\n\nmore", "priority: 5", "status: Done", "status: Open\nowner: cleo\nhello",
    "serial: S-1", "Second\nserial: S-1", "priority: 9", "customer: Carla", "firm: Cranes Ltd\nx", "name: Carla\nemail: carla@cust.example",
    "owner: Hal Helper", "note\nbetween us", "log: by line\nand more", "name: Other",
]  # fmt: skip

LOGO, OTHER = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes([0, 0, size, 0, 0, 0, size, 0]) for size in (2, 3))

mails = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.sampled_from(TO),
        st.sampled_from(SUBJECTS),
        st.sampled_from(BODIES),
        st.sampled_from(["dmarc", "dmarc", "dmarc", None, "login"]),
        st.one_of(st.none(), st.integers(0, 8)),  # the message it answers
        st.sampled_from(["", CARLA, GUS, BEN]),  # Cc
        st.integers(0, 9),  # 0: the message before comes again
        st.sampled_from([None, None, None, LOGO, LOGO, OTHER]),  # a picture below the text
    ),
    min_size=2,
    max_size=9,
)


def incoming(office, story):
    out = []
    for place, (author, to, subject, body, proof, answers, cc, again, picture) in enumerate(story):
        if again == 0 and out:
            out.append(out[-1])
            continue
        login = author.partition("@")[0] if proof == "login" and author.endswith("@example.test") else None
        raw = office.bytes_of(
            author, to, subject, body, proof=None if login else "dmarc" if proof == "login" else proof, login=login, cc=cc,
            html=f"<p>{body}</p><p><img src='cid:logo'></p>" if picture else None,
            pictures=[("logo", "image/png", picture)] if picture else [],
            message_id=f"<m{place}@{author.partition('@')[2]}>",
            headers=[f"In-Reply-To: <m{answers}@{story[answers % len(story)][0].partition('@')[2]}>"] if answers is not None else [],
        )  # fmt: skip
        envelope = (
            Envelope("smtp", sender=author, login=login, tls=True)
            if login
            else Envelope("lmtp", sender=author, trusted=True)
        )
        out.append(spool.Incoming(envelope, (to,), raw))
    return out


def rows(ids):
    """Everything that stands afterwards; ids of rows are counted from the first delivery's."""
    lines = [outcome.line(mail.Delivery.objects.get(pk=each)) for each in ids]
    for place, line in enumerate(lines):
        line["spool_id"] = place
        line["duplicate_of"] = line["duplicate_of"] and line["duplicate_of"] - ids[0]
    tables = {
        records.Record: (), records.Revision: (), records.Correspondent: (), records.Turn: (), records.Counter: (),
        records.IndexRow: (), mail.Communication: (), mail.OutboxItem: ("delivery_id",), mail.Token: (),
        mail.LimitMark: (), mail.GatheredNotice: (), mail.Message: ("raw_id",), mail.File: (),
    }  # fmt: skip
    for model, left_out in tables.items():
        keys = ("id", *left_out)
        found = [{k: v for k, v in row.items() if k not in keys} for row in model.objects.order_by("pk").values()]
        lines += sorted(found, key=repr)
    # a receipt links to the page of its message, by the delivery
    page = re.compile(r"(?<=/messages/)[0-9]+(?=/)")
    return [f"{place} {page.sub(lambda n: str(int(n[0]) - ids[0]), str(line))}" for place, line in enumerate(lines)]


def run(office, many, one_by_one):
    with transaction.atomic():
        ids = [each for group in spool.accept_many(many, office.now) for each in group]
        for place, each in enumerate(ids):  # all random ids and keys are made of these
            mail.Delivery.objects.filter(pk=each).update(seed=sha256(b"%d" % place).digest()[:16])
        if one_by_one:
            for each in ids:
                assert Worker().step(only=[each]) == [each]
        else:
            assert Worker().step() == ids
        found = rows(ids)
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize(
    "limits", [{}, {"automatic_per_hour": 2, "notices_per_hour": 2, "creates_per_hour": 2, "answers_per_hour": 2}]
)
def test_given_any_story_when_told_in_one_batch_then_the_rows_are_those_of_mail_by_mail(office, limits):
    office.change(
        {
            "site.limits": limits,
            "accounts.least": {
                "address": "least@example.test", "table": "ticket", "guest": "friend", "team": "desk", "contact": "find_or_create",
                "distribution": {"how": "least_busy", "team": "desk"},
            },
        }
    )  # fmt: skip
    office.later("1s")

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(mails)
    def same(story):
        many = incoming(office, story)
        single, batch = run(office, many, True), run(office, many, False)
        for mine, other in zip(batch, single, strict=True):
            assert mine == other
        office.later("1s")

    same()
