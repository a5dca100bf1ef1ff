"""How mail programs mark what they add to a text, in the languages they speak. Asked by core.body.

Words stand in tables; a pattern only where words do not do. Every repetition in a pattern has a bound, and every
pattern is matched against a line cut to LINE_CHARS, so none can run away (tests/core/test_trim.py).
"""

from __future__ import annotations

import re
from functools import lru_cache

LINE_CHARS = 400  # of a line we look at
JOINED_CHARS = 700  # of an introduction wrapped over several lines

# Marks of direction, of width nothing, of a byte order; and the spaces that are not U+0020.
_UNSEEN = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF])
_UNSEEN |= dict.fromkeys([0xA0, 0x2007, 0x202F, 0x3000], " ") | dict.fromkeys([0x2010, 0x2011, 0x2012], "-")
_ANY_UNSEEN = re.compile(f"[{''.join(map(chr, _UNSEEN))}]")


def seen(line: str) -> str:
    """A line as a reader sees it: its first LINE_CHARS without invisible marks, with plain spaces and hyphens."""
    line = line[:LINE_CHARS]
    if line.isascii():
        return line
    return (line.translate(_UNSEEN) if _ANY_UNSEEN.search(line) else line).rstrip()


def _words(table: str) -> tuple[str, ...]:
    return tuple(word for row in table.strip().split("\n") for word in row.strip().strip("|").split("|") if word)


def _either(words: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, words))


def holds(text: str, words: tuple[str, ...]) -> bool:
    """Does one of the words stand in the text?"""
    for word in words:  # noqa: SIM110  any() takes twice the time, and this is asked of every text and many lines
        if word in text:
            return True
    return False


# ---- "On <date>, <name> wrote:" ----------------------------------------------------------------------------------

_VERBS = _words("""
wrote|writes|schrieb|schreibt|geschrieben|écrit|ecrit|escribió|escribio|escrito|escribe|scritto|scrive
escreveu|escreve|schreef|schrijft|geschreven|skrev|skriver|skrifaði|kirjoitti|kirjutas|napisał|napisała
napisał(a)|pisze|napisana przez|napsal|napsala|napsal(a)|píše|napísal|napísala|napísal(a)|napisao|napisala
napisao/la|piše|napisal|napisal/a|írta|scris|написал|написала|написал(а)|написали|пишет|писал|пише|написав
написав(-ла)|писав|написа|написао|написао/ла|yazdı|yazmış|έγραψε|כתב|כתבה|כתב/ה|כתבו|מאת|كتب|كتبت|كتب/كتبت
كتابة|نوشت|đã viết|menulis|เขียนว่า|escrit|escriure|idatzi du|rašė|rakstīja
""")
_VERBS_WITHIN = _words(
    "写道|寫道|写了|撰写|書きました|のメール|님이 작성|작성:|쓴 글|เขียน"
)  # written without spaces around them
_VERB = re.compile(rf"(?<!\w)(?:{_either(_VERBS)})(?![\w@.-])|{_either(_VERBS_WITHIN)}", re.IGNORECASE)
_VERB_AT_END = re.compile(rf"(?<!\w)(?:{_either(_VERBS)})\s?$|(?:{_either(_VERBS_WITHIN)})\s?$", re.IGNORECASE)
_OPENING = re.compile(
    r"(?:>\s?){0,9}-?\s?(?:(?:On|Am|Le|El|Il|Em|Op|Den|De|Del|Dia|No dia|Às|W dniu|Dnia|Dne|Dňa|В|На|Ter|In|"
    r"Quoting|Von|Pe|La|În|"
    r"Στις|Στην|בתאריך|ביום|في|Vào|Pada|Dana|U|V|A \d|Missatge|Wiadomość|Kontakt)\s|[בב]-\d|[在於于]\s?\d|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\d{1,4}[./-]|\d{1,2}\.? [^\W\d])",
    re.IGNORECASE,
)
_TIME = re.compile(r"\d{1,2}\s?[:.h時点시]\s?\d{2}|\d{1,2} ?[ap]\.?m\b", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}\s?[./-]\s?\d{1,2}\s?[./-]\s?\d{1,4}|\d{4}|\d{1,2}[月월]")
_ADDRESS = re.compile(r"[\w.+%'=/-]{1,64}@[\w.-]{2,250}")
_BRACKETED = re.compile(r"[<(\[]\s?(?:mailto:)?[^<>()\[\]\s]{1,100}@[^<>()\[\]\s]{1,200}\s?[>)\]]")
_FIRST_PERSON = re.compile(r"\s?(?:I|we|you|ich|wir|du|je|j['’]ai|yo|eu|io|ik|jag|jeg)\b", re.IGNORECASE)
EMPHASIS = "*_ \t"
COLONS = ":："
NOT, PERHAPS, SURELY = 0, 1, 2


