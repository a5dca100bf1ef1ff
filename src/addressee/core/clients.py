"""How mail programs mark what they add to a text, in the languages they speak. Asked by core.body.

Every pattern is matched against a line cut to a few hundred characters, and none can run away.
"""

from __future__ import annotations

import re

from addressee.core.language import marker_signs

_VERBS = (
    r"wrote|writes|schrieb|schreibt|a écrit|a ecrit|escribió|escribi[oó]|ha scritto|scrive|"
    r"escreveu|schreef|"
    r"skrev|napisał(?:\(a\)|a)?|pisze|napsal(?:\(a\)|a)?|napísal(?:\(a\))?|написал(?:\(а\)|а|и)?|пишет|"
    r"пише|писал|"
    r"kirjoitti|írta|ezt írta|yazdı|şunu yazdı|a scris|έγραψε|写道|寫道|写了|書きました|のメール|님이 작성|"
    r"đã viết|a escrit|je napisao|napisao je|rašė|rakstīja|כתב|كتب|va escriure|idatzi du"
)
_VERB_AT_END = re.compile(rf"(?:{_VERBS})\s*$", re.IGNORECASE)
_LAST_LETTERS = frozenset("etbsióoaćeyłľnвлитсsımaıuכتبéדв道了た作成メールt)")
_WROTE = re.compile(
    rf"(?:^|[\s>,、。])(?:{_VERBS})(?=[\s:：<\"*(]|$)|写道|寫道|書きました|のメール|님이 작성", re.IGNORECASE
)
EMPHASIS = "*_ \t\u200e\u200f\xa0"
OPENING = re.compile(
    r"(?:>\s*)*(?:(?:On|Am|Le|El|Il|Em|Op|Den|Del?|W dniu|Dnia|Dne|Dňa|В|На|Ter|A|In|Quoting|Von)\s|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\d{1,4}[./-])",
    re.IGNORECASE,
)
_TIME_OR_YEAR = re.compile(r"\d{1,2}[:.h]\d{2}|\d{4}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
DIGIT_OR_AT = re.compile(r"\d|@")
NAMES_SENDER = re.compile(
    r"<[^<>\s]{1,100}@[^<>\s]{1,100}>|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{2,60}.{0,100}:\s*$|"
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}.{0,200}:\s*$|\d{1,2}:\d{2}.{0,200}:\s*$"
)


# "3.2.2025, 18:30, Ada <ada@example.org>:" (Yandex, Mail.ru, older Gmail): no verb, but a date and an address.
_DATED_SENDER = re.compile(
    r".{0,200}(?:\d{1,2}[:.]\d{2}|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{4}).{0,200}"
    r"<[^<>\s]{1,200}@[^<>\s]{1,200}>\s?[:：]$"
)
# "2016-03-03 17:21 GMT+01:00 Ada": Gmail of some years wrote just this.
GMAIL_DATED = re.compile(r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} GMT[+-]\d{2}:\d{2} \S.{0,200}$")
_FIRST_PERSON = re.compile(r"\s*(?:I|we|you|ich|wir|du|je|j['’]ai|yo|eu|io|ik|jag|jeg)\b", re.IGNORECASE)
_BROKEN_ANGLE = re.compile(r"<\s+|\s+(?=>)")


def wrote(line: str) -> bool:
    """The line says who wrote what follows, and when or from which address."""
    if len(line) > 700:
        return False
    line = _BROKEN_ANGLE.sub(lambda found: found[0].strip(), line)
    if _DATED_SENDER.match(line):
        return True
    if not _WROTE.search(line):
        return False
    return DIGIT_OR_AT.search(line) is not None or (
        OPENING.match(line) is not None and line.count(" ") > 1 and len(line) < 160
    )


def names_writer(line: str) -> bool:
    """A short line such as "Ada wrote:": enough above a quote after which nothing more is written.

    "I wrote:" is the author's own.
    """
    bare = line.rstrip(":： \t")
    return bare != line and len(line) < 100 and not _FIRST_PERSON.match(line) and bool(bare) and ends_with_verb(bare)


