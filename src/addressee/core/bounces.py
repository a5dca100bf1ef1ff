"""Delivery reports: RFC 3464 ones by their fields, the others by their words. Called by core.parse.

A report is never claimed for ordinary mail: without a report part, both the sender and the words must say so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from addressee.core.headers import Headers, scan, text
from addressee.core.message import Bounce

MOST = 100  # recipients of one report
_SCANNED = 64_000  # characters of a report's text that are looked at

_ADDRESS = r"(?<![\w.+=/-])[\w.+=/&'*-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}"
_MAILBOX = re.compile(rf"[<(\"']?({_ADDRESS})[>)\"']?")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)")
_REPLY = re.compile(r"(?<![\d.:@-])([45]\d\d)(?=[ \-]|$)(?! \d)", re.MULTILINE)
_DAEMON = re.compile(
    r"^(?:mailer-?daemon|mail-?daemon|post_?master|mdaemon|bounces?(?:[-+=].*)?|mailerdaemon|"
    r"mail[-_.]?delivery.*|"
    r"mmdf|smtp[-_.]?(?:daemon|gateway)|lmailer|uucp|double-bounce|microsoftexchange[0-9a-f]{20,})@",
    re.IGNORECASE,
)
_ROBOT = re.compile(r"^(?:mailer-?daemon|mail-?daemon|mdaemon|double-bounce)(?:@|$)", re.IGNORECASE)
_DAEMON_NAME = re.compile(
    r"mail(?:er)?[ -]?daemon|mail delivery (?:sub)?system|mail administrator|post ?master|"
    r"mail delivery service|"
    r"delivery subsystem|internet mail delivery|system administrator",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|returned mail|mail delivery fail|delivery (?:status notification|failure|has failed|"
    r"problem|error|report|notification|status)|"
    r"failure notice|failure notification|delivery failed|failed mail|mail (?:system )?error|"
    r"could not be delivered|"
    r"returned to sender|return(?:ed|ing)? (?:message|mail) to sender|message not delivered|"
    r"nondeliverable|non[- ]?delivery|"
    r"not deliverable|rejected (?:mail|message)|cannot (?:send|deliver)|can't (?:send|deliver)|"
    r"unzustellbar|"
    r"nicht zugestellt|unable to deliver|bounced mail|non remis|échec de (?:la )?remise|remise impossible|"
    r"no se puede entregar|onbestelbaar|olever|mancato recapito|falha na entrega|não entregue|недоставлен|"
    r"配信不能|送信エラー|不達|undelivered|delayed mail|warning: (?:could not|message)|user unknown|"
    r"message (?:delivery )?fail|mail fail|delivery to .{1,80} failed|automatically rejected|address error|"
    r"mail could not|permanent (?:delivery )?(?:failure|error)|email (?:delivery|not delivered)|"
    r"mail returned",
    re.IGNORECASE,
)
_WORDS = re.compile(
    r"could not be delivered|couldn't be delivered|was not delivered|wasn't delivered|not be delivered|"
    r"undeliverable|unable to deliver|unable to send|failed to deliver|delivery (?:has |"
    r"to .{1,100} )?(?:failed|failure)|delivery failed|"
    r"user unknown|unknown user|no such (?:user|recipient|person|mailbox)|mailbox (?:is )?(?:full|"
    r"unavailable|not found|quota)|over quota|"
    r"quota exceeded|permanent (?:fatal )?errors?|fatal errors|address rejected|recipient rejected|"
    r"addresses? (?:had|failed)|"
    r"not listed in|account .{1,60}(?:disabled|inactive|not exist)|does not exist|doesn't exist|"
    r"not (?:a )?known (?:user|here)|"
    r"recipient.{1,40}(?:not found|unknown|refused|rejected)|invalid recipient|"
    r"message (?:was )?(?:rejected|returned|refused)|"
    r"returned (?:to (?:you|sender)|below)|bounce|delivery (?:attempts?|status)|undelivered|"
    r"non[- ]delivery|"
    r"host (?:unknown|not found)|relay(?:ing)? denied|blocked|unzustellbar|nicht zugestellt|"
    r"could not send|cannot be delivered|"
    r"did not reach|no mailbox|user not found|rejected|spam|virus|error",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"delayed|has not (?:yet )?been delivered|still (?:be )?(?:trying|retry)|will (?:keep|"
    r"continue) (?:on )?try|"
    r"warning message only|do not need to resend|not (?:yet )?(?:been )?delivered (?:to|"
    r"within).{0,80}(?:hours|after)|temporarily deferred",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^[ >-]*-{2,}.{0,60}(?:copy of|original|returned|unsent|message header|rejected message|"
    r"the message|headers? of).{0,80}$|"
    r"^.{0,40}(?:below (?:this line )?is a copy|this is a copy of|original (?:message|mail) (?:follows|"
    r"headers|header|below|text)|"
    r"returned message follows|original message:|message text follows|the (?:message|mail) (?:header|"
    r"you sent)).{0,80}$|"
    r"^(?:Received: (?:from|by)|Return-Path:|Message-ID:|Content-Transfer-Encoding:)",
    re.IGNORECASE | re.MULTILINE,
)
_BLOCKS = re.compile(rb"\r?\n(?:[ \t]*\r?\n)+")
_ACTION = re.compile(r"[a-z]+")
_GONE = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|person|mailbox|local user|account|address|"
    r"domain)|user not found|"
    r"not listed in|does not exist|doesn't (?:exist|have)|unknown (?:recipient|mailbox|local|address|"
    r"account|host|domain)|no mailbox|"
    r"invalid (?:recipient|mailbox|user|address|final|domain)|recipient.{1,20}(?:unknown|not found)|"
    r"not a valid|unrouteable|"
    r"host (?:unknown|not found|or domain name not found)|domain (?:not found|unknown)|"
    r"mailbox (?:unavailable|not found)|"
    r"bad (?:destination|recipient|mailbox)|address unknown|not our customer|user (?:is )?not known|"
    r"not a known user|no longer (?:with|valid|exists|an employee)",
    re.IGNORECASE,
)
_NOT_NOW = re.compile(
    r"full|quota|spam|block|black ?list|policy|too (?:large|big|long|many)|exceed|relay|denied|"
    r"grey ?list|time[d ]?-?out|"
    r"expired|reputation|reverse dns|\bptr\b|authenticat|rate limit|virus|suspend|disabled|inactive|"
    r"insufficient|"
    r"temporar|refused|not accept|content|dmarc|\bspf\b|dkim|system error|mailer error|loop|hop count|"
    r"deactivated",
    re.IGNORECASE,
)
_PERMANENT = re.compile(
    r"permanent|fatal|unknown|invalid|returned to sender|"
    r"could ?n[o']t be delivered",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Report:
    """What a delivery report says. `standing` is False where no report was found at all."""

    standing: bool
    failed: bool
    bounces: tuple[Bounce, ...]


NONE = Report(False, False, ())


def is_daemon(address: str, name: str) -> bool:
    """A mailer, not a person, by its address or name."""
    return bool(_DAEMON.match(address)) or (bool(_DAEMON_NAME.search(name)) and len(name) < 80)


def report(
    headers: Headers, senders: list[tuple[str, str]], subject: str, status_parts: list[bytes], words: str
) -> Report:
    """Read a delivery report.

    senders       (name, address) of From
    status_parts  decoded bytes of every message/delivery-status part
    words         the text of the message
    """
    declared = b"delivery-status" in headers.first("content-type")[:500].lower()
    failed = [text(value) for value in headers.all("x-failed-recipients")[:MOST]]
    mailer = _null_return(headers) or any(is_daemon(address, name) for name, address in senders[:3])
    if not (declared or failed or mailer):
        return NONE
    found = _from_status(status_parts) if status_parts else None
    if found is not None:
        return _refined(found, words[:_SCANNED])
    above = _above_original(words[:_SCANNED])
    if not (declared or failed or _says_so(headers, senders, subject, above)):
        return NONE
    later = _DELAYED.search(f"{subject[:300]}\n{above}") is not None and not _hard(_code(above))
    return Report(True, True, _from_words(above, failed, senders, later))


def _says_so(headers: Headers, senders: list[tuple[str, str]], subject: str, above: str) -> bool:
    """A report without the fields of one: a mailer sent it, and its subject or its words say what failed."""
    said = _SUBJECT.search(subject[:300]) is not None
    told = _WORDS.search(above) is not None
    coded = _STATUS.search(above) is not None or _REPLY.search(above) is not None
    if any(_ROBOT.match(address) for _, address in senders[:3]):
        return said or told or coded
    if any(is_daemon(address, name) for name, address in senders[:3]):  # postmaster may be a person too
        return (
            (said and (told or coded or _null_return(headers))) or (told and coded) or (told and _null_return(headers))
        )
    return _null_return(headers) and said and (told or coded)


def _null_return(headers: Headers) -> bool:
    """RFC 5321 4.5.5: reports come from the null reverse-path, as the last hop notes it."""
    value = headers.first("return-path").strip().lower()
    return value == b"<>" or value.lstrip(b"<").startswith(b"mailer-daemon")


def _from_status(parts: list[bytes]) -> Report | None:
    """RFC 3464 2: one block of fields for the message, then one for each recipient."""
    failed: list[Bounce] = []
    delayed: list[Bounce] = []
    seen = False
    for part in parts[:10]:
        for block in _BLOCKS.split(part[:_SCANNED].strip()):
            fields, _ = scan(block + b"\n", 0, len(block) + 1)
            if "action" not in fields and "final-recipient" not in fields:
                continue
            seen = True
            action = _ACTION.match(text(fields.first("action")[:200]).lower())
            kind = action[0] if action else "failed"
            if kind in {"failed", "failure", "delayed"} and len(failed) + len(delayed) < MOST:
                (delayed if kind == "delayed" else failed).append(_recipient(fields, kind))
    if not seen:
        return None
    found = failed or delayed
    return Report(True, bool(found), tuple(found))


def _recipient(fields: Headers, kind: str) -> Bounce:
    """One recipient's block: the address, its status and the words of the server that refused it."""
    diagnostic = text(fields.first("diagnostic-code")[:4_000])
    recipient = _typed(fields.first("final-recipient")) or _typed(fields.first("original-recipient"))
    status = _status(text(fields.first("status")[:400]), diagnostic)
    said = (diagnostic.partition(";")[2] or diagnostic).strip() or text(fields.first("status")[:400])
    hard = False if kind == "delayed" else _hard(status, said[:1_000])
    return Bounce(recipient or None, status, hard, said[:1_000])