def introduces(line: str) -> int:
    """Does this line, or these joined, say who wrote what follows: NOT, PERHAPS or SURELY?

    PERHAPS is enough above a quote that is marked as one. SURELY is enough to take unmarked lines below for a quote:
    there is an address, or a date and a time. "On Monday the customer wrote:" is the author's own sentence.
    """
    line = line[:JOINED_CHARS]
    dated, timed = _DATE.search(line) is not None, _TIME.search(line) is not None
    if (dated or timed) and line[-1:] in COLONS and _BRACKETED.search(line):
        return SURELY if dated and timed else PERHAPS
    if not _VERB.search(line) or _FIRST_PERSON.match(line):
        return NOT
    opens = _OPENING.match(line) is not None
    if _ADDRESS.search(line) or (timed and (opens or dated)) or (opens and dated):
        return SURELY
    if any(letter.isdigit() for letter in line) or (opens and line.count(" ") > 1 and len(line) < 160):
        return PERHAPS
    return NOT


def opens(line: str) -> bool:
    """The first line of an introduction wrapped over several: it begins with a date."""
    return _OPENING.match(line) is not None


def names_writer(line: str) -> bool:
    """A short line such as "Ada wrote:": enough above a quote after which nothing more is written.

    "I wrote:" is the author's own.
    """
    bare = line.rstrip(":： \t")
    return bare != line and 0 < len(bare) < 100 and not _FIRST_PERSON.match(line) and ends_with_verb(bare)


def names_sender(line: str) -> bool:
    """A line with an address or a date that leads up to a quote: enough right above a marked one."""
    if line[-1:] in COLONS:
        return any(found.search(line) for found in (_ADDRESS, _TIME, _DATE))
    found = _BRACKETED.search(line)
    return found is not None and (line[: found.start()].count(" ") < 5 or _TIME.search(line) is not None)


def ends_with_verb(line: str) -> bool:
    """Some programs leave out the colon after "wrote"."""
    return _VERB_AT_END.search(line[-20:]) is not None


# "2016-03-03 17:21 GMT+01:00 Ada": Gmail of some years wrote just this.
GMAIL_DATED = re.compile(r"\d{4}-\d{2}-\d{2} \d{1,2}:\d{2} GMT[+-]\d{1,2}:\d{2} \S.{0,200}$")
# "---- On Mon, 03 Mar 2025 09:00:00 +0100 Ada <ada@example.org> wrote ----": Zoho.
DATED_BAR = re.compile(rf"\s?-{{2,20}}\s?.{{0,300}}\s(?:{_either(_VERBS)})\s?-{{2,20}}$", re.IGNORECASE)
# ">>> Ada Example 3/3/2025 9:00 AM >>>": GroupWise; what follows is not marked.
GROUPWISE = re.compile(r">>> ?\S.{0,200}\d.{0,100} ?>>>$")
DIGIT_OR_AT = re.compile(r"\d|@")
DIFF_AT = re.compile(r"\d{1,9}(?:,\d{1,9})?[ac]\d{1,9}(?:,\d{1,9})?$")
INITIALS = re.compile(r"[A-Z][A-Za-z]{0,3}>")

# ---- Lines that part one mail from another -----------------------------------------------------------------------

