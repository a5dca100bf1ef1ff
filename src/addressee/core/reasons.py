"""Why a delivery ended as it did: one slug and one sentence each, the same for trace, answer, pages and metrics."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Stable slugs: other programs rely on them."""

    DONE = "done"
    CONFIRMED = "confirmed"
    # accept, with something left undone
    BAD_VALUE = "bad-value"
    NO_SUCH_FIELD = "no-such-field"
    NOT_PERMITTED = "not-permitted"
    CONFLICTING_VALUES = "conflicting-values"
    SEVERAL = "several-commands"
    TOO_MANY_LINES = "too-many-lines"
    TEXT_ONLY = "text-only"
    UNVERIFIED = "unverified"
    RECORD_ONLY = "record-only"
    AUTO_REPLY = "auto-reply"
    BOUNCE = "bounce"
    HISTORY = "history"
    NO_PROCESS = "no-such-process"
    NOT_OFFERED = "not-offered"
    NO_VIEW = "no-such-view"
    PROCESS_FAILED = "process-failed"
    # hold
    NOT_PROVEN = "not-proven"
    CONFIRM = "confirm"
    STRANGER = "stranger"
    CREATE_OFF = "create-off"
    INBOUND_OFF = "inbound-off"
    NO_RECIPIENT = "no-recipient"
    NO_SUCH_ADDRESS = "no-such-address"
    AMBIGUOUS_AUTHOR = "ambiguous-author"
    RATE_LIMIT = "rate-limit"
    SPAM = "spam"
    POISON = "poison"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    FAILED = "failed"
    NO_TABLE = "no-table"
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    TOKEN_REVOKED = "token-revoked"  # noqa: S105
    TOKEN_UNKNOWN = "token-unknown"  # noqa: S105
    ADDRESS_WITHDRAWN = "address-withdrawn"
    BAD_TOKENS = "bad-tokens"
    DELETED_RECORD = "deleted-record"
    NO_SUCH_RECORD = "no-such-record"
    FOR_PEOPLE = "for-people"
    INFECTED = "infected"
    # reject
    NO_RECORD = "no-record"
    REFUSED_BY_PERSON = "refused-by-person"
    NOTHING_TO_UNDO = "nothing-to-undo"
    CHANGED_SINCE = "changed-since"
    TOO_MANY_CHANGES = "too-many-changes"
    NOT_DELETED = "not-deleted"
    CODE_USED = "code-used"
    CODE_EXPIRED = "code-expired"
    WRONG_CODE = "wrong-code"
    NOT_CONFIRMED = "not-confirmed"
    # discard
    DUPLICATE = "duplicate"
    LOOP = "loop"
    BLOCKED = "blocked"
    EMPTY = "empty"
    # redirect
    NOT_A_RECIPIENT = "not-a-recipient"
    # defer
    TRY_AGAIN = "try-again"
    WAITS_FOR_EARLIER = "waits-for-earlier"


