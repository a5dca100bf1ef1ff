"""A wrong setup is refused whole: each fault with the line it stands on, the key, and the nearest name."""

from __future__ import annotations

import pytest

from addressee.setup.document import dotted
from setup.conftest import checked

# what stands in firm.toml, what stands there instead, the path of the fault, a piece of the sentence, nearest name
CASES = [
    # --- keys and kinds of value
    ('spam_header = "', 'spam_haeder = "', "site.spam_haeder", "no such key", "spam_header"),
    ("[tables.club]", "[tabels.club]", "tabels", "no such key", "tables"),
    ("[site]", "version = 3\n[site]", "version", "no such key", None),
    ("sensitive = true }", "sensitiv = true }", "tables.repair.fields.price.sensitiv", "no such key", "sensitive"),
    ('body_any = ["no', 'body_ayn = ["no', "filters[1].body_ayn", "no such key", "body_any"),
    ("subject_token = false", 'subject_token = "no"', "accounts.workshop.subject_token", "true or false", None),
    ("retention_days = 400", "retention_days = 4.5", "accounts.workshop.retention_days", "whole number", None),
    ('history = "work"', 'history = "worked"', "accounts.workshop.history", "one of", "work"),
    ('members = ["cleo", "ben"]', 'members = "cleo"', "teams.workshop.members", "list of texts", None),
    ("start = \"begin\"", "start = []", "tables.repair.schedule.start", "text in quotes", None),
    ("[tables.bill]", "[tables.Bill]", "tables.Bill", "no name we can use", None),
    ("min = 1, max = 9", "min = [1], max = 9", "tables.repair.fields.urgency.min", "number or text", None),
    ("attempts = 4", 'attempts = "4"', "site.limits.attempts", "whole number", None),
    ('title = "what"', "title = { a = 1 }", "tables.bill.title", "text in quotes", None),
    ("what = { type = \"text\" }", "what = 3", "tables.bill.fields.what", "a table", None),
    ("what = { type = \"text\" }", "what = {}", "tables.bill.fields.what.type", "missing", None),
    ('address = "counter@', '# address = "', "accounts.counter.address", "missing", None),
    ('name = "Bill number"', "", "rules[1].name", "missing", None),
    ('name = "Phone number in the text"', 'name = "Bill number"', "rules[2].name", "two rules", None),
    ("name = \"Ben's lists\"", 'name = " "', "filters[2].name", "1 to 200", None),
    # --- the site
    ('time_zone = "Europe/Vienna"', 'time_zone = "Vienna"', "site.time_zone", "no time zone", "Europe/Vienna"),
    ('time_zone = "Europe/Vienna"', 'time_zone = "Europe/Viena"', "site.time_zone", "no time zone", "Europe/Vienna"),
    ('language = "de-AT"', 'language = "Deutsch"', "site.language", "no language", None),
    ('domain = "desk', 'domain = "desk desk', "site.domain", "no domain", None),
    ('url = "https://', 'url = "gopher://', "site.url", "no web address", None),
    ('namespace = "nb"', 'namespace = "n-b"', "site.namespace", "small letters", None),
    ('"192.0.2.7"', '"192.0.2.777"', "site.trusted_peers[1]", "no IP address", None),
    ('"198.51.100.0/24"', '"198.51.100.7/24"', "site.trusted_peers[2]", "no network", "198.51.100.0/24"),
    ('"X-Verdict: junk"', '"junk"', "site.spam_header", "header", None),
    ('catch_all = "chief@', 'catch_all = "chief', "site.catch_all", "no email address", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "Counter@northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "counter+x@northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "fix@desk.northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "bench@desk.northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "nb_rider@desk.northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "postmaster@desk.northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "repair.11111111-2222-4333-8444-555555555555@desk.northgate.example"', "site.catch_all", "address of ours", None),
    ('catch_all = "chief@northgate.example"', 'catch_all = "chief@DESK.northgate.example"', "site.catch_all", "the domain of the records", None),
    ('update = ["herrichten"]', 'updte = ["herrichten"]', "site.words.updte", "no command", "update"),
    ('update = ["herrichten"]', 'update = ["Löschen"]', "site.words.update[1]", "means `delete`", None),
    ('help = ["servus"]', 'help = ["Herrichten"]', "site.words.help[1]", "means `update`", None),
    ('update = ["herrichten"]', 'update = ["Re: herrichten"]', "site.words.update[1]", "without a colon", None),
    ('update = ["herrichten"]', 'update = [" "]', "site.words.update[1]", "a word", None),
    ("attempts = 4", "attempt = 4", "site.limits.attempt", "no limit", "attempts"),
    ("attempts = 4", "attempts = -4", "site.limits.attempts", "from 0", None),
    ('"robot@*"', '"robot @*"', "site.block[1]", "is expected", None),
    ('authserv_ids = ["border.', 'authserv_ids = ["border ', "site.authserv_ids[1]", "authserv-id", None),
    # --- fields
    ("phone = { type = \"phone\" }", 'phone = { type = "fone" }', "tables.rider.fields.phone.type", "no field type", "phone"),
    ("rider = { type = \"link\", table = \"rider\" }", 'rider = { type = "link", table = "ridder" }', "tables.repair.fields.rider.table", "no table", "rider"),
    ("begin = { type = \"datetime\" }", 'begin = { type = "datetime", max_length = 3 }', "tables.repair.fields.begin.max_length", "takes no max_length", None),
    ("max = 9, default = 4", "max = 9, default = 14", "tables.repair.fields.urgency.default", "too large", None),
    ("min = 1, max = 9", "min = 10, max = 9", "tables.repair.fields.urgency.min", "above max", None),
    ('default = "In"', 'default = "Im"', "tables.repair.fields.state.default", "no such choice", "In"),
    ('choices = ["bell", "lights", "lock"]', "choices = []", "tables.repair.fields.extras.choices", "no choice", None),
    ("photos = { type = \"files\" }", 'photos = { type = "files", default = "x" }', "tables.repair.fields.photos.default", "takes no default", None),
    ("finish = { type = \"datetime\" }", 'nb_begin = { type = "datetime" }\nfinish = { type = "datetime" }', "tables.repair.fields.nb_begin", "namespace", None),
    # --- tables
    ('title = "what"', 'title = "waht"', "tables.bill.title", "no field", "what"),
    ('title = "subject"', 'title = "photos"', "tables.repair.title", "of another type", None),
    ('assignee = "mechanic"', 'assignee = "rider"', "tables.repair.assignee", "type person", "mechanic"),
    ('address = "emails"', 'address = "phone"', "tables.rider.person.address", "type email", "emails"),
    ('organisation = "club"', 'organisation = "clubb"', "tables.rider.person.organisation", "no field", "club"),
    ('files = "photos"', 'files = "diary"', "tables.repair.mail.files", "type files", "photos"),
    ('links = ["rider"]', 'links = ["rider", "mechanic"]', "tables.repair.mail.links[2]", "type link", "rider"),
    ('due = "promised"', 'due = "subject"', "tables.repair.schedule.due", "type date", None),
    ('field = "state"', 'field = "subject"', "tables.repair.workflow.field", "type choice", "state"),
    ('closed = ["Out"]', 'closed = ["Outt"]', "tables.repair.workflow.closed[1]", "no choice of state", "Out"),
    ('closed = ["Out"]', 'closed = ["In"]', "tables.repair.workflow.closed[1]", "in open too", None),
    ('reopen = "In"', 'reopen = "Out"', "tables.repair.workflow.reopen", "no open state", None),
    ('number = "RP-{0:05}"', 'number = "RP-"', "tables.repair.number", "no mask", None),
    ('number = "RP-{0:05}"', 'number = "{0}-{0}"', "tables.repair.number", "no mask", None),
    ('number = "RP-{0:05}"', 'number = "RP-{0}{x}"', "tables.repair.number", "no mask", None),
    ('number_was = ["Repair {0}"]', 'number_was = ["b{0}/26"]', "tables.bill.number", '"b1/26" would be a number', None),
    ('number_was = ["Repair {0}"]', 'number_was = ["B1{0}/26"]', "tables.bill.number", "would be a number", None),
    ('number = "RP-{0:05}"', "", "tables.repair.number_was", "number is missing", None),
    # --- addresses
    ("[tables.club]\n", "[tables.abuse]\n[tables.club]\n", "tables.abuse", "reserved", None),
    ('"workshop", "Fix"', '"Postmaster", "Fix"', "tables.repair.local_parts[1]", "reserved", None),
    ('"workshop", "Fix"', '"rider", "Fix"', "tables.repair.local_parts[1]", "both the table rider and the table repair", None),
    ('"workshop", "Fix"', '"nb_club", "Fix"', "tables.repair.local_parts[1]", "both", None),
    ('"workshop", "Fix"', '"fix", "Fix"', "tables.repair.local_parts[2]", "twice", None),
    ('"workshop", "Fix"', '"work shop", "Fix"', "tables.repair.local_parts[1]", "before the @", None),
    ('"workshop", "Fix"', '"work+shop", "Fix"', "tables.repair.local_parts[1]", "before the @", None),
    ('local_parts_was = ["bench"]', 'local_parts_was = ["fix"]', "tables.repair.local_parts_was[1]", "still means", None),
    ('local_parts_was = ["bench"]', 'local_parts_was = ["rider"]', "tables.repair.local_parts_was[1]", "both the table rider", None),
    ("[tables.club]\n", "[tables.nb_bill]\n[tables.club]\n", "tables.bill", "both", None),
    ('"counter@northgate.example"', '"rider@desk.northgate.example"', "accounts.counter.address", "address of the table rider", None),
    ('"counter@northgate.example"', '"noreply@desk.northgate.example"', "accounts.counter.address", "reserved", None),
    ('"cleo@northgate.example"', '"nb_bill@desk.northgate.example"', "people.cleo.addresses[1]", "address of the table bill", None),
    ('"counter@northgate.example"', '"Workshop@northgate.example"', "accounts.counter.address", "workshop and counter", None),
    ('"counter@northgate.example"', '"counter"', "accounts.counter.address", "no email address", None),
    # --- views
    ('table = "repair"\nwhere', 'table = "repairs"\nwhere', "views.on_the_stand.table", "no table", "repair"),
    ('table = "repair"\nwhere', 'table = "barrow"\nwhere', "views.on_the_stand.table", "retired", None),
    ("urgency = 9 }", "urgncy = 9 }", "views.on_the_stand.where.urgncy", "no field", "urgency"),
    ("urgency = 9 }", 'urgency = "high" }', "views.on_the_stand.where.urgency", "no number", None),
    ('where = { state = ["In"', 'where = { state = ["Inn"', "views.on_the_stand.where.state[1]", "no such choice", "In"),
    ('"-urgency", "promised"', '"-urgency", "promise"', "views.on_the_stand.sort[2]", "no field", "promised"),
    ('"-urgency", "promised"', '"-urgency", "-photos"', "views.on_the_stand.sort[2]", "can't be sorted", None),
    ("urgency = 9 }", 'created_at = "2026-01-01" }', "views.on_the_stand.where.created_at", "only sorted", None),
    ("urgency = 9 }", 'diary = "x" }', "views.on_the_stand.where.diary", "can't be filtered", None),
    # --- roles, teams, people
    ("rider = { read", "ridr = { read", "roles.mechanic.grants.ridr", "no table", "rider"),
    ('actions = ["finish"]', 'actions = ["finsh"]', "roles.mechanic.grants.repair.actions[1]", "no process", "finish"),
    ('rider = { read = "all"', 'rider = { actions = ["finish"], read = "all"', "roles.mechanic.grants.rider.actions[1]", "for the table repair", None),
    ('price = "read"', 'prise = "read"', "roles.mechanic.grants.repair.fields.prise", "no field", "price"),
    ('update = "team"', 'update = "teams"', "roles.mechanic.grants.repair.update", "one of", "team"),
    ('members = ["cleo", "ben"]', 'members = ["cleo", "bene"]', "teams.workshop.members[2]", "no person", "ben"),
    ('members = ["cleo", "ben"]', 'members = ["cleo", "counter"]', "teams.workshop.members[2]", "guest", None),
    ("[people.cleo]", "[people.operator]\n[people.cleo]", "people.operator", "command line", None),
    ('roles = ["boss"]', 'roles = ["bos"]', "people.ada.roles[1]", "no role", "boss"),
    ('roles = ["passer_by"]', 'roles = ["boss"]', "people.counter.roles[1]", "strangers", None),
    ('"ada@phone.example"', '"ADA@northgate.example"', "people.ada.addresses[2]", "twice", None),
    ('"cleo@northgate.example"', '"ada@phone.example"', "people.cleo.addresses[1]", "ada and cleo", None),
    ('"cleo@northgate.example"', '"cleo@"', "people.cleo.addresses[1]", "no email address", None),
    ('time_zone = "America/Lima"', 'time_zone = "America/Limo"', "people.ben.time_zone", "no time zone", "America/Lima"),
    ('language = "es"', 'language = "e"', "people.ben.language", "no language", None),
    ('"2026-08-01/2026-08-20"', '"2026-08-20/2026-08-01"', "people.ben.away[1]", "no span of days", None),
    # --- accounts
    ('table = "repair"\ncreate', 'table = "repare"\ncreate', "accounts.workshop.table", "no table", "repair"),
    ('guest = "counter"', 'guest = "conter"', "accounts.workshop.guest", "no person", "counter"),
    ('guest = "counter"', 'guest = "cleo"', "accounts.workshop.guest", "no guest person", None),
    ('team = "workshop"\n', 'team = "worksho"\n', "accounts.workshop.team", "no team", "workshop"),
    ('auto_reply = "hello"', 'auto_reply = "helo"', "accounts.workshop.auto_reply", "no template", "hello"),
    ('owner = "ben"', 'owner = "bern"', "accounts.ben.owner", "no person", "ben"),
    ('owner = "ben"', "", "accounts.ben.owner", "needs an owner", None),
    ("map = { subject =", "map = { subjekt =", "accounts.workshop.map.subjekt", "no field", "subject"),
    ('begin = "date" }', 'begin = "dat" }', "accounts.workshop.map.begin", "nothing of a mail", "date"),
    ('photos = "images"', 'photos = "text"', "accounts.workshop.map.photos", "can't be put", None),
    ("preset = { urgency = 2", "preset = { urgent = 2", "accounts.workshop.preset.urgent", "no field", "urgency"),
    ("preset = { urgency = 2", "preset = { urgency = 12", "accounts.workshop.preset.urgency", "too large", None),
    ('mechanic = "ben", extras', 'mechanic = "Bob", extras', "accounts.workshop.preset.mechanic", "No person", None),
    ('extras = ["bell"]', 'extras = ["bel"]', "accounts.workshop.preset.extras", "no such choice", "bell"),
    ('price = "10.50"', 'price = "10.505"', "accounts.workshop.preset.price", "Expected", None),
    ('"least_busy", team = "workshop"', '"least_busy", team = "shop"', "accounts.workshop.distribution.team", "no team", "workshop"),
    ('"least_busy", team = "workshop"', '"least_busy"', "accounts.workshop.distribution.team", "needs a team", None),
    ('"direct", person = "cleo"', '"direct", person = "cloe"', "accounts.counter.distribution.person", "no person", "cleo"),
    ('"direct", person = "cleo"', '"direct"', "accounts.counter.distribution.person", "needs a person", None),
    ('send_as = { roles = ["mechanic"]', 'send_as = { roles = ["mechanik"]', "accounts.workshop.send_as.roles[1]", "no role", "mechanic"),
    ('begin = "BEGIN", end = "END"', 'begin = "END", end = "END"', "accounts.workshop.parse.end", "the same", None),
    ('types = ["jpg", "pdf"]', 'types = ["jpg", ".PDF"]', "accounts.workshop.attachments.types[2]", "no file type", "pdf"),
    ("port = 993", "port = 99399", "accounts.workshop.imap.port", "no port", None),
    ('host = "imap.', 'host = "imap ', "accounts.workshop.imap.host", "no host name", None),
    ("since = 2026-02-03", 'since = "last week"', "accounts.workshop.imap.since", "no date", None),
    ('password_env = "WORKSHOP_PASSWORD", folders', 'password_env = "hunter 2", folders', "accounts.workshop.imap.password_env", "never the password", None),
    ("every_minutes = 15", "every_minutes = 2000", "accounts.workshop.every_minutes", "from 0 to 1440", None),
    # --- filters, rules, templates, processes
    ('scope = "person:ben"', 'scope = "person:benn"', 'filters."Ben\'s lists".scope', "no person", "ben"),
    ('scope = "person:ben"', 'scope = "all"', 'filters."Ben\'s lists".scope', "no scope", None),
    ('then = "ignore"', 'then = "ignored"', 'filters."Robots that are well".then', "can't be done", "ignore"),
    ('from = "lists@*"', "", 'filters."Ben\'s lists"', "every mail", None),
    ("'(?i)B([0-9]+)/26'", "'(?i)B([0-9]+/26'", 'rules."Bill number".pattern', "no pattern", None),
    ("'(?i)B([0-9]+)/26'", "'B(?=x)'", 'rules."Bill number".pattern', "no pattern", None),
    ('source = "header:X-Bill"', 'source = "header"', 'rules."Bill number".source', "no part of a mail", "header:NAME"),
    ('source = "text"', 'source = "txt"', 'rules."Phone number in the text".source', "no part of a mail", "text"),
    ('field = "phone"', 'field = "fone"', 'rules."Phone number in the text".field', "no field", "phone"),
    ('field = "phone"', 'field = "number"', 'rules."Phone number in the text".field', "no automatic number", None),
    ('table = "repair"\nsubject', 'table = "repaire"\nsubject', "templates.ready.table", "no table", "repair"),
    ("We have it: {{ record.number }}", "We have it: {{ record.number", "templates.hello.subject", "no template", None),
    ('assurance = "E3"', 'assurance = "E7"', "processes.finish.assurance", "no level", "E6"),
    ("{ comment =", "{ coment =", "processes.finish.steps[2].coment", "no such key", "comment"),
    ("{ set = { state =", "{ set = { stat =", "processes.finish.steps[1].set.stat", "no field", "state"),
    ('notify = { person = "ada"', 'notify = { person = "adda"', "processes.finish.steps[4].notify.person", "no person", "ada"),
    ('notify = { person = "ada"', 'notify = { persn = "ada"', "processes.finish.steps[4].notify.persn", "no such key", "person"),
    ('why = { type = "text"', 'why = { type = "texxt"', "processes.finish.parameters.why.type", "no field type", "text"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[2] + " " + case[3])
def test_a_fault_is_named_with_its_line_key_and_nearest_name(firm, case):
    # given the firm with one thing that is wrong
    old, new, path, piece, near = case
    assert firm.count(old) >= 1
    text = firm.replace(old, new, 1)
    # when the file is checked
    result = checked(text)
    # then nothing stands, and the fault is there with the line of the key
    assert result.setup is None
    found = [fault for fault in result.faults if dotted(fault.path) == path and piece in fault.what]
    assert found, [fault.text("firm.toml") for fault in result.faults]
    assert found[0].near == near
    assert found[0].line == line_of(text, firm, old, found[0])
    assert found[0].text("firm.toml").startswith(f"firm.toml:{found[0].line}: {path}: ")


# A key that is missing is told at the thing that lacks it; of two that clash, the second is told.
ELSEWHERE = {
    "tables.bill.number": 'number = "B{0}/26"',
    "accounts.counter.address this key is missing": "[accounts.counter]",
    "rules[1].name this key is missing": "[[rules]]",
    "tables.repair.number_was": "number_was = ",
    "tables.bill ": "[tables.bill]",
    "accounts.ben.owner a personal": "[accounts.ben]",
    'filters."Ben\'s lists" ': "[[filters]]\nname = \"Ben's",
}


def line_of(text, firm, old, fault):
    """The line that was changed, or that of the thing named above; counted in the text."""
    said = f"{dotted(fault.path)} {fault.what}"
    marker = next((marker for start, marker in ELSEWHERE.items() if said.startswith(start)), None)
    return text.count("\n", 0, text.index(marker) if marker else firm.index(old)) + 1


def test_every_fault_is_listed_in_the_order_of_the_file(firm):
    # given six faults of all kinds at once
    text = firm
    for old, new in [
        ('language = "de-AT"', 'langauge = "de"'),
        ('title = "what"', "title = 3"),
        ('roles = ["boss"]', 'roles = ["bos"]'),
        ('address = "counter@northgate.example"', ""),
        ('auto_reply = "hello"', 'auto_reply = "hallo"'),
        ("'(?i)B([0-9]+)/26'", "'('"),
    ]:
        text = text.replace(old, new, 1)
    faults = checked(text).faults
    assert [dotted(fault.path) for fault in faults] == [
        "site.langauge",
        "tables.bill.title",
        "people.ada.roles[1]",
        "accounts.workshop.auto_reply",
        "accounts.counter.address",
        'rules."Bill number".pattern',
    ]
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)


def test_names_that_only_the_stored_setup_has_are_no_fault(firm):
    # given a stored firm, and a file that adds a view on one of its tables
    from addressee.setup.difference import Stored

    stored = Stored(checked(firm).tree, {}, {})
    assert checked('[views.all]\ntable = "repair"', stored).setup is not None
    # but a name that neither has is one
    (fault,) = checked('[views.all]\ntable = "repare"', stored).faults
    assert (fault.line, fault.near) == (2, "repair")


def test_a_clash_with_what_stands_is_told_at_the_line_of_the_file(firm):
    from addressee.setup.difference import Stored

    stored = Stored(checked(firm).tree, {}, {})
    (fault,) = checked('[tables.club]\nlocal_parts = ["workshop"]', stored).faults
    assert fault.line == 2
    assert fault.what == "workshop@ would mean both the table club and the table repair."