def _refined(report: Report, words: str) -> Report:
    """Where the fields only say "failed" (5.0.0), the text for people often says what failed."""
    if all(item.status is not None and not item.status.endswith(".0.0") for item in report.bounces):
        return report
    bounces = []
    for item in report.bounces:
        at = words.find(item.recipient) if item.recipient else -1
        near = words[at : at + 500] if at >= 0 else ""
        told = _STATUS.search(near)
        vague = item.status is None or (item.status.endswith(".0.0") and item.status[0] == "5")
        if vague and told and told[1][0] in "45":
            item = Bounce(item.recipient, told[1], _hard(told[1], near), _reason(near))
        bounces.append(item)
    return Report(report.standing, report.failed, tuple(bounces))


def _typed(value: bytes) -> str:
    """RFC 3464 2.3.1: "rfc822; user@example.org"."""
    shown = text(value[:1_000])
    shown = shown.partition(";")[2] or shown
    found = _MAILBOX.search(shown)
    return found[1] if found else shown.strip(" <>\"'")


def _status(declared: str, diagnostic: str) -> str | None:
    """The status code; the one of the diagnostic where the declared one says nothing (5.0.0)."""
    stated = _STATUS.search(declared)
    told = _STATUS.search(diagnostic[:2_000])
    if stated and (not stated[1].endswith(".0.0") or not told or told[1][0] == "2"):
        return stated[1]
    if told and told[1][0] != "2":
        return told[1]
    return stated[1] if stated else None