SENTENCES: dict[Reason, str] = {
    Reason.DONE: "Done.",
    Reason.BAD_VALUE: "A line holds a value that its field cannot take, so no field was changed.",
    Reason.NO_SUCH_FIELD: "A line names a field that does not exist, so no field was changed.",
    Reason.NOT_PERMITTED: "You do not have the right that this needs.",
    Reason.SEVERAL: "The message asks for more than one thing, so nothing of it was done.",
    Reason.CONFLICTING_VALUES: "The message contradicts itself about a field, so no field was changed.",
    Reason.TOO_MANY_LINES: "The message sets more fields than one message may.",
    Reason.TEXT_ONLY: "The message was kept as text only; its command did not count.",
    Reason.UNVERIFIED: "It is shown, marked as unverified, because the author could not be proven.",
    Reason.RECORD_ONLY: "The account records answers and changes no fields.",
    Reason.AUTO_REPLY: "It is an automatic reply: shown on the record it answers, and never a command.",
    Reason.BOUNCE: "It is a delivery report: shown on the record whose mail it reports on.",
    Reason.HISTORY: "It is old mail: stored and linked, nothing else.",
    Reason.NO_PROCESS: "There is no process of that name here.",
    Reason.NOT_OFFERED: "The process can't be run by mail.",
    Reason.NO_VIEW: "The table has no view of that name.",
    Reason.PROCESS_FAILED: "A step of the process could not be done, so none of its steps was.",
    Reason.NOT_PROVEN: "Nothing proves that the author is who the message says.",
    Reason.CONFIRMED: "It confirmed what an earlier message asked for.",
    Reason.CONFIRM: "This needs a confirmation before it is done.",
    Reason.STRANGER: "The author is not known here and this address takes no guests.",
    Reason.CREATE_OFF: "This address makes no records.",
    Reason.INBOUND_OFF: "Handling of incoming mail is switched off; the message is kept.",
    Reason.NO_RECIPIENT: "No recipient of the message is an address of this server.",
    Reason.NO_SUCH_ADDRESS: "The recipient is no address of this server.",
    Reason.AMBIGUOUS_AUTHOR: "The From header does not name exactly one author.",
    Reason.RATE_LIMIT: "More arrived within the hour than the limit allows.",
    Reason.SPAM: "The mail server in front of us marked it as spam.",
    Reason.POISON: "Reading the message failed three times.",
    Reason.UNREADABLE: "The message could not be read within its limits of time and memory.",
    Reason.TOO_LARGE: "The message is larger than what is worked on here; it is kept whole.",
    Reason.FAILED: "Writing down what follows from the message failed; the trace tells the fault.",
    Reason.NO_TABLE: "The address leads to no table, so a person must say where the message belongs.",
    Reason.TOKEN_EXPIRED: "The reply address is no longer honoured: it has expired.",
    Reason.TOKEN_REVOKED: "The reply address is no longer honoured: it was withdrawn.",
    Reason.ADDRESS_WITHDRAWN: "Mail to this address changes nothing any more: the address was withdrawn.",
    Reason.TOKEN_UNKNOWN: "The reply address was never issued here.",
    Reason.BAD_TOKENS: "Too many reply addresses that were never issued here came from this author.",
    Reason.DELETED_RECORD: "The record was deleted.",
    Reason.NO_SUCH_RECORD: "The record named does not exist.",
    Reason.FOR_PEOPLE: "Mail to this address is for a person, not for a record.",
    Reason.INFECTED: "The virus scanner found something in it, so it is not passed on.",
    Reason.NO_RECORD: "The command needs a record, and the address names a table.",
    Reason.REFUSED_BY_PERSON: "A person refused the message.",
    Reason.NOTHING_TO_UNDO: "There is nothing that could be taken back.",
    Reason.CHANGED_SINCE: "It was changed again since, so nothing was taken back.",
    Reason.TOO_MANY_CHANGES: "It changed more than can be taken back at once.",
    Reason.NOT_DELETED: "The record is not deleted.",
    Reason.CODE_USED: "The code was used, or what it was for is settled: nothing was changed.",
    Reason.CODE_EXPIRED: "The code is no longer valid, so nothing was changed. Send the first message again.",
    Reason.WRONG_CODE: "It is not the code that was sent, or comes from another address, so nothing was changed.",
    Reason.NOT_CONFIRMED: "The answer does not say yes, so nothing was changed.",
    Reason.DUPLICATE: "The same message was handled before.",
    Reason.LOOP: "The message came back to us: a mail loop.",
    Reason.BLOCKED: "The author is on the block list.",
    Reason.EMPTY: "The message holds nothing.",
    Reason.NOT_A_RECIPIENT: "The answer came from an address that was not sent the message.",
    Reason.TRY_AGAIN: "It could not be handled now and will be tried again.",
    Reason.WAITS_FOR_EARLIER: "An earlier message of the same author is handled first.",
}
