"""The words that are commands, in five languages and as a site adds them: folded word -> action or process. Pure.

English words count everywhere, and those of the site's language; the words of all languages for persons with a role.
A stranger who writes "Aufgabe" to a firm that speaks French wants no task made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from addressee.core.fieldtype import whole
from addressee.core.locales import habits
from addressee.core.registry import actions
from addressee.core.setup import Setup

WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "attach": {"de": ("anhängen",), "fr": ("joindre",), "es": ("adjuntar",), "pt": ("anexar",)},
    "comment": {
        "de": ("kommentar", "kommentieren"),
        "fr": ("commentaire", "commenter"),
        "es": ("comentario", "comentar"),
        "pt": ("comentário", "comentar"),
    },
    "create": {"de": ("anlegen", "erstellen"), "fr": ("créer",), "es": ("crear",), "pt": ("criar",)},
    "delete": {
        "de": ("löschen",),
        "fr": ("supprimer",),
        "es": ("eliminar", "borrar"),
        "pt": ("eliminar", "apagar", "excluir"),
    },
    "event": {"de": ("termin",), "fr": ("événement", "rendez-vous"), "es": ("evento",), "pt": ("evento",)},
    "follow": {"de": ("folgen",), "fr": ("suivre",), "es": ("seguir",), "pt": ("seguir",)},
    "help": {"de": ("hilfe",), "fr": ("aide",), "es": ("ayuda",), "pt": ("ajuda",)},
    "read": {"de": ("lesen",), "fr": ("lire",), "es": ("leer",), "pt": ("ler",)},
    "restore": {"de": ("wiederherstellen",), "fr": ("restaurer",), "es": ("restaurar",), "pt": ("restaurar",)},
    "run": {"de": ("ausführen",), "fr": ("exécuter",), "es": ("ejecutar",), "pt": ("executar",)},
    "task": {"de": ("aufgabe",), "fr": ("tâche",), "es": ("tarea",), "pt": ("tarefa",)},
    "undo": {"de": ("rückgängig",), "fr": ("annuler",), "es": ("deshacer",), "pt": ("desfazer",)},
    "unfollow": {
        "de": ("nicht mehr folgen",),
        "fr": ("ne plus suivre",),
        "es": ("dejar de seguir",),
        "pt": ("deixar de seguir",),
    },
    "update": {
        "de": ("ändern", "aktualisieren"),
        "fr": ("modifier",),
        "es": ("actualizar", "modificar"),
        "pt": ("atualizar", "alterar"),
    },
    "why": {"de": ("warum",), "fr": ("pourquoi",), "es": ("por qué",), "pt": ("por quê", "porquê")},
}


def every(setup: Setup) -> dict[str, str]:
    """Each word that is a command for somebody; of a process it is the word itself."""
    return _words(setup, ("de", "fr", "es", "pt"))


def of_strangers(setup: Setup) -> dict[str, str]:
    """Those that are commands for an author without a role."""
    return _words(setup, (habits(setup.site.language).language,))


def built_in(languages: Iterable[str] = ("de", "fr", "es", "pt")) -> Iterator[tuple[str, str, str]]:
    """(language, folded word, action) of each word that is not English."""
    spoken = tuple(languages)
    for action, by_language in WORDS.items():
        for language, words in by_language.items():
            if language in spoken and action in actions:
                yield from ((language, whole(word), action) for word in words)


def _words(setup: Setup, languages: Iterable[str]) -> dict[str, str]:
    """What a site says itself goes before what we brought; an action's own name means nothing else."""
    out = {word: action for _, word, action in built_in(languages)}
    out |= {word: word for word in setup.process_by_word}
    out |= {whole(word): action for action, words in setup.site.words.items() for word in words}
    return out | {name: name for name in actions}
