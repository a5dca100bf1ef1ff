"""The shelves: plug-ins found by name. A name taken twice is an error at start."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shelf(Generic[T]):
    """One kind of plug-in. `discover` imports every module of its package, whose decorators fill it."""

    def __init__(self, package: str) -> None:
        self.package = package
        self._entries: dict[str, T] = {}
        self._discovered = False

    def put(self, name: str, entry: T) -> T:
        if name in self._entries:
            raise ValueError(f"{self.package}: two plug-ins are named {name!r}")
        self._entries[name] = entry
        return entry

    def discover(self) -> None:
        """Import the package's modules once; third parties are imported by config (entry points)."""
        if not self._discovered:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
            self._discovered = True  # last: another thread must not find a shelf half filled

    def __getitem__(self, name: str) -> T:
        self.discover()
        return self._entries[name]

    def get(self, name: str) -> T | None:
        self.discover()
        return self._entries.get(name)

    def __contains__(self, name: str) -> bool:
        self.discover()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self.discover()
        return iter(self._entries)

    def items(self) -> list[tuple[str, T]]:
        self.discover()
        return list(self._entries.items())


fields: Shelf[Any] = Shelf("addressee.fields")
actions: Shelf[Any] = Shelf("addressee.actions")
rules: Shelf[Any] = Shelf("addressee.rules")
transports: Shelf[Any] = Shelf("addressee.transports")
languages: Shelf[Any] = Shelf("addressee.languages")


def register(shelf: Shelf[Any], name: str) -> Callable[[type], type]:
    """A class decorator that puts one instance of the class on a shelf."""

    def put(cls: type) -> type:
        shelf.put(name, cls())
        return cls

    return put