_ORIGINAL = _words("""
original message|original mail|original email|reply message|original appointment|message original
ursprüngliche nachricht|ursprüngliche mail|originalnachricht|original-nachricht|ursprünglicher termin
message d'origine|message d’origine|mail original|courrier original|message initial|mensaje original
correo original|messaggio originale|mensagem original|oorspronkelijk bericht|origineel bericht
ursprungligt meddelande|originalmeddelande|oprindelig meddelelse|oprindelig besked|opprinnelig melding
alkuperäinen viesti|wiadomość oryginalna|oryginalna wiadomość|původní zpráva|původní e-mail|pôvodná správa
eredeti üzenet|mesaj original|mesajul original|исходное сообщение|оригинальное сообщение
первоначальное сообщение|оригінальне повідомлення|вихідне повідомлення|оригинално съобщение|özgün ileti
orijinal mesaj|orijinal ileti|αρχικό μήνυμα|הודעה מקורית|ההודעה המקורית|الرسالة الأصلية|رسالة أصلية
元のメッセージ|原始邮件|原始郵件|邮件原件|原始信件|원본 메시지|원본 메일|izvorna poruka|originalna poruka
izvirno sporočilo|missatge original|algne kiri|pesan asli
""")
_FORWARD = _words("""
forwarded message|forwarded by|forwarded mail|forwarded email|weitergeleitete nachricht|weitergeleitet von
weitergeleitete mail|message transféré|message transmis|mail transféré|mensaje reenviado|correo reenviado
messaggio inoltrato|mensagem encaminhada|mensagem reencaminhada|doorgestuurd bericht
vidarebefordrat meddelande|videresendt meddelelse|videresendt besked|videresendt melding|välitetty viesti
przekazana wiadomość|wiadomość przekazana|treść przekazanej wiadomości|přeposlaná zpráva|přeposlaný e-mail
preposlaná správa|továbbított üzenet|mesaj redirecționat|mesaj transmis|пересылаемое сообщение
переадресованное сообщение|переслане повідомлення|препратено съобщение|yönlendirilmiş ileti|iletilen mesaj
iletilmiş mesaj|προωθημένο μήνυμα|הודעה שהועברה|رسالة مُعاد توجيهها|رسالة معاد توجيهها|転送メッセージ
転送されたメッセージ|转发的邮件|转发邮件|轉寄郵件|轉寄的郵件|전달된 메시지|전달된 메일|proslijeđena poruka
posredovano sporočilo|missatge reenviat
""")
_BEGIN_FORWARDED = _words("""
begin forwarded message|anfang der weitergeleiteten nachricht|anfang der weitergeleiteten e-mail
début du message réexpédié|début du message transféré|inicio del mensaje reenviado|inizio messaggio inoltrato
início da mensagem encaminhada|início da mensagem reencaminhada|begin doorgestuurd bericht
vidarebefordrat brev|startar vidarebefordrat meddelande|videresendt besked|videresendt melding
välitetty viesti alkaa|rozpoczęcie przekazywanej wiadomości|začátek přeposílané zprávy
začiatok preposlanej správy|továbbított üzenet kezdete|începutul mesajului redirecționat
начало переадресованного сообщения|початок листа, що пересилається|iletilen mesajın başlangıcı
αρχή προωθημένου μηνύματος|תחילת ההודעה שהועברה|بدء الرسالة المُعاد توجيهها|転送されたメッセージ
下面是被转发的邮件|開始轉寄郵件|전달된 메시지 시작
""")
ORIGINAL = re.compile(rf"\s?[-_*=]{{2,40}}\s?(?:{_either(_ORIGINAL)})\s?[-_*=]{{0,40}}\s?:?$", re.IGNORECASE)
FORWARDED = re.compile(
    rf"\s?(?:[-_*=]{{2,40}}\s?(?:{_either(_FORWARD)})(?!\w).{{0,150}}"
    rf"|(?:>\s?){{0,9}}\*?(?:{_either(_BEGIN_FORWARDED)})\*?\s?[:：]\*?)$",
    re.IGNORECASE,
)
RULE = re.compile(r"\s?(?:[_*\-=–—─]\s?){5,200}$")


def forwards(line: str) -> bool:
    """A line above a mail that is passed on. It begins with dashes or ends with a colon: most lines need no pattern."""
    return (line[-1:] in ":：*" or line.lstrip()[:1] in "-_*=") and FORWARDED.match(line) is not None


LONG_RULE = re.compile(r"\s?(?:[_*\-=–—─]\s?){10,200}$")

# ---- The fields of a mail, shown as text -------------------------------------------------------------------------