def surely_wrote(line: str) -> bool:
    """Enough to take unmarked lines below for a quote: an address, or a date with a time or year.

    "On Monday the customer wrote:" is the author's own sentence, and what follows it is his own text.
    """
    return "@" in line or (OPENING.match(line) is not None and _TIME_OR_YEAR.search(line) is not None)


def ends_with_verb(line: str) -> bool:
    """Some clients leave out the colon after "wrote"."""
    return line[-1] in _LAST_LETTERS and len(line) < 400 and _VERB_AT_END.search(line[-20:]) is not None


_ORIGINAL_WORDS = (
    r"original message|reply message|original appointment|ursprüngliche nachricht|originalnachricht|"
    r"message d['’]origine|message original|mensaje original|messaggio originale|mensagem original|"
    r"oorspronkelijk bericht|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|"
    r"opprinnelig melding|"
    r"alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|исходное сообщение|"
    r"оригинальное сообщение|пересылаемое сообщение|eredeti üzenet|özgün ileti|orijinal mesaj|"
    r"mesaj original|"
    r"原始邮件|原始郵件|邮件原件|元のメッセージ|원본 메시지|original mail"
)
ORIGINAL = re.compile(rf"\s*[-_*=]{{2,40}}\s*(?:{_ORIGINAL_WORDS})\s*[-_*=]{{0,40}}\s*:?\s*$", re.IGNORECASE)
_FORWARD_WORDS = (
    r"forwarded message|forwarded by|forwarded mail|weitergeleitete nachricht|message transféré|"
    r"message transmis|"
    r"mensaje reenviado|messaggio inoltrato|mensagem encaminhada|doorgestuurd bericht|"
    r"vidarebefordrat meddelande|"
    r"videresendt meddelelse|videresendt melding|przekazana wiadomość|wiadomość przekazana|"
    r"přeposlaná zpráva|"
    r"пересылаемое сообщение|переадресованное сообщение|転送メッセージ|转发的邮件|轉寄郵件|välitetty viesti|"
    r"yönlendirilmiş ileti|továbbított üzenet|mesaj redirecționat|missatge reenviat"
)
FORWARDED = re.compile(
    rf"\s*(?:[-_*=]{{2,40}}\s*(?:{_FORWARD_WORDS})\b.{{0,150}}|(?:>\s*)?(?:begin forwarded message|"
    r"anfang der weitergeleiteten nachricht|début du message (?:réexpédié|transféré)|"
    r"inicio del mensaje reenviado|"
    r"inizio messaggio inoltrato|início da mensagem (?:encaminhada|reencaminhada)|"
    r"begin doorgestuurd bericht|"
    r"vidarebefordrat brev|начало переадресованного сообщения|"
    r"startar vidarebefordrat meddelande)\s*:?)\s*$",
    re.IGNORECASE,
)
RULE = re.compile(r"\s*(?:[_*\-]\s?){10,200}\s*$")
LIST_FOOTER = re.compile(r"\s*_{20,100}\s*$")
DATED_BAR = re.compile(rf"\s*-{{2,20}}\s?.{{0,300}}\s(?:{_VERBS})\s?-{{2,20}}$", re.IGNORECASE)  # Zoho
ORNAMENT = re.compile(r"\s*(?:[-_=*#~+]{2,120}|\u1427)\s*$")
HAND_TYPED = re.compile(r"-{1,2} ?[^\W\d_a-z][\w'’.-]{0,30}(?: [^\W\d_a-z][\w'’.-]{0,30}){0,3}$")
CLOSING = re.compile(
    r"(?:(?:with )?(?:best|kind|kindest|warm|warmest|many)? ?(?:regards|wishes|greetings)|"
    r"thanks(?: and regards| a lot| again| in advance)?|thank you(?: very much| so much| again|"
    r" in advance)?|"
    r"many thanks|cheers|sincerely(?: yours)?|yours (?:sincerely|faithfully|truly)|best|all the best|"
    r"mit (?:freundlichen|freundlichem|besten|lieben|vielen) gr(?:ü|ue)(?:ß|ss)(?:en)?|mfg|gruß|"
    r"(?:viele|liebe|beste|schöne|freundliche) gr(?:ü|ue)(?:ß|ss)e|cordialement|bien (?:cordialement|"
    r"à vous)|"
    r"salutations(?: distinguées)?|saludos(?: cordiales)?|un saludo|atentamente|cordiali saluti|"
    r"distinti saluti|"
    r"saluti|atenciosamente|cumprimentos|abraços|met vriendelijke groeten?|groeten|groetjes|"
    r"med vänlig(?:a)? hälsning(?:ar)?|vänliga hälsningar|hälsningar|(?:med )?venlig hilsen|mvh|"
    r"(?:med )?vennlig hilsen|ystävällisin terveisin|terveisin|pozdrawiam|z poważaniem|s pozdravem|"
    r"с уважением|"
    r"üdvözlettel|saygılarımla|cu stimă)\s?[,.!]{0,2}$",
    re.IGNORECASE,
)
NAME_LIKE = re.compile(r"[^\W\d_][\w'’.-]{0,30}(?:,? [\w'’.()-]{1,30}){0,4}\s?,?$")
FROM = re.compile(
    r"\s*[*_]{0,2}(?:From|Von|De|Da|Van|Från|Fra|Lähettäjä|Od|Nadawca|От|Feladó|Kimden|Gönderen|De la|Από|"
    r"发件人|寄件者|差出人|보낸 사람)\s?[*_]{0,2}\s?[:：]",
    re.IGNORECASE,
)
OTHER_FIELD = re.compile(
    r"\s*[*_]{0,2}(?:To|Sent|Date|Subject|Cc|Reply-To|Importance|Organization|An|Gesendet|Datum|Betreff|"
    r"À|A|Pour|"
    r"Envoyé|Objet|Date d'envoi|Enviado(?: el| em)?|Fecha|Para|Asunto|Assunto|Data|Inviato|Oggetto|Aan|"
    r"Verzonden|"
    r"Onderwerp|Till|Skickat|Ämne|Til|Sendt|Emne|Dato|Vastaanottaja|Lähetetty|Aihe|Päivämäärä|Do|"
    r"Wysłano|Temat|Komu|"
    r"Odesláno|Předmět|Кому|Дата|Отправлено|Тема|Címzett|Küldve|Tárgy|Kime|Tarih|Konu|Către|Trimis|Subiect|"
    r"收件人|发送时间|日期|主题|收件者|寄件日期|主旨|宛先|送信日時|日時|件名|"
    r"받는 사람|보낸 날짜|제목)\s?[*_]{0,2}\s?[:：]",
    re.IGNORECASE,
)
DASHES = re.compile(r"\s{0,3}(?:--|__|––|—)\s*$")
SENT_FROM = re.compile(
    r"[\"'<(\[_*]{0,2}(?:(?:sent|posted|written|delivered) (?:from|via|with|by|using) (?:my|the|a|an|"
    r"yahoo|outlook|mail|"
    r"gmail|samsung|iphone|ipad|android|blackberry|windows|nokia|sony|htc|mobile|proton|galaxy|verizon|"
    r"spark|superhuman|"
    r"airmail|mailbird|nine|aquamail|typeapp|bluemail|e?mail)\b(?:(?![,.!?] \w).){0,120}"
    r"|get outlook for .{1,60}|sent from (?:(?![,.!?] \w).){1,30}|enviado desde .{1,80}|enviado (?:do|"
    r"pelo|via|a partir) .{1,80}|"
    r"envoyé (?:de|depuis|à partir) .{1,80}|"
    r"(?:von meinem|gesendet (?:von|mit|aus|über)|diese nachricht wurde von meinem) .{1,80}|"
    r"verzonden (?:vanaf|via|met|vanuit) .{1,80}|inviato (?:da|dal|con) .{1,80}|skickat från .{1,80}|"
    r"sendt fra .{1,80}|lähetetty .{1,80}|wysłan[eo] z .{1,80}|odesláno z .{1,80}|"
    r"отправлено (?:с|из) .{1,80}|iphone'?(?:umdan|dan) gönderildi|发自我的.{1,40}|發自我的.{1,40}|"
    r".{1,40}から送信|나의 .{1,30}에서 보냄)\s*$",
    re.IGNORECASE,
)
DISCLAIMER = re.compile(
    r"[*_ ]{0,3}(?:(?:this|the information (?:contained )?in this|the contents of this) (?:e-?mail|"
    r"message|communication|transmission)"
    r"\b.{0,120}(?:confidential|privileged|intended (?:only|solely|for the|recipient))|"
    r"confidentiality(?: notice| note| statement)?\b|disclaimer\s*:|diese e-?mail\b.{0,80}vertraulich|"
    r"(?:ce|cet|le présent) (?:message|courriel|e-?mail)\b.{0,100}confidentiel|este (?:mensaje|correo|"
    r"e-?mail)\b.{0,120}confidencial|"
    r"esta mensagem\b.{0,120}confidencia)",
    re.IGNORECASE,
)
# One quick look at a text: without any of these there is nothing to take off.
_SIGNS = (
    "\n>", "\n >", "\n\t>", "\n\xa0>", ":\n", "：\n", ": \n", "\n-", "\n -", "\n__", "\n—", "\n —", "\n––", "\n*",
    "\n **", "\n=", "\n#", "\n~", "\n+",
)  # fmt: skip
_WORDS = (
    "from", "von", "via", "sent", "gesendet", "outlook", "regards", "thank", "cheers", "sincerely", "best",
    "wishes", "greetings", "grü", "mfg", "gruß", "grue", "cordial", "salut", "saludo", "atent", "atenc",
    "cumpri", "abraç", "groet", "hälsn", "hilsen", "mvh", "tervei", "pozdra", "poważ", "уваж", "üdvöz",
    "saygı", "stimă", " gmt", "\n-", "verzonden", "enviado", "envoyé", "inviato", "skickat", "sendt",
    "lähetetty", "wysłan", "odesláno", "отправлено", "送信", "发自", "發自", "보냄", "gönderildi", "confiden",
    "vertraulich", "disclaimer", "privileged", "wrote", "发件人", "寄件者", "差出人", "보낸 사람", "nadawca", "feladó",
    "kimden", "gönderen", "lähettäjä", "från", "fra:", "van:", "od:", "de:", "de :", "da:", "από", "от:",
)  # fmt: skip


# The first words of SENT_FROM and DISCLAIMER: most lines begin with none of them and need no pattern.
_FIRST_WORDS = frozenset(
    "sent posted written delivered get enviado von gesendet diese verzonden inviato skickat sendt odesláno the this "  # noqa: SIM905
    "confidentiality disclaimer ce cet le este esta".split()
)


def added_by_program(line: str) -> bool:
    """A line like "Sent from my phone", or the first of a disclaimer."""
    if line.isascii() and line.split(" ", 1)[0].strip("\"'<([_*:").lower() not in _FIRST_WORDS:
        return False
    return SENT_FROM.match(line[:200]) is not None or DISCLAIMER.match(line[:200]) is not None


def has_signs(text: str, lowered: str) -> bool:
    """False where nothing in the text could be a quote, a signature or a program's line."""
    return (
        text.startswith((">", " >", "--", "__"))
        or text.rstrip().endswith((":", "：", "--", "__", "—"))
        or any(sign in text for sign in _SIGNS)
        or any(word in lowered for word in _WORDS)
        or any(sign in lowered for sign in marker_signs())
    )