def _hard(status: str | None, words: str = "") -> bool | None:
    """Is the address itself gone, so that nothing should be sent there again? None where nobody says.

    A 5.x.x code alone is not enough: refused for spam, size, quota or policy, the next message may pass
    (RFC 3463 3: class 5 is about this message, the subject 1 is about the address).
    """
    if status is not None and status[0] != "5":
        return False
    if _GONE.search(words):
        return True
    if _NOT_NOW.search(words):
        return False
    if status is None:
        return True if _PERMANENT.search(words) else None
    about_address = status.startswith(("5.1.", "5.0.", "5.5.")) and status not in {"5.1.7", "5.1.8"}
    return about_address or status == "5.4.4"


def _above_original(words: str) -> str:
    found = _ORIGINAL.search(words)
    return words[: found.start()] if found and found.start() > 40 else words


def _from_words(words: str, failed: list[str], senders: list[tuple[str, str]], later: bool) -> tuple[Bounce, ...]:
    """Recipients and codes as a mailer writes them for people."""
    own = {address.lower() for _, address in senders}
    recipients = [found[1] for value in failed for found in _MAILBOX.finditer(value)]
    if not recipients:
        recipients = _recipients(words, own)
    recipients = list({recipient.lower(): recipient for recipient in recipients}.values())[:MOST]
    shared = _code(words)
    if not recipients:
        return (Bounce(None, shared, False if later else _hard(shared, words[:2_000]), _reason(words)),)
    bounces = []
    for recipient in recipients:
        at = words.find(recipient)
        near = words[at : at + 800] if at >= 0 else words
        status = _code(near) or shared
        bounces.append(Bounce(recipient, status, False if later else _hard(status, near[:500]), _reason(near)))
    return tuple(bounces)


