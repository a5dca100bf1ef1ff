"""Did a person write this, or a program (RFC 3834, RFC 2919)? By the header section alone. Called by core.parse."""

from __future__ import annotations

import re

from addressee.core.headers import Headers, text
from addressee.core.message import Nature

_REPLY_SUBJECT = re.compile(
    r"(?:auto(?:matic|mated)?[ -]?(?:reply|response|antwort)|autoreply|autoresponse|"
    r"out of (?:the )?office(?: auto-?reply| message| notification)?|"
    r"automatische (?:antwort|abwesenheitsnotiz)|abwesenheitsnotiz|abwesenheit|réponse automatique|"
    r"absence du bureau|"
    r"respuesta automática|fuera de (?:la )?oficina|risposta automatica|fuori sede|resposta automática|"
    r"fora do escritório|"
    r"automatisch antwoord|afwezigheidsbericht|automatiskt svar|autosvar|automatisk svar|"
    r"automaattinen vastaus|"
    r"odpowiedź automatyczna|automatická odpověď|автоответ|автоматический ответ|自動応答|自动回复|自動回覆|"
    r"vacation(?: reply| notice)?|i am away)"
    r"\s*(?:[:：]|$)",
    re.IGNORECASE,
)


def nature(headers: Headers, subject: str) -> Nature:
    """Who wrote it, but for reports (core.bounces decides those).

    RFC 3834 5: anything but "no" in Auto-Submitted is a program; "auto-replied" answers a message of ours.
    """
    submitted = _word(headers, "auto-submitted")
    precedence = _word(headers, "precedence")
    if (
        submitted.startswith("auto-replied")
        or precedence in {"auto_reply", "auto-reply"}
        or _word(headers, "x-autorespond")
        or _word(headers, "x-autoreply") not in {"", "no"}
        or "x-autoresponder" in headers
        or "x-auto-reply-from" in headers
        or _word(headers, "x-mail-autoreply")
        or _word(headers, "delivered-to") == "autoresponder"
        or _REPLY_SUBJECT.match(subject[:120])
    ):
        return Nature.AUTO_REPLIED
    listed = any(name in headers for name in ("list-id", "list-post", "list-unsubscribe"))
    if listed or precedence in {"bulk", "list", "junk"} or "feedback-id" in headers:
        return Nature.BULK
    if submitted and submitted != "no":
        return Nature.AUTO_GENERATED
    return Nature.PERSON


def _word(headers: Headers, name: str) -> str:
    """The first word of a field, without comments and parameters, in lower case."""
    value = headers.first(name)
    return re.split(r"[\s;(]", text(value[:200]), maxsplit=1)[0].lower() if value else ""
