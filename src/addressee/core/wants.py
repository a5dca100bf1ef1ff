"""Which keys a batch must have looked up before it can be decided: the first round, and the second. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from addressee.core import process
from addressee.core.addresses import normal
from addressee.core.attachments import pictures_of
from addressee.core.batch import BATCHES
from addressee.core.calendar import uid_key
from addressee.core.command import read_body, verb
from addressee.core.distribution import turn_name
from addressee.core.errors import BadValue
from addressee.core.fieldtype import Reading, fold
from addressee.core.form import Torn, edited
from addressee.core.invited import EVENT, own_record
from addressee.core.message import Message, Nature
from addressee.core.registry import actions, fields
from addressee.core.route import Kind, Route, route
from addressee.core.schedule import schedule_table
from addressee.core.setup import Process, Setup, Table
from addressee.core.threads import codes_in, find, numbers_in, quoted_form, referenced, tokens_in
from addressee.core.tokens import digest
from addressee.core.values import Delivery, Snapshot, TokenState, Wanted

_NUMBERS = ("", "en", "de")  # who will write a number is not known yet: what it may mean with a point or a comma


def first_round(deliveries: Sequence[Delivery], setup: Setup) -> Wanted:
    """Everything that can be asked for by the messages and the setup alone."""
    wanted = Wanted()
    for delivery in deliveries:
        message, found = delivery.message, _route(delivery, setup)
        wanted.identities.add(message.identity)
        wanted.pictures |= set(pictures_of(message))
        if message.author:
            wanted.addresses.add(message.author)
            wanted.domains.add("@" + message.author.rpartition("@")[2])
        else:
            wanted.addresses.add("(no author)")
        wanted.addresses |= _in_copy(message, setup)
        wanted.message_ids |= {*referenced(message), *((message.message_id,) if message.message_id else ())}
        wanted.tokens |= {digest(token) for _, token in tokens_in(message, found)}
        wanted.tokens |= set(map(digest, codes_in(message)))
        wanted.numbers |= set(numbers_in(message, found, setup))
        if found.record:
            wanted.uuids.add(found.record)
            wanted.parts.add(found.record)
        if delivery.override is not None and delivery.override.record:
            wanted.uuids.add(delivery.override.record)
        if found.kind is Kind.TABLE:
            _new_record(wanted, found.table, found.account or setup.default_account.get(found.table, ""), setup)
        _event(wanted, delivery, setup)
        form = _form(delivery, found.table, setup)
        if form and form != found.table:
            _new_record(wanted, form, "", setup)
        asked = _process(delivery, setup)
        if found.kind is Kind.TABLE and (asked or verb(delivery.message.subject, setup.mail_words, setup) in BATCHES):
            view = process.view_in(delivery.message.new_text)
            wanted.counts.add((found.table, setup.view_named(found.table, view) if view else ""))
        if asked:
            of_process(wanted, asked, setup.processes[asked], setup)
    return wanted


def _event(wanted: Wanted, delivery: Delivery, setup: Setup) -> None:
    """The event that a message's invitation is about, by UID, and what a new one needs."""
    invitation = delivery.message.invitation
    if invitation is None or not schedule_table(EVENT, setup):
        return
    _new_record(wanted, EVENT, "", setup)
    wanted.appointments.add(uid_key(invitation.uid))
    mine = own_record(invitation.uid, setup)
    wanted.uuids |= {mine} if mine else set()


def _in_copy(message: Message, setup: Setup) -> set[str]:
    """Those in Cc of what may be a command: its answer may go to them too."""
    if not message.cc or message.nature is not Nature.PERSON:
        return set()
    first = message.cc[: setup.option("copy_count")]
    return {address for mailbox in first if (address := normal(mailbox.address))}


def _form(delivery: Delivery, table: str, setup: Setup) -> str:
    """The table whose fields the lines of the message name: the command's word says which."""
    word = verb(delivery.message.subject, setup.mail_words, setup)
    return actions[word].form(table, setup) if word in actions else table


