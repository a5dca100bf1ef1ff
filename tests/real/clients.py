"""How mail programs write an answer: the headers they set, the prefix of the subject, the way they quote.

Each client is given the bytes that reached its user, and makes the bytes that it would send. None knows anything of
Addressee. What a gateway or a user may lose on the way stands in `Loss`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr
from enum import StrEnum
from html import escape

NEW_TEXT = "Danke, Dienstag passt.\n\nThe lift on floor 2 squeaks too: could you bring a ladder?"
NEW_SUBJECT = "Ladder for Tuesday"


class Loss(StrEnum):
    """What an answer lacks; one thing at a time, as far as the design goes."""

    NOTHING = "nothing"
    SUBJECT = "subject replaced"
    HEADERS = "headers stripped, sent to the account"
    ADDRESS = "subject replaced, sent to the account"  # a client that ignores Reply-To
    ALL_BUT_ADDRESS = "subject replaced, headers stripped"  # the reply address alone remains


@dataclass(frozen=True)
class Original:
    """What the user sees before he answers."""

    name: str
    address: str
    reply_to: str
    subject: str
    message_id: str
    references: str
    date: str
    text: str

    @classmethod
    def read(cls, raw: bytes) -> Original:
        message = message_from_bytes(raw, policy=policy.default)
        name, address = parseaddr(str(message["From"]))
        return cls(
            name,
            address,
            parseaddr(str(message["Reply-To"] or message["From"]))[1],
            str(message["Subject"]),
            str(message["Message-ID"]),
            str(message["References"] or ""),
            str(message["Date"]),
            message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n"),
        )


@dataclass(frozen=True)
class Written:
    """An answer before it is packed: text and HTML (None where the client sends no such part), and own headers."""

    plain: str | None
    html: str | None
    headers: dict[str, str]


@dataclass(frozen=True)
class Client:
    name: str
    prefix: str
    write: Callable[[Original, str, str], Written]
    drops: frozenset[str] = frozenset({""})  # whole prefixes it takes off a subject before it puts its own
    references: bool = True
    message_id: str = "{n}.{stamp}@mail.example"
    encoding: str = "quoted-printable"
    knows_id: bool = True  # False: a gateway gave our message another Message-ID
    flowed: bool = False  # RFC 3676

    @property
    def losses(self) -> list[Loss]:
        """What may be lost and still lead back; who writes no References needs the reply address or the token."""
        return [loss for loss in Loss if self.references or loss is not Loss.ADDRESS]

    def reply(self, raw: bytes, author: str, number: int, loss: Loss) -> tuple[bytes, str]:
        """The bytes of the answer, and the address they go to."""
        original = Original.read(raw)
        message = EmailMessage(policy=policy.SMTP)
        to = original.address if loss in (Loss.HEADERS, Loss.ADDRESS) else original.reply_to
        changed = loss not in (Loss.NOTHING, Loss.HEADERS)
        now = localtime()
        message["From"] = author
        message["To"] = to
        message["Subject"] = NEW_SUBJECT if changed else self.prefix + self._bare(original.subject)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{self.message_id.format(n=number, stamp=f'{now:%H%M%S%f}')}>"
        if self.references and loss not in (Loss.HEADERS, Loss.ALL_BUT_ADDRESS):
            known = original.message_id if self.knows_id else "<AM9PR04MB8XYZ.gateway@AM9PR04MB8.prod.outlook.example>"
            message["In-Reply-To"] = known
            message["References"] = f"{original.references} {known}".strip()
        written = self.write(replace(original, message_id=""), NEW_TEXT, author)
        for name, value in written.headers.items():
            message[name] = value
        if written.plain is not None:
            message.set_content(written.plain, cte=self.encoding)
            if self.flowed:
                message.set_param("format", "flowed")
            if written.html is not None:
                message.add_alternative(written.html, subtype="html", cte=self.encoding)
        else:
            message.set_content(written.html, subtype="html", cte=self.encoding)
        return message.as_bytes(), to

    def _bare(self, subject: str) -> str:
        for prefix in sorted(self.drops, key=len, reverse=True):
            if prefix and subject.lower().startswith(prefix):
                return subject[len(prefix) :].lstrip()
        return subject


def _marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() if line else ">" for line in text.split("\n"))


def _paragraphs(text: str, tag: str = "div") -> str:
    return "".join(f"<{tag}>{escape(line) or '<br>'}</{tag}>" for line in text.split("\n"))


def _linked(text: str) -> str:
    """HTML of a plain text as programs show it: line breaks, and addresses that can be pressed."""
    shown = re.sub(r"(https?://[^\s<]+)", r'<a href="\1">\1</a>', escape(text))
    return shown.replace("\n", "<br>\r\n")


def gmail(to: Original, new: str, author: str) -> Written:
    wrote = f"On Fri, Nov 20, 2026 at 11:00 AM {to.name} <{to.address}>"
    plain = f"{new}\n\n{wrote}\nwrote:\n\n{_marked(to.text)}\n"
    quote = (
        f'<br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On Fri, Nov 20, 2026 at '
        f'11:00 AM {escape(to.name)} &lt;<a href="mailto:{to.address}">{to.address}</a>&gt; wrote:<br></div>'
        f'<blockquote class="gmail_quote" style="margin:0px 0px 0px 0.8ex;border-left:1px solid rgb(204,204,204);'
        f'padding-left:1ex">{_linked(to.text)}</blockquote></div>\r\n'
    )
    return Written(plain, f'<div dir="ltr">{_paragraphs(new)}</div>{quote}', {})


def outlook(to: Original, new: str, author: str) -> Written:
    """Microsoft 365 on a German desktop; a connector of the firm has changed our Message-ID."""
    block = [
        f"Von: {to.name} <{to.address}> ",
        "Gesendet: Freitag, 20. November 2026 11:00",
        f"An: {author}",
        f"Betreff: {to.subject}",
    ]
    plain = f"{new}\n\nViele Grüße\nCarla Kunz\n\n" + "\n".join(block) + f"\n\n{to.text}\n"
    shown = "<br>".join(f"<b>{escape(line.partition(':')[0])}:</b>{escape(line.partition(':')[2])}" for line in block)
    html = (
        '<html xmlns:o="urn:schemas-microsoft-com:office:office" xmlns:w="urn:schemas-microsoft-com:office:word">'
        '<head><meta name="Generator" content="Microsoft Word 15 (filtered medium)"><style><!--\n'
        "p.MsoNormal {margin:0cm; font-size:11.0pt;} @page WordSection1 {size:612.0pt 792.0pt;}\n--></style></head>"
        '<body lang="DE" link="#0563C1"><div class="WordSection1">'
        + "".join(f'<p class="MsoNormal">{escape(line) or "<o:p>&nbsp;</o:p>"}</p>' for line in new.split("\n"))
        + '<p class="MsoNormal"><o:p>&nbsp;</o:p></p><p class="MsoNormal">Viele Grüße<o:p></o:p></p>'
        '<p class="MsoNormal">Carla Kunz<o:p></o:p></p>'
        '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">'
        f'<p class="MsoNormal">{shown}<o:p></o:p></p></div></div>'
        f'<p class="MsoNormal">{_linked(to.text)}</p></div></body></html>'
    )
    topic = re.sub(r"^(re|aw): ", "", to.subject, flags=re.IGNORECASE)
    return Written(plain, html, {
        "Thread-Topic": topic, "Thread-Index": "AQHbOxT5n1b0Zr6Gk0Sx1zqJ3m9w87K2c0aggAAQUQA=", "Accept-Language": "de-DE, en-US",
        "Content-Language": "de-DE", "X-MS-Has-Attach": "", "X-MS-TNEF-Correlator": "",
    })  # fmt: skip


def outlook_web(to: Original, new: str, author: str) -> Written:
    """Outlook on the web: a rule and a block of fields, HTML with an empty reply div."""
    block = (
        f"From: {to.name} <{to.address}>\nSent: Friday, November 20, 2026 11:00 AM\nTo: {author}\nSubject: {to.subject}"
    )
    plain = f"{new}\n\n________________________________\n{block}\n\n{to.text}\n"
    html = (
        f'<html><body dir="ltr"><div class="elementToProof">{_paragraphs(new)}</div><div id="appendonsend"></div>'
        '<hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr">'
        + "<br>".join(f"<b>{line.partition(':')[0]}:</b>{escape(line.partition(':')[2])}" for line in block.split("\n"))
        + f'<div>&nbsp;</div></div><div class="BodyFragment"><div class="PlainText">{_linked(to.text)}</div></div></body></html>'
    )
    return Written(plain, html, {"Thread-Index": "AQHbOxT5", "msip_labels": ""})


def apple(to: Original, new: str, author: str) -> Written:
    wrote = f"On 20 Nov 2026, at 11:00, {to.name} <{to.address}> wrote:"
    plain = f"{new}\n\n> {wrote}\n> \n{_marked(to.text)}\n\n"
    return Written(plain, None, {"X-Mailer": "Apple Mail (2.3826.200.121)"})


def thunderbird(to: Original, new: str, author: str) -> Written:
    """As it comes: the answer below the quote, format=flowed, a signature."""
    plain = f"On 20/11/2026 11:00, {to.name} wrote:\n{_marked(to.text)}\n\n{new}\n\n-- \nCarla Kunz\nKunz Hotels\n"
    return Written(plain, None, {"User-Agent": "Mozilla Thunderbird", "Content-Language": "en-GB"})


def yahoo(to: Original, new: str, author: str) -> Written:
    """The Yahoo program on a phone: no mark on any line of the quote, and no References."""
    wrote = f"On Friday, November 20, 2026 at 11:00:00 AM GMT+1, {to.name} <{to.address}> wrote:"
    plain = f" {new}\n\nSent from Yahoo Mail on Android\n\n    {wrote}  \n \n {to.text}\n  \n"
    html = (
        f'{_paragraphs(new)}<br><br><div id="ymail_android_signature"><a href="https://mail.example/yahoo">Sent from Yahoo'
        f' Mail on Android</a></div><br><blockquote style="margin: 0 0 20px 0;"><div style="font-family:Roboto, sans-serif">'
        f"<div>On Friday, November 20, 2026 at 11:00:00 AM GMT+1, {escape(to.name)}</div><div>&lt;{to.address}&gt; wrote:</div>"
        f'</div><div style="padding: 10px 0 0 20px; border-left: 1px solid #6D00F6;">{_linked(to.text)}</div></blockquote>'
    )
    return Written(plain, html, {"X-Mailer": "WebService/1.1.22806 YMailNovation"})


def groupwise(to: Original, new: str, author: str) -> Written:
    plain = f"{new}\n\n>>> {to.name} <{to.address}> 20.11.2026 11:00 >>>\n{_marked(to.text)}\n"
    return Written(plain, None, {"X-Mailer": "Groupwise 18.4.2"})


def qq(to: Original, new: str, author: str) -> Written:
    """QQ Mail: HTML alone in base64, an original block in Chinese, no References."""
    html = (
        f"{_paragraphs(new)}<div><br></div><div><includetail><!--<![endif]--></includetail></div><div>&nbsp;</div>"
        '<div style="font-size: 12px;font-family: Arial Narrow;padding:2px 0 2px 0;">------------------&nbsp;原始邮件'
        '&nbsp;------------------</div><div style="font-size: 12px;background:#efefef;padding:8px;">'
        f'<div><b>发件人:</b>&nbsp;"{escape(to.name)}"&lt;{to.address}&gt;;</div><div><b>发送时间:</b>&nbsp;2026年11月20日'
        f'(星期五) 中午11:00</div><div><b>收件人:</b>&nbsp;"Carla"&lt;{author}&gt;;</div><div><b>主题:</b>&nbsp;'
        f"{escape(to.subject)}</div></div><div><br></div>{_linked(to.text)}"
    )
    return Written(None, html, {"X-QQ-MIME": "TCMime 1.0 by Tencent", "X-Mailer": "QQMail 2.x"})


CLIENTS = (
    Client("gmail", "Re: ", gmail, frozenset({"re:"}), message_id="CAHk{n}{stamp}@mail.gmail.example"),
    Client("outlook", "AW: ", outlook, frozenset({"re:", "aw:"}), knows_id=False, encoding="base64",
           message_id="VI1PR0{n}MB{stamp}@VI1PR0.eurprd08.prod.outlook.example"),
    Client("outlook-web", "RE: ", outlook_web, frozenset({"re:"}), message_id="DM6PR{n}.{stamp}@DM6.prod.outlook.example"),
    Client("apple", "Re: ", apple, frozenset({"re:"}), message_id="5C0A{stamp}-{n}-4E9B@cust.example"),
    Client("thunderbird", "Re: ", thunderbird, frozenset({"re:"}), encoding="8bit", flowed=True,
           message_id="9f{stamp}-8b{n}@cust.example"),
    Client("yahoo-phone", "Re: ", yahoo, frozenset({"re:"}), references=False,
           message_id="1{n}.{stamp}@mail.yahoo.example"),
    Client("groupwise", "Antw: ", groupwise, message_id="67{stamp}020000{n}@gwia.cust.example"),
    Client("qq", "回复：", qq, references=False, encoding="base64", message_id="tencent_{stamp}{n}@qq.example"),
)  # fmt: skip