_SENDER = frozenset(
    _words("""
from|von|de|da|van|från|fra|lähettäjä|od|nadawca|от|от кого|відправник|від|feladó|kimden|gönderen|de la
expeditor|από|מאת|من|المرسل|差出人|送信者|发件人|發件人|寄件者|寄件人|보낸 사람|보낸사람|จาก|từ|dari|saatja|no
nuo|remitente|remetente|mittente|expéditeur|absender|odesílatel|odosielateľ|afsender|avsender|avsändare
afzender
""")
)
_SENT = frozenset(
    _words("""
sent|gesendet|envoyé|envoyé le|envoyée|enviado|enviado el|enviado em|enviada|enviada em|inviato|verzonden
skickat|sendt|lähetetty|wysłano|wysłane|odesláno|odoslané|küldve|elküldve|trimis|отправлено|надіслано
изпратено|gönderildi|gönderilme tarihi|gönderme tarihi|στάλθηκε|נשלח|تاريخ الإرسال|تم الإرسال|أرسلت|أُرسلت
送信日時|发送时间|發送時間|寄件日期|傳送日期|보낸 날짜|보낸날짜|ส่ง|đã gửi|dikirim|saadetud|nosūtīts|išsiųsta
poslano|послато|date d'envoi|sendedatum|enviat
""")
)
_OTHER = frozenset(
    _words("""
to|date|subject|cc|bcc|reply-to|reply to|importance|organization|attachments|sensitivity|an|datum|betreff
kopie|antwort an|wichtigkeit|anlagen|à|a|pour|objet|copie à|répondre à|para|fecha|asunto|assunto|data|cópia
responder a|oggetto|risposta|aan|onderwerp|till|ämne|kopia|til|emne|dato|kopi|svar til|vastaanottaja|aihe
päivämäärä|päiväys|pvm|kopio|do|temat|dw|komu|předmět|datum a čas|predmet|dátum|kópia|címzett|tárgy|dátuma
másolat|másolatot kap|către|subiect|kому|кому|дата|тема|копия|копія|відповідь|до|относно|копие|kime|alıcı
tarih|konu|bilgi|προς|θέμα|ημερομηνία|κοιν.|κοινοποίηση|אל|נושא|תאריך|עותק|إلى|الموضوع|التاريخ|نسخة|宛先|日時
日付|件名|主题|主題|收件人|收件者|抄送|副本|日期|时间|主旨|받는 사람|받는사람|받은 사람|날짜|제목|참조|ถึง
เรื่อง|วันที่|tới|đến|chủ đề|ngày|kepada|subjek|perihal|tanggal|kellele|teema|kam|tēma|prima|za|zadeva|naslov
per a|tema
""")
)
_LABEL = re.compile(r"\s?[*_]{0,2}([^\W\d_][^:：*_]{0,24}?)\s?[*_]{0,2}\s?[:：][*_]{0,2}")


def label(line: str) -> str:
    """What stands before the first colon, "" where that is no label: "*From:* Ada" -> "from"."""
    found = _LABEL.match(line)
    return found[1].lower() if found else ""


def is_sender(name: str) -> bool:
    """A label that says who wrote."""
    return name in _SENDER


def is_other(name: str) -> bool:
    """A label of another field of a mail."""
    return name in _OTHER or name in _SENT


def is_sent(name: str) -> bool:
    """A label that says when a mail was sent, and is no word a record's field is likely to have."""
    return name in _SENT


def has_address(line: str) -> bool:
    """There is an address in the line."""
    return _ADDRESS.search(line) is not None


def has_time(line: str) -> bool:
    """There is a time of day in the line."""
    return _TIME.search(line) is not None


# Lotus Notes sets the labels under a line of name and date, alone on their lines.
_BARE_LABELS = frozenset(
    _words("to|cc|subject|an|kopie|thema|betreff|à|objet|para|asunto|assunto|a|oggetto|aan|onderwerp|till|ämne")
)
_DATED_NAME = re.compile(r"[^\W\d_].{2,120}\s\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d{1,2}:\d{2}(?::\d{2})?(?: [AP]M)?$")


def is_dated_name(line: str) -> bool:
    """ "Ada Example/Acme <ada@example.org>  03.03.2025 09:00" """
    return _DATED_NAME.match(line) is not None


def is_bare_label(line: str) -> bool:
    """A label alone on its line."""
    return line.strip().lower() in _BARE_LABELS


# ---- "Write your answer above this line": other systems say so too ------------------------------

_ABOVE = _words("""
above this line|above the line|oberhalb dieser zeile|oberhalb dieser linie|über dieser zeile|über dieser linie
au-dessus de cette ligne|encima de esta línea|arriba de esta línea|acima desta linha|sopra questa riga
sopra questa linea|al di sopra di questa riga|al di sopra di questa linea|boven deze regel|boven deze lijn
ovanför denna rad|ovanför den här raden|ovanför denna linje|over denne linje|over denne linjen
tämän rivin yläpuolelle|powyżej tej linii|nad tą linią|nad tento řádek|nad tuto čáru|nad tento riadok
e sor fölé|ezen sor fölé|deasupra acestei linii|выше этой строки|выше этой линии|выше этой черты
вище цієї лінії|bu satırın üstüne|bu satırın üzerine|πάνω από αυτή τη γραμμή|מעל לשורה זו|מעל שורה זו
فوق هذا السطر|この行より上|この線より上|在此行上方|在此线上方|在此行以上|이 줄 위에
""")
_OTHER_MARKER = re.compile(
    rf"(?:[-=#*~_+<\[|.( ]{{2,60}}.{{0,100}}(?:{_either(_ABOVE)})"
    rf"|(?:please )?(?:reply|respond|answer|write|type|enter|add)\b(?: (?:your|a) (?:reply|response|answer|"
    rf"comment|message))? "
    rf"(?:{_either(_ABOVE)})[^,;:?]{{0,60}}$)",
    re.IGNORECASE,
)
MARKER_SIGNS = _ABOVE