def _process(delivery: Delivery, setup: Setup) -> str:
    """The process that a message asks for, or ""."""
    if not setup.processes:
        return ""
    word = verb(delivery.message.subject, setup.mail_words, setup)
    asks = word == "run" or word in setup.process_by_word
    return process.named_in(word, delivery.message.new_text, setup)[0] if asks else ""


def of_process(wanted: Wanted, key: str, definition: Process, setup: Setup) -> None:
    """What the steps of a process name."""
    needs = process.needs(key, definition, setup)
    wanted.person_keys |= needs.persons
    wanted.person_texts |= needs.person_texts
    wanted.titles |= needs.titles
    wanted.turns |= needs.turns
    for table in needs.tables & set(setup.live_tables):
        _new_record(wanted, table, "", setup)


def _new_record(wanted: Wanted, table: str, account_key: str, setup: Setup) -> None:
    """What making a record of a table may need: numbers, turns, the persons of the account."""
    wanted.tables.add(table)
    for name in setup.tables[table].mail.links:
        definition = setup.tables[table].live_fields.get(name)
        if definition is not None and definition.table in setup.live_tables:
            wanted.tables.add(definition.table)
    account = setup.accounts.get(account_key)
    if account is None:
        return
    _persons_of(wanted, account_key, setup)
    if account.distribution is not None:
        wanted.turns.add(turn_name(account_key))


def _persons_of(wanted: Wanted, account_key: str, setup: Setup) -> None:
    account = setup.accounts.get(account_key)
    if account is None:
        return
    if account.guest:
        wanted.person_keys.add(account.guest)
    teams = {account.team, account.distribution.team if account.distribution else ""}
    for team in teams & set(setup.teams):
        wanted.person_keys |= set(setup.teams[team].members)
    if account.distribution is not None and account.distribution.person:
        wanted.person_keys.add(account.distribution.person)


def _route(delivery: Delivery, setup: Setup) -> Route:
    override = delivery.override
    if override is not None and override.kind == "route":
        account = setup.default_account.get(override.table, "")
        return Route(Kind.TABLE, delivery.recipient, table=override.table, account=account)
    return route(delivery.recipient, setup)


def second_round(deliveries: Sequence[Delivery], snapshot: Snapshot, setup: Setup) -> Wanted:
    """What the records found and the field lines name: persons, records by title, keys of unique values."""
    wanted = Wanted()
    for record in snapshot.records.values():
        wanted.person_keys |= {record.assignee} if record.assignee else set()
        for account_key in (record.account, setup.default_account.get(record.table, "")):
            _persons_of(wanted, account_key, setup)
        if record.team in setup.teams:
            wanted.person_keys |= set(setup.teams[record.team].members)
    for bound in snapshot.correspondents.values():  # which of them are of the firm?
        wanted.addresses |= set(bound)
    for followers in snapshot.followers.values():
        wanted.person_keys |= set(followers)
    for token in snapshot.tokens.values():
        _persons_of(wanted, token.account, setup)
    targets: set[str] = set()
    asking: set[str] = set()
    for delivery in deliveries:
        found = _route(delivery, setup)
        about = find(delivery.message, found, snapshot, setup, one_per_thread=True)
        target = snapshot.records.get(about.record)
        table = target.table if target is not None else found.table
        targets |= {target.uuid} if target is not None else set()
        form = _form(delivery, table, setup)
        quoted = quoted_form(delivery.message, found, target, delivery.message.author or "", snapshot)
        if quoted is not None and form == table:
            _edits(wanted, delivery, quoted, form, setup)
        asked = _process(delivery, setup)
        if asked:
            _lines(wanted, delivery, form, process.form_of(setup.processes[asked]), setup)
            wanted.person_texts |= process.needs(asked, setup.processes[asked], setup).person_texts
        elif form in setup.live_tables and ":" in delivery.message.new_text:
            _lines(wanted, delivery, form, setup.tables[form], setup)
        if target is None and table in setup.live_tables:
            _made_of_the_mail(wanted, delivery, table, setup)
        word = verb(delivery.message.subject, setup.mail_words, setup)
        if word == "undo" and delivery.message.author:
            which = target.uuid if target is not None else ""
            answered = wanted.undo.setdefault((which, delivery.message.author), set())
            answered |= {
                *referenced(delivery.message),
                *(digest(each) for _, each in tokens_in(delivery.message, found)),
            }
        if target is not None and target.deleted:
            wanted.unique |= unique_keys(target.table, target.values, setup)
        asking |= {delivery.message.author} if word == "why" and delivery.message.author else set()
    wanted.told |= {(uuid, author) for uuid in targets for author in asking}  # which one is told by the mails before it
    wanted.person_keys -= set(snapshot.persons)
    return wanted


