"""The words that are commands: in any case, in five languages, as a site adds them; and never in an answer (U-24)."""

from __future__ import annotations

import unicodedata

import pytest

from addressee.core.registry import actions
from addressee.core.words import WORDS, built_in

BEN, ADA, CARLA = "ben@example.test", "ada@example.test", "carla@cust.example"

# How mail programs begin the subject of an answer or of mail sent on, in more than twenty languages.
PREFIXES = [
    "Re:", "RE: ", "re : ", "Re[2]: ", "Re^3: ", "Re：", "AW: ", "Antwort: ", "WG: ", "Fwd: ", "FW: ", "TR: ", "RÉF: ",
    "RV: ", "RES: ", "ENC: ", "Odp: ", "PD: ", "SV: ", "VS: ", "VL: ", "VB: ", "Antw: ", "Doorst: ", "YNT: ", "İLT: ",
    "ΑΠ: ", "ΠΡΘ: ", "Отв: ", "Пер: ", "НА: ", "Vá: ", "Továbbítás: ", "RIF: ", "I: ", "R: ", "回复: ", "回复：", "回覆：",
    "转发: ", "轉寄: ", "返信: ", "転送: ", "답장: ", "전달: ", "תגובה: ", "הועבר: ", "رد: ", "إعادة توجيه: ", "ตอบ: ", "Trả lời: ",
    "Atb: ", "Ats: ", "Odg: ", "Răsp: ", "Bls: ", "Balas: ", "SV: Re: ", "Re: AW: ", "Accepted: ",
]  # fmt: skip


def ticket(office, body="A pump"):
    return office.mail(ADA, "support@example.test", "create", body).number


@pytest.mark.parametrize("prefix", PREFIXES)
def test_given_the_prefix_of_an_answer_when_a_command_word_follows_it_then_it_is_none(office, prefix):
    n = ticket(office)
    for word in ("delete", "löschen"):
        line = office.mail(ADA, office.address(n), f"{prefix}{word}", "x", login="ada")
        assert line.kinds == ["comment"], line["trace"]
    line = office.mail(ADA, office.address(n), f"{prefix}T-{n} update", "priority: 5", login="ada")
    assert office.values(n)["priority"] == 2
    assert line.kinds == ["comment"]
    assert office.ticket(n).deleted_at is None


def test_given_the_words_of_all_languages_when_compared_then_each_means_one_action_and_none_is_another_s_name():
    meant: dict[str, str] = {}
    for _, word, action in built_in():
        assert meant.setdefault(word, action) == action, word
        assert word not in actions
    assert set(WORDS) == {name for name in actions}
    assert all(set(words) == {"de", "fr", "es", "pt"} for words in WORDS.values())


@pytest.mark.parametrize(
    "word", ["ändern", "ÄNDERN", "Modifier", "actualizar", "Atualizar", unicodedata.normalize("NFD", "ändern")]
)
def test_given_a_person_when_he_says_update_in_a_language_of_ours_then_it_is_done(office, word):
    n = ticket(office)
    line = office.mail(BEN, office.address(n), f"{word} T-{n}", "priority: 5")

    assert line.kinds == ["update"]
    assert line.why("command")[0].startswith("update")
    assert office.values(n)["priority"] == 5


@pytest.mark.parametrize(("language", "made"), [("en", True), ("de-AT", False)])
def test_given_a_customer_when_he_writes_hilfe_then_it_is_a_command_only_where_the_site_speaks_german(
    office, language, made
):
    office.change({"site.language": language})
    line = office.mail(CARLA, "support@example.test", "Hilfe", "Die Pumpe tropft")

    assert ("create" in line.kinds) is made
    assert office.count() == (1 if made else 0)


def test_given_words_of_the_site_when_said_by_anyone_then_they_are_commands(office):
    office.change({"site.words": {"update": ["wijzig", "Pas aan"], "create": ["nieuw"]}})
    n = office.mail(BEN, "support@example.test", "Nieuw", "Een pomp\npriority: 4").number
    office.mail(BEN, office.address(n), "pas  AAN", "priority: 5")

    assert (office.values(n)["name"], office.values(n)["priority"]) == ("Een pomp", 5)


def test_given_why_and_undo_in_german_when_asked_then_the_message_before_is_told(office):
    n = ticket(office)
    office.mail(BEN, office.address(n), "update", "priority: 9")
    assert "bad-value" in office.mail(BEN, office.address(n), "warum", "").answer()