def is_other_marker(line: str) -> bool:
    """The marker of another system: set between other marks, or a sentence of its own."""
    return len(line) < 200 and _OTHER_MARKER.match(line) is not None


# ---- What stands below a letter ----------------------------------------------------------------------------------

DASHES = re.compile(r"\s{0,3}(?:- )?(?:--|__|––|—|–)$")
ORNAMENT = re.compile(r"\s{0,4}(?:[-_=*#~+]{2,120}|\u1427)$")
LIST_FOOTER = re.compile(r"\s?_{20,100}$")
HAND_TYPED = re.compile(r"-{1,2} ?[^\W\d_a-z][\w'’.-]{0,30}(?: [^\W\d_a-z][\w'’.-]{0,30}){0,3}$")
NAME_LIKE = re.compile(r"[^\W\d_][\w'’.-]{0,30}(?:,? [\w'’.()/&-]{1,30}){0,4}\s?,?$")
_CLOSING = re.compile(
    r"(?:(?:with )?(?:my )?(?:best|kind|kindest|warm|warmest|many|very best)? ?(?:regards|wishes|greetings)|"
    r"(?:kind|best|warm) regards and (?:thanks|best wishes)|thanks (?:and|&) (?:best |kind )?regards|"
    r"(?:many )?thanks(?: a lot| again| in advance| so much)?|thank you(?: very much| so much| again|"
    r" in advance| kindly)?|"
    r"cheers|(?:yours )?(?:sincerely|faithfully|truly|respectfully)(?: yours)?|best|all the best|take care|"
    r"(?:mit )?(?:(?:vielen|herzlichen|besten|schönen|freundlichen|freundlichem|lieben|freundliche|liebe|"
    r"viele|beste|schöne|"
    r"herzliche|sonnige) )?gr(?:ü|ue)(?:ß|ss)(?:en?|e)?(?: aus .{1,30})?|(?:vielen|besten|herzlichen) dank|danke|"
    r"mfg|vg|lg|bg|gruß|gruss|hochachtungsvoll)$",
    re.IGNORECASE,
)
_CLOSINGS = frozenset(
    _words("""
cordialement|bien cordialement|très cordialement|bien à vous|bien à toi|salutations|salutations distinguées
sincères salutations|meilleures salutations|amicalement|cdlt|merci|merci d'avance|saludos|saludos cordiales
un saludo|un cordial saludo|atentamente|muchas gracias|gracias|atte|cordiali saluti|cordialmente
distinti saluti|saluti|un saluto|grazie|grazie mille|atenciosamente|att|cumprimentos|melhores cumprimentos
com os melhores cumprimentos|abraço|abraços|um abraço|obrigado|obrigada|met vriendelijke groet
met vriendelijke groeten|vriendelijke groet|vriendelijke groeten|groet|groeten|groetjes|mvg|bedankt
alvast bedankt|med vänlig hälsning|med vänliga hälsningar|vänliga hälsningar|vänlig hälsning|hälsningar|mvh
tack|tack på förhand|med venlig hilsen|venlig hilsen|de bedste hilsner|bedste hilsner|mange hilsner|hilsen
på forhånd tak|med vennlig hilsen|vennlig hilsen|beste hilsen|på forhånd takk|takk|ystävällisin terveisin
terveisin|parhain terveisin|kiitos|kiitos etukäteen|yt|pozdrawiam|z poważaniem|z wyrazami szacunku
pozdrowienia|dziękuję|s pozdravem|děkuji|s úctou|s přátelským pozdravem|s pozdravom|ďakujem|üdvözlettel
tisztelettel|köszönettel|köszönöm|üdv|cu stimă|cu respect|o zi bună|mulțumesc|cu drag|с уважением
с наилучшими пожеланиями|спасибо|заранее спасибо|з повагою|дякую|с уважение|поздрави|saygılarımla
saygılarımızla|iyi çalışmalar|teşekkürler|selamlar|με εκτίμηση|με φιλικούς χαιρετισμούς|ευχαριστώ|בברכה|תודה
בכבוד רב|מع تحياتي|مع تحياتي|تحياتي|مع خالص التحية|شكرا|شكراً|よろしくお願いします|よろしくお願いいたします
よろしくお願い致します|以上、よろしくお願いいたします|宜しくお願いします|敬具|此致|此致敬礼|祝好|谢谢|謝謝
顺祝商祺|감사합니다|감사드립니다|s poštovanjem|lijep pozdrav|lep pozdrav|lugupidamisega|parimate soovidega
ar cieņu|pagarbiai|trân trọng|salam|hormat saya|salutacions|atentament
""")
)


