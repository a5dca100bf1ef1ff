"""The public mail, read whole: no exception, no slow message, and at least 97 % of what its sources state.

Run as `python -m pytest tests/corpus -s`; ADDRESSEE_CORPUS is where the mail lies. Fails where it is absent.
The comparison is by case and field; a list (attachments, addresses) agrees as a whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from addressee.core import mime
from addressee.core.charsets import decode
from addressee.core.message import Message
from addressee.core.parse import Parsed, parse
from addressee.ops.parse_command import read_one

HERE = Path(__file__).resolve()
CORPUS = Path(os.environ.get("ADDRESSEE_CORPUS", HERE.parents[2] / ".." / "shared" / "corpus")).resolve()
LEAST = 0.97
MOST_SECONDS = 2.0
GATED = (
    "subject", "subject_base", "from", "to", "cc", "to_contains", "text_contains", "text_contains_ignore_ws",
    "text_exact_ignore_ws", "text_exact_stripped", "html_contains", "html_exact_ignore_ws", "attachments",
    "attachment_count", "attachment_names", "named_parts", "decoded_parts",
)  # fmt: skip


# What the trimmer reaches: a floor, so that no change loses a case. Of 87 plain texts, 4 pages, 27 contains and absent.
TRIMMED = {"reply_text": 83, "reply_text of HTML": 4, "reply_contains": 22, "reply_absent": 5}

# Where we mean to read otherwise than a source states, or two sources contradict each other. Printed with the miss.
WHY = {
    "mime_emails_raw_email11": "text/enriched is kept as a file; another source states that it is one",
    "plain_emails_raw_email_with_at_display_name": "the source keeps one From mailbox, and takes an unquoted name with @ for one",
    "rfc2822_example10": "the source puts the comments inside an address into the name",
    "2765-korean": "the encoded word is the name, the rest the address; the source keeps both as the address",
    "attachment_7bit": "the source shows the text of an attached message; here it is a file, and no text (law 14)",
    "error_emails_content_transfer_encoding_7-bit": "iso-8859-1 is read as windows-1252, as browsers do",
    "multipart_report_emails_multipart_report_multiple_status": "the source counts the parts of the attached message too",
    "thirdparty_015": "all three attached messages are listed; the source states one",
    "missing-inner-boundary": "a multipart without its boundary is shown as text; the source states an empty part",
    "mbox_jwz_144": "of a name with a path only the last part is kept (no path of a stranger's reaches a disk)",
    "mbox_jwz_36": "of a name with a path only the last part is kept",
    "rfc_001": "of a name with a path only the last part is kept",
    "embedded_email_7": "answers between quotes are kept, and the quotes folded; the source keeps the quotes in the reply",
    "email_nl_1_2": "the rule above the fields of the quoted mail goes with it; the source keeps it as reply",
    "std_sparrow": "the dash block is a signature; this one case of its source keeps it, against its policy",
    "sig_johndoeexamplecom": "each line of the signature begins with a mark of the source's own training data",
    "malformed_": "broken nesting: the text is shown as text; the source lists it as a file",
}


@dataclass
class Case:
    id: str
    raw: bytes
    input: str
    expect: dict[str, Any]


@dataclass
class Score:
    agreed: int = 0
    stated: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, agrees: bool, miss: str) -> None:
        self.stated += 1
        self.agreed += agrees
        if not agrees:
            self.misses.append(miss)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    if not (CORPUS / "README.md").exists():
        pytest.fail(f"No mail at {CORPUS}. Set ADDRESSEE_CORPUS to the folder that holds it.", pytrace=False)
    found = []
    for index in sorted(CORPUS.glob("*/expected.json")):
        for case in json.loads(index.read_text())["cases"]:
            raw = (index.parent / case["file"]).read_bytes()
            found.append(Case(case["id"], raw, case["input"], case["expect"]))
    return found


def say(line: str) -> None:
    """Shown with `pytest -s`: the score is the point of the run."""
    sys.stdout.write(line + "\n")


def collapsed(text: str) -> str:
    return " ".join(text.split())


def bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def without_tags(markup: str) -> str:
    return bare(
        unescape(re.sub(r"<[^<>]*>", "", re.sub(r"(?is)<(style|title|script)\b.*?</\1>|<!--.*?-->", "", markup)))
    )


def test_every_message_is_read_without_an_exception_and_in_time(cases: list[Case]) -> None:
    slow = []
    for case in cases:
        started = time.process_time()
        read_one(case.raw, case.id, text=case.input == "body-text", markup=case.input == "body-html")
        spent = time.process_time() - started
        if spent > MOST_SECONDS:
            slow.append(f"{case.id}: {spent:.1f} s")
    assert sum(case.input == "message" for case in cases) == 786
    assert not slow, "\n".join(slow)


def test_what_the_sources_state_agrees(cases: list[Case]) -> None:
    scores: dict[str, Score] = defaultdict(Score)
    for case in cases:
        if case.input != "message":
            continue
        parsed = parse(case.raw)
        for name in GATED:
            if name in case.expect:
                stated = case.expect[name]
                agrees, found = compare(name, stated, parsed, case.raw)
                scores[name].add(agrees, f"{case.id}: {name}: stated {short(stated)}, read {short(found)}")
    agreed = sum(score.agreed for score in scores.values())
    stated_fields = sum(score.stated for score in scores.values())
    say(f"\nfields that agree: {agreed} of {stated_fields} ({agreed / stated_fields:.1%})")
    for name, score in scores.items():
        say(f"  {name:<24} {score.agreed:>4} of {score.stated}")
    for score in scores.values():
        for miss in score.misses:
            reason = because(miss)
            say(f"  miss {miss}\n       because {reason}")
    assert agreed / stated_fields >= LEAST


def test_the_new_text_agrees_by_the_signature_policy_of_its_source(cases: list[Case]) -> None:
    scores: dict[str, Score] = {name: Score() for name in TRIMMED}
    for case in cases:
        if not {"reply_text", "reply_contains", "reply_absent"} & set(case.expect):
            continue
        line = read_one(case.raw, case.id, text=case.input == "body-text", markup=case.input == "body-html")
        for name in ("reply_text", "reply_contains", "reply_absent"):
            if name in case.expect:
                agrees = trimmed_as_stated(name, case.expect, line)
                kind = "reply_text of HTML" if name == "reply_text" and case.input == "body-html" else name
                stated = short(case.expect[name])
                scores[kind].add(agrees, f"{case.id}: {name}: stated {stated}, read {short(line['new_text'])}")
    say("\nnew text, white space ignored, by signature_policy:")
    for name, score in scores.items():
        say(f"  {name:<24} {score.agreed:>4} of {score.stated}")
        for miss in score.misses:
            say(f"  miss {miss}\n       because {because(miss)}")
    assert scores["reply_text"].stated == 87
    assert {name: score.agreed for name, score in scores.items() if score.agreed < TRIMMED[name]} == {}


def trimmed_as_stated(name: str, expect: dict[str, Any], line: dict[str, Any]) -> bool:
    """Whether the new text is what the source states.

    Of a source that strips signatures the new text alone counts; of one that keeps them, new text and signature; of a
    mixed one, either.
    """
    new, whole = bare(line["new_text"]), bare(line["new_text"] + line["signature"])
    if name == "reply_contains":
        return all(bare(item) in new for item in expect[name])
    if name == "reply_absent":
        return all(bare(item) not in new for item in expect[name])
    wanted = {"strip": {new}, "keep": {whole}, "mixed": {new, whole}}[expect["signature_policy"]]
    return bare(expect[name]) in wanted


def test_what_is_no_gate_yet_is_shown(cases: list[Case]) -> None:
    scores: dict[str, Score] = defaultdict(Score)
    for case in cases:
        line = read_one(case.raw, case.id, text=case.input == "body-text", markup=case.input == "body-html")
        for name, stated in case.expect.items():
            if name not in OTHER:
                continue
            agrees, found = OTHER[name](stated, line, case.expect)
            scores[name].add(agrees, f"{case.id}: {name}: stated {short(stated)}, read {short(found)}")
    say("")
    wanted = os.environ.get("ADDRESSEE_CORPUS_MISSES", "")
    for name, score in scores.items():
        say(f"  {name:<20} {score.agreed:>4} of {score.stated}")
        if wanted in {name, "all"}:
            for miss in score.misses:
                say(f"    miss {miss}")
    assert scores


def because(miss: str) -> str:
    """Why we mean to read otherwise: by case and field, or by case."""
    case = ": ".join(miss.split(": ")[:2])
    return next((why for key, why in WHY.items() if key in case), "not understood yet")


def short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 300 else text[:300] + "..."


# ---- One field each ---------------------------------------------------------------------------------------


def compare(name: str, stated: Any, parsed: Parsed, raw: bytes) -> tuple[bool, Any]:
    """Does the message say what the source states? With what we read, for the list of misses."""
    message = parsed.message
    if name == "subject":
        return collapsed(stated) == collapsed(message.subject), message.subject
    if name == "subject_base":
        return collapsed(stated) in collapsed(message.subject), message.subject
    if name in {"from", "to", "cc"}:
        return same_boxes(stated, {"from": message.senders, "to": message.to, "cc": message.cc}[name])
    if name == "to_contains":
        known = {box.address.lower() for box in message.to + message.cc}
        return all(address.lower() in known for address in stated), sorted(known)
    if name in {"attachments", "attachment_count", "attachment_names", "named_parts"}:
        return same_files(name, stated, parsed)
    if name == "decoded_parts":
        return same_parts(stated, raw)
    return same_text(name, stated, message)


def same_boxes(stated: list[dict[str, str]], found: Any) -> tuple[bool, Any]:
    shown = [{"name": box.name, "address": box.address} for box in found]
    if len(stated) != len(found):
        return False, shown
    for want, box in zip(stated, found, strict=True):
        if want["address"].lower() != box.address.lower():
            return False, shown
        if want.get("name") and collapsed(want["name"]) != collapsed(box.name):
            return False, shown
    return True, shown


def same_text(name: str, stated: Any, message: Message) -> tuple[bool, Any]:
    if name == "text_contains":
        whole = collapsed(message.text) + "\n" + collapsed(message.html_text) + "\n" + collapsed(message.plain_text)
        return all(collapsed(item) in whole for item in stated), message.text
    if name == "text_contains_ignore_ws":
        whole = bare(message.text) + "\n" + bare(message.html_text)
        return all(bare(item) in whole for item in stated), message.text
    if name == "text_exact_ignore_ws":
        return bare(stated) in {bare(message.plain_text), bare(message.text)}, message.text
    if name == "text_exact_stripped":
        return stated.strip() in {message.text.strip(), message.plain_text.strip()}, message.text
    if name == "html_exact_ignore_ws":
        return without_tags(stated) == without_tags(message.html), message.html
    whole = without_tags(message.html)
    return all(without_tags(item) in whole for item in stated), message.html


def same_files(name: str, stated: Any, parsed: Parsed) -> tuple[bool, Any]:
    message = parsed.message
    found = [
        {"name": item.name, "type": item.type, "size": item.size_bytes, "inline": item.said_inline}
        for item in message.attachments
    ]
    if name == "attachment_count":
        return stated == len(found), found
    if name == "attachment_names":
        return stated == [item["name"] for item in found], found
    if name == "named_parts":
        named = [(item["name"], item["type"]) for item in found]
        return all((item["name"], item["type"]) in named for item in stated), found
    if len(stated) != len(found):
        return False, found
    for want, item, file in zip(stated, found, message.attachments, strict=True):
        if any(key in want and want[key] != item[key] for key in ("type", "inline")):
            return False, found
        if want.get("name") and want["name"] != item["name"]:
            return False, found
        if "size" in want and want["size"] not in sizes(item["type"], parsed.contents[file.sha256]):
            return False, found
    return True, found


def sizes(kind: str, data: bytes) -> set[int]:
    """The size in bytes. An attached message some sources write anew before they count: LF alone, other blanks below."""
    written_anew = len(data.replace(b"\r\n", b"\n"))
    return {len(data), *range(written_anew - 2, written_anew + 3)} if kind.startswith("message/") else {len(data)}


def same_parts(stated: list[dict[str, Any]], raw: bytes) -> tuple[bool, Any]:
    leaves: dict[str, tuple[bytes, mime.Part]] = {}
    root, _ = mime.split(raw)
    waiting = [("1", raw, root)]
    while waiting:
        number, source, part = waiting.pop()
        leaves[number] = (source, part)
        waiting.extend((f"{number}.{index}", source, child) for index, child in enumerate(part.children, start=1))
        if part.type == "message/rfc822" and not part.children:  # a file to us; its parts are read by reading it
            inner = mime.content(source, part)
            waiting.append((f"{number}.1", inner, mime.split(inner)[0]))
    wrong = []
    for want in stated:
        if want["part"] not in leaves or not same_content(want, *leaves[want["part"]]):
            wrong.append(want["part"])
    return not wrong, {"wrong": wrong, "known": sorted(leaves)}


def same_content(want: dict[str, Any], raw: bytes, part: mime.Part) -> bool:
    data = mime.content(raw, part)
    candidates = [data]
    if want.get("text"):
        candidates.append(decode(data, part.params.get("charset", ""))[0].encode())
    return any(sha256(re.sub(rb"\s+", b"", item)).hexdigest() == want["sha256_no_ws"] for item in candidates)


# ---- Shown, not yet a gate --------------------------------------------------------------------------------


def _bounce_statuses(stated: list[dict[str, Any]], line: dict[str, Any], _: Any) -> tuple[bool, Any]:
    found = line["bounces"]
    for want in stated:
        status = want.get("status")
        if status and not any((item["status"] or "") == status for item in found):
            return False, found
        recipient = want.get("recipient")
        if recipient and not any((item["recipient"] or "").lower() == recipient.lower() for item in found):
            return False, found
        if "hard" in want and not status and not any(item["hard"] == want["hard"] for item in found):
            return False, found
    return True, found


OTHER: dict[str, Any] = {
    "is_bounce": lambda stated, line, _: (stated == line["is_bounce"], [line["is_bounce"], line["nature"], line["subject"]]),
    "bounces": _bounce_statuses,
    "is_auto_reply": lambda stated, line, _: (stated == line["is_auto_reply"], line["nature"]),
    "is_feedback_report": lambda stated, line, _: (stated == line["is_feedback_report"], line["nature"]),
    "signature_text": lambda stated, line, _: (bare(stated.replace("#sig#", "")) in bare(line["signature"]), line["signature"]),
    "quoted_text": lambda stated, line, _: (bare(stated) == bare(line["quoted_text"] + line["signature"]), line["quoted_text"]),
    "forward": lambda stated, line, _: (
        line["forward"] is not None and bare(stated["before"]) == bare(line["forward"]["before"])
        and bare(stated["embedded"]) == bare(line["forward"]["embedded"]),
        line["forward"],
    ),
    "message_id": lambda stated, line, _: (stated == line["message_id"], line["message_id"]),
    "references": lambda stated, line, _: (stated == line["references"], line["references"]),
    "in_reply_to": lambda stated, line, _: ((stated if isinstance(stated, str) else stated[0]) == line["in_reply_to"], line["in_reply_to"]),
}  # fmt: skip