def _recipients(words: str, own: set[str]) -> list[str]:
    found = []
    for match in _MAILBOX.finditer(words):
        address = match[1].strip(".'")
        if address.lower() in own or is_daemon(address, "") or "." not in address.rpartition("@")[2]:
            continue
        line_start = words.rfind("\n", 0, match.start()) + 1
        before = words[line_start : match.start()].lower()
        if "from" in before.split(":")[0].split() or "contact" in before or "mailto" in before:
            continue
        found.append(address)
        if len(found) >= 20:
            break
    return found


def _code(words: str) -> str | None:
    status = next((found[1] for found in _STATUS.finditer(words) if found[1][0] in "45"), None)
    if status:
        return status
    lowered = words.lower()
    for pattern, code in _PHRASES:
        if pattern.search(lowered):
            return code
    reply = _REPLY.search(words)
    return f"{reply[1][0]}.0.0" if reply else None


_PHRASES = (
    (re.compile(r"mailbox (?:is )?full|over quota|quota exceed|exceed.{1,20}quota|disk quota|"
    r"mailbox.{1,30}exceed"), "5.2.2"),
    (re.compile(r"user unknown|unknown user|no such (?:user|recipient|person|mailbox|local user)|"
    r"user not found|"
                r"not listed in|does not exist|doesn't exist|unknown (?:recipient|mailbox|local|"
                r"address)|no mailbox here|"
                r"invalid (?:recipient|mailbox|user)|recipient.{1,20}(?:unknown|not found)|"
                r"not a valid"), "5.1.1"),
    (re.compile(r"host (?:unknown|not found)|unknown host|no such (?:domain|host)|domain (?:not found|"
    r"does not exist)|"
                r"unrouteable|unroutable|dns"), "5.1.2"),
    (re.compile(r"(?:account|mailbox|user).{1,30}(?:disabled|inactive|suspended)"), "5.2.1"),
    (re.compile(r"too (?:large|big)|size.{1,20}exceed|exceed.{1,20}size"), "5.3.4"),
    (re.compile(r"spam|blocked|blacklist|relay(?:ing)? denied|policy"), "5.7.1"),
)  # fmt: skip


def _reason(words: str) -> str:
    """The line that says why."""
    for line in words.split("\n")[:60]:
        if _STATUS.search(line) or _REPLY.search(line):
            return " ".join(line.split())[:500]
    found = _WORDS.search(words)
    if not found:
        return ""
    start = words.rfind("\n", 0, found.start()) + 1
    end = words.find("\n", found.end())
    return " ".join(words[start : end if end >= 0 else len(words)].split())[:500]