def is_closing(line: str) -> bool:
    """ "Best regards," alone on its line, in the languages we know."""
    bare = line.strip().rstrip(",.!;:，。！،、 ").strip("*_ ")
    return 1 < len(bare) < 60 and (bare.lower() in _CLOSINGS or _CLOSING.match(bare) is not None)


_CONTACT = re.compile(
    r"(?:[^:]{0,20}[:.]?\s?)(?:\+|\(?0|\(\d)[\d ()/.+-]{5,30}(?:\s?(?:x|ext\.?) ?\d{1,6})?$"  # a telephone number
    r"|(?:[^:]{0,20}:\s?)?(?:<|\(|mailto:)?[\w.+%-]{1,64}@[\w.-]{3,200}[>)]?$"
    r"|(?:[^:]{0,20}:\s?)?<?(?:https?://|www\.)\S{3,200}$",
    re.IGNORECASE,
)


def is_contact(line: str) -> bool:
    """A line that is a telephone number, an address of mail or of a page, with or without a label."""
    return _CONTACT.match(line.strip()[:120]) is not None


_ON = (  # what a mail is sent from
    r"(?:iphon|ipad|ipod|android|blackberry|samsung|galaxy|huawei|xiaomi|nokia|sony|htc|windows|outlook|"
    r"yahoo|gmail|mail\b|e-mail|"
    r"mobil|m[oó]vil|mobiel|handy|smartphone|telefon|telefoon|t[eé]l[eé]phone|tel[eé]fono|celular|phone|"
    r"tablet|puhelim|laittee|proton|"
    r"spark|gmx|web\.de|laposte|orange|t-online|seznam|телефон|смартфон|почт|пошт|κινητό|τηλέφων|携帯|手机|"
    r"手機|휴대폰|app\b)"
)
_REST = r"(?:(?![,.!?;] \w).){0,120}"  # a line that goes on with a sentence of its own is the author's
_SENT_FROM = re.compile(
    r"[\"'<(\[_*]{0,3}(?:"
    r"(?:sent|posted|written|delivered) (?:from|via|with|by|using) (?:my|the|a|an|yahoo|outlook|mail|gmail|"
    r"samsung|iphone|ipad|"
    r"android|blackberry|windows|nokia|sony|htc|mobile|proton|galaxy|verizon|spark|superhuman|airmail|"
    r"mailbird|nine|aquamail|"
    rf"typeapp|bluemail|zoho|tuta|tutanota|fairemail|k-9|thunderbird|missive|front|hey|canary|edison|e?mail)\b{_REST}"
    r"|sent from (?:(?![,.!?;] \w).){1,30}|get outlook for .{1,60}|enviado desde .{1,80}"
    r"|enviad[oa] (?:do|pelo|via|a partir|de meu|da minha) .{1,80}|envoyé (?:de|depuis|à partir|avec|via) .{1,80}"
    r"|von mein(?:em|er) .{1,60} (?:gesendet|geschickt|verfasst)"
    rf"|(?:gesendet|verfasst|geschickt|verschickt) (?:von|mit|aus|über|via) {_REST}|"
    rf"diese nachricht wurde (?:von|mit) .{{1,80}}"
    r"|(?:verzonden|verstuurd|gestuurd) (?:vanaf|via|met|vanuit) .{1,80}|inviat[oa] (?:da|dal|con|tramite) .{1,80}"
    r"|skickat (?:från|via|med) .{1,80}|sendt (?:fra|via|med) .{1,80}"
    rf"|lähetetty .{{0,40}}{_ON}.{{0,40}}|wysłan[aeo] .{{0,40}}{_ON}.{{0,40}}|odeslán[oa] .{{0,40}}{_ON}.{{0,40}}"
    rf"|odoslan[éáo] .{{0,40}}{_ON}.{{0,40}}|(?:el)?küldve .{{0,40}}{_ON}.{{0,40}}"
    rf"|trimis .{{0,40}}{_ON}.{{0,40}}|отправлено .{{0,40}}{_ON}.{{0,40}}|надіслано .{{0,40}}{_ON}.{{0,40}}"
    rf"|изпратено .{{0,40}}{_ON}.{{0,40}}|στάλθηκε .{{0,40}}{_ON}.{{0,40}}"
    rf"|נשלח .{{0,40}}{_ON}.{{0,40}}|(?:أُرسلت|أرسلت|مرسل|تم الإرسال|مُرسلة) .{{0,40}}{_ON}.{{0,40}}|"
    rf"poslano .{{0,40}}{_ON}.{{0,40}}"
    r"|(?:发自|發自|发送自|傳送自)\s?.{1,40}|[从從].{1,30}(?:发送|傳送|寄出)"
    r")$",
    re.IGNORECASE,
)
# The same where the word that tells stands behind: tried only where it stands in the line at all.
_SENT_FROM_BEHIND = re.compile(
    r"[\"'<(\[_*]{0,3}(?:"
    rf".{{0,40}}{_ON}.{{0,30}} küldve|.{{0,40}}{_ON}.{{0,40}} gönderildi"
    r"|.{1,40}から送信(?:されました)?|(?:나의|내) .{1,30}에서 보냄|.{1,30}에서 보냄"
    r"|.{0,40}\boutlook\b.{0,40}\b(?:ios|android)\b.{0,60}|.{0,20}\b(?:ios|android)\b.{0,40}\boutlook.{0,60}"
    r")$",
    re.IGNORECASE,
)
_BEHIND = ("outlook", "küldve", "gönder", "から送信", "에서 보냄")
_DISCLAIMER = re.compile(
    r"[*_ ]{0,3}(?:"
    r"(?:this|the information (?:contained |transmitted )?in this|the contents? of this|"
    r"any views .{1,40} this|the information) "
    r"(?:e-?mail|message|communication|transmission|contained)\b.{0,180}(?:confidential|privileged|"
    r"proprietary|intended (?:only|solely|for the|"
    r"recipient)|sole use|virus)|"
    r"confidentiality(?: notice| note| statement)\b|(?:legal )?disclaimer\s?[:.-]|(?:important|legal) notice\s?:|"
    r"if you (?:have received this|are not the intended)|please consider the environment|think before (?:you )?print|"
    r"diese[rs]? (?:e-?mail|nachricht)\b.{0,120}vertraulich|(?:vertraulichkeitshinweis|haftungsausschluss|"
    r"rechtlicher hinweis)\b|"
    r"(?:ce|cet|le présent|les informations .{1,40} ce) (?:message|courriel|e-?mail|mail)\b.{0,160}confidentiel|"
    r"(?:este|el presente) (?:mensaje|correo|e-?mail)\b.{0,180}confidencia|aviso (?:legal|de confidencialidad)\b|"
    r"(?:esta|a presente) (?:mensagem|comunicação)\b.{0,180}confidencia|aviso de confidencialidade\b|"
    r"(?:questo|il presente|le informazioni contenute) (?:messaggio|e-?mail|in quest)\b.{0,180}(?:riservat|"
    r"confidenzial)|"
    r"(?:dit|de inhoud van dit|de informatie in dit) (?:bericht|e-?mail(?:bericht)?)\b.{0,160}vertrouwelijk|"
    r"(?:detta|det här) (?:meddelande|e-?post\w{0,12}|mail)\b.{0,160}konfidentiel|"
    r"denne (?:e-?mail|e-?post|meddelelse|melding|mail)\b.{0,160}(?:fortrolig|konfidensiel)|"
    r"tämä (?:viesti|sähköposti\w{0,10})\b.{0,160}luottamuksel|"
    r"(?:ta|niniejsza|treść tej) (?:wiadomość|wiadomości|korespondencja)\b.{0,180}(?:poufn|wyłącznie)|"
    r"(?:tato|tento) (?:zpráva|e-?mail|správa)\b.{0,180}(?:důvěrn|dôvern)|ez az (?:e-?mail|üzenet)\b.{0,160}bizalmas|"
    r"acest (?:mesaj|e-?mail)\b.{0,160}confidențial|(?:это|данное|настоящее) (?:сообщение|"
    r"письмо)\b.{0,180}конфиденциальн|"
    r"(?:це|дане) повідомлення\b.{0,160}конфіденційн|bu (?:e-?posta|mesaj|ileti)\b.{0,180}gizli|"
    r"(?:αυτό|το παρόν) (?:το )?(?:μήνυμα|e-?mail)\b.{0,160}εμπιστευτικ|本(?:メール|邮件|電子郵件|"
    r"邮件及).{0,120}(?:機密|保密|机密)|本電子メール.{0,120}機密|"
    r"이 (?:메일|메시지|이메일).{0,120}(?:기밀|비밀)"
    r")",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"(?:you received this message because you are subscribed to|to unsubscribe from this (?:group|list)|"
    r"to unsubscribe send|"
    r"to view this discussion (?:on the web )?visit|.{0,60}mailing list\s?$|unsubscribe:? ?<?https?://|"
    r"list-unsubscribe|"
    r"reply to this email directly(?: or|,)|-----begin pgp signature-----|<#?DAB4FAD8|virus-free\.|"
    r"virenfrei\.|sans virus\.|libre de virus\.)",
    re.IGNORECASE,
)
# The first words of what programs add: most lines begin with none of them and need no pattern.
_FIRST_WORDS = frozenset(
    _words(
        "sent|posted|written|delivered|get|enviado|enviada|von|gesendet|verfasst|geschickt|verschickt|diese|dieser|dieses|verzonden|"
        "verstuurd|gestuurd|inviato|inviata|skickat|sendt|odoslano|trimis|poslano|the|this|any|if|please|think|confidentiality|"
        "disclaimer|legal|important|vertraulichkeitshinweis|haftungsausschluss|rechtlicher|ce|cet|le|les|este|el|aviso|esta|a|questo|il|"
        "dit|de|detta|denne|ta|niniejsza|tato|tento|ez|acest|bu|you|to|unsubscribe|list-unsubscribe|reply|begin|#dab4fad8|virus-free|virenfrei|sans|libre|www.avast.com"
    )
)
_WITHIN = ("outlook", "iphon", "mailing list", "ldve", "unsubscribe", "virus")