def _lines(wanted: Wanted, delivery: Delivery, table_key: str, table: Table, setup: Setup) -> None:
    found = read_body(delivery.message.new_text, table, setup.site.namespace, strict=False).lines
    _named_in(wanted, ((line.field, line.text) for line in found), table_key, table, setup)


def _edits(wanted: Wanted, delivery: Delivery, token: TokenState, table_key: str, setup: Setup) -> None:
    table = setup.tables[table_key]
    try:
        edits = edited(delivery.message, token, table)
    except Torn:
        return
    _named_in(wanted, edits.items(), table_key, table, setup)


def _named_in(wanted: Wanted, found: Iterable[tuple[str, str]], table_key: str, table: Table, setup: Setup) -> None:
    """What the texts of fields, or of parameters, must be looked up by."""
    for name, text in found:
        definition = table.live_fields[name]
        kind = fields[definition.type]
        if kind.looks_up == "record":
            wanted.titles |= {(definition.table, fold(part)) for part in (text, *text.split(",")) if part.strip()}
        elif kind.looks_up == "person":
            wanted.person_texts |= _parts(text)
        elif definition.unique:
            wanted.unique |= _keys(table_key, name, text, setup)


def _made_of_the_mail(wanted: Wanted, delivery: Delivery, table_key: str, setup: Setup) -> None:
    """The keys of unique fields that a new record, or the contact of its author, may get from the mail itself."""
    message, tables = delivery.message, {table_key}
    for name in setup.tables[table_key].mail.links[:1]:
        definition = setup.tables[table_key].live_fields.get(name)
        tables |= {definition.table} & set(setup.live_tables) if definition is not None else set()
    for key in sorted(tables):
        table = setup.tables[key]
        unique = [name for name, definition in table.live_fields.items() if definition.unique]
        if not unique:
            continue
        author = message.author or ""
        texts = {" ".join(message.subject.split()), " ".join(message.author_name.split()), author}
        for strict in (False, True):
            prose = read_body(message.new_text, table, setup.site.namespace, strict=strict).prose
            texts |= {prose, prose.partition("\n")[0].strip()}
        for name in unique:
            for text in filter(None, texts):
                wanted.unique |= _keys(key, name, text, setup)


def _keys(table_key: str, name: str, text: str, setup: Setup) -> set[tuple[str, str, str]]:
    definition = setup.tables[table_key].live_fields[name]
    kind, found = fields[definition.type], set[tuple[str, str, str]]()
    for language in _NUMBERS if kind.column == "num" else ("",):
        try:
            value = kind.parse(text, definition, Reading(language=language))
        except BadValue:
            continue
        found |= {(table_key, name, key) for key in kind.keys(value)}
    return found


def unique_keys(table: str, values: Mapping[str, Any], setup: Setup) -> set[tuple[str, str, str]]:
    """The keys of unique fields among values in stored form: what comes back may have been taken meanwhile."""
    live = setup.tables[table].live_fields
    return {
        (table, name, key)
        for name, value in values.items()
        if name in live and live[name].unique
        for key in fields[live[name].type].keys(value)
    }


def _parts(text: str) -> set[str]:
    """A value as a whole, and its parts where it is a list by comma."""
    return {fold(part) for part in (text, *text.split(",")) if part.strip()}
