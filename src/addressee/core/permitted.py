"""What the author may do: create, comment, write which fields, and who sees it. Pure; a part of decide."""

from __future__ import annotations

from typing import Any

from addressee.core.action import Action
from addressee.core.addresses import normal
from addressee.core.authorise import extent, field_access, has_role, is_staff
from addressee.core.checks import barred
from addressee.core.language import Saying, saying
from addressee.core.reasons import Reason
from addressee.core.said import Said
from addressee.core.values import (
    Actor,
    Assurance,
    RecordState,
    Right,
    Visibility,
)


class Permitted(Said):
    """Answers from the rights of roles, tokens and a person's release; plans nothing."""

    __slots__ = ()

    def _what(self, action: Action) -> str:
        return f"{action.name} {self.process}" if self.process else action.name

    def _creator(self) -> tuple[Actor, tuple[Reason, Saying | str] | None]:
        """With whose rights the record may be made: the author's own, the guest's, or why not at all."""
        actor, guest = self.actor, self.identity.guest
        table = self.route.table
        override = self.delivery.override
        if override is not None and self.released:
            self.used_right = f"{override.kind} by {override.by}"
            return actor, None
        if self.account is not None and not self.account.create:
            return actor, (Reason.CREATE_OFF, saying("why.create-off", account=self.account_key))
        if has_role(actor.person):
            if self._sure(Assurance.E3):
                if extent(actor.person, Right.CREATE, table, self.setup) == "none":
                    return actor, (Reason.NOT_PERMITTED, saying("why.no-role-creates", who=actor.key, table=table))
                self.used_right = f"create on {table} by role"
                self.note("authorise", "create", f"a role of {actor.key} may create in {table}")
                return actor, None
            if guest is None:
                return actor, (Reason.NOT_PROVEN, "")
            self.note("authorise", "as a guest", f"{actor.key} is not sure enough, so the guest's rights count")
        if guest is None:
            return actor, (Reason.STRANGER, saying("why.no-guests"))
        if not self._sure(Assurance.E0):
            return guest, (Reason.NOT_PROVEN, saying("why.one-level-more"))
        if extent(guest.person, Right.CREATE, table, self.setup) == "none":
            return guest, (Reason.NOT_PERMITTED, saying("why.guest-may-not-create", who=guest.key, table=table))
        limited = self._guest_limit(guest)
        if limited:
            return guest, (Reason.RATE_LIMIT, limited)
        self.used_right = f"create on {table} lent by guest {guest.key}"
        self.guest_create = True
        self.note("authorise", "create", f"the guest {guest.key} may create in {table}")
        return guest, None

    def _guest_limit(self, guest: Actor) -> Saying | None:
        address = guest.address or "(no author)"
        domain = "@" + address.rpartition("@")[2]
        per_address, per_domain = self.setup.option("creates_per_hour"), self.setup.option("domain_creates_per_hour")
        if self.snapshot.count(address).creates_hour >= per_address:
            return saying("why.creates-of-address", most=per_address)
        if self.snapshot.count(domain).creates_hour >= per_domain:
            return saying("why.creates-of-domain", most=per_domain)
        return None

    def _comment_right(self, record: RecordState) -> tuple[bool, str]:
        """E3 and a right, or a token by the address it was issued to, or shown unverified by the account's will."""
        override = self.delivery.override
        if override is not None and self.released:
            return True, f"{override.kind} by {override.by}"
        own_token = self.actor.token is not None and self.found.token is not None and self._sure(Assurance.E2)
        if own_token and not has_role(self.actor.person):
            return True, "the reply token was issued to this address for this record"
        reach = self._reaches(Right.COMMENT, record)
        if not reach:
            return False, "no-right"
        if self._sure(Assurance.E3) or own_token:
            return True, f"comment on {record.table}: {reach}"
        if self.account is not None and self.account.unverified == "show":
            self.unverified = True
            return True, f"the account shows unverified mail; comment on {record.table}: {reach}"
        return False, "not-proven"

    def _visibility(self, record: RecordState, prose: str) -> tuple[Visibility, str]:
        """Law 16. An outsider's post is public; staff's is internal unless it answers a notice or addresses one."""
        if not has_role(self.actor.person):
            return Visibility.PUBLIC, prose
        first, _, rest = prose.lstrip().partition("\n")
        if first.strip().rstrip(":").rstrip().casefold() == "note":
            self.note("visibility", "internal", "the first line is `note`")
            return Visibility.INTERNAL, rest.strip()
        if self.found.conflict or self.unverified:
            self.note("visibility", "internal", "who wrote it, or about what, is not sure")
            return Visibility.INTERNAL, prose
        named = {normal(m.address) for m in (*self.message.to, *self.message.cc)}
        bound = self.snapshot.correspondents.get(record.uuid, {})
        addressed = [
            address
            for address, bond in bound.items()
            if address in named and bond.corresponds and not is_staff(address, self.snapshot)
        ]
        answers_notice = self.actor.token is not None and self.found.token is not None and self.found.token.notice
        if answers_notice and (self.account is None or self.account.staff_replies == "public"):
            self.note("visibility", "public", "it answers the notice of a correspondent's message")
            return Visibility.PUBLIC, prose
        if addressed:
            self.note("visibility", "public", "a correspondent of the record is addressed")
            return Visibility.PUBLIC, prose
        self.note("visibility", "internal", "staff's post, and no correspondent is addressed")
        return Visibility.INTERNAL, prose

    def _denied(self, record: RecordState | None, values: dict[str, Any], access: str = "write") -> Saying | None:
        """Which of the fields that the lines name the actor's roles keep from him, in words, or "".

        A value that he may read and sends back as it stands needs no right.
        """
        if self.released and record is None:
            return None
        same = self._unchanged(record, values)
        kept = barred(self.actor.person, self.form, self.named - same, self.setup, access)
        if not kept:
            return None
        slug = "why.may-not-read" if access == "read" else "why.may-not-write"
        return saying(slug, who=self._who_is(), fields=tuple(kept), table=self.form)

    def _out_of_reach(self, action: Action, record: RecordState | None) -> Saying:
        if record is None:
            return saying("why.no-right-on-table", who=self._who_is(), action=self._what(action))
        return saying("why.no-right-on-record", who=self._who_is(), action=self._what(action))

    def _unchanged(self, record: RecordState | None, values: dict[str, Any]) -> set[str]:
        """The fields of the record that the lines name, the actor may read, and whose values stand already."""
        if record is None or self.form != record.table or not self._reaches(Right.READ, record):
            return set()
        person, table = self.actor.person, record.table
        same = {name for name, value in values.items() if record.values.get(name) == value}
        return {name for name in same if field_access(person, table, name, self.setup) != "none"}

    def _sensitive(self, values: dict[str, Any]) -> bool:
        live = self.setup.tables[self.form].live_fields
        return any(live[name].sensitive for name in values)