@lru_cache(maxsize=256)  # each pass over a text asks about the same lines
def added_by_program(line: str) -> bool:
    """A line like "Sent from my phone", the first of a disclaimer, or of a mailing list's footer."""
    line = line.strip()[:300]
    lowered = line.lower()
    if line.isascii():
        first = lowered.split(" ", 1)[0].strip("\"'<([_*:-.")
        if first not in _FIRST_WORDS and not holds(lowered, _WITHIN):
            return False
    return (
        _SENT_FROM.match(line) is not None
        or _DISCLAIMER.match(line) is not None
        or _FOOTER.match(line) is not None
        or (holds(lowered, _BEHIND) and _SENT_FROM_BEHIND.match(line) is not None)
    )


# What a gateway writes above a mail from outside.
_BANNER = re.compile(
    r"[\[*_<!⚠️#=\- ]{0,12}(?:(?:caution|warning|attention|external|alert|notice|be careful|achtung|"
    r"vorsicht|warnung|extern|attention|"
    r"cuidado|precaución|atención|atenção|attenzione|let op|pas på|varning|uwaga|pozor|figyelem|внимание|"
    r"dikkat)\b[^\w]{0,6}.{0,60}\b"
    r"(?:external|outside|extern\w{0,4}|außerhalb|extérieur\w{0,2}|extern[oa]|esterno|fora d[ae]|fuera de|"
    r"buiten|zewn\w{0,8}|внешн\w{0,4}|sender|"
    r"originated)\b|(?:this|the) (?:e-?mail|message|sender)\b.{0,40}(?:originated|came|was sent|is|"
    r"comes) (?:from )?(?:an? )?(?:external|outside)|"
    r"(?:external|extern|\[ext\])(?: e-?mail| sender| message)?\s?[\]:!*>.-]{1,4}\s?$|"
    r"you don['’]t often get e-?mail from|some people who received this message don['’]t often get|"
    r"diese (?:e-?mail|nachricht) (?:stammt|kommt|wurde) .{0,40}(?:extern|außerhalb)|"
    r"sie erhalten nicht (?:häufig|oft) e-?mails von|"
    r"(?:ce|cet) (?:message|e-?mail|courriel) (?:provient|vient) .{0,40}(?:extern|extérieur)|"
    r"este (?:correo|mensaje|e-?mail) .{0,40}(?:extern|fuera|fora))",
    re.IGNORECASE,
)


# Else "Warning: the external disk is full" would be one.
_OF_MAIL = re.compile(
    r"\b(?:e-?mails?|messages?|sender|organi[sz]ation|nachricht|absender|courriel|expéditeur|correo|mensaje|remitente|"
    r"mensagem|remetente|messaggio|mittente|bericht|afzender|wiadomość|zpráva|письмо|сообщение)\b|^\W{0,4}\[?ext",
    re.IGNORECASE,
)


def is_banner(line: str) -> bool:
    """The first line of a warning that a gateway puts above mail from outside."""
    return len(line) > 7 and _BANNER.match(line) is not None and _OF_MAIL.search(line) is not None


PGP_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
PGP_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"
