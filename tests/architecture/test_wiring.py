"""The table of who reacts to what names functions that exist, and every fact has a row."""

import importlib
import inspect
import pkgutil

from django.utils.module_loading import import_string

import creators
import shops
from liveshop.wiring import TABLE
from shops.facts.publishing import Fact


def _facts():
    for package in (shops, creators):
        for room in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            try:
                events = importlib.import_module(f"{room.name}.events")
            except ModuleNotFoundError:
                continue
            for _, cls in inspect.getmembers(events, inspect.isclass):
                if issubclass(cls, Fact) and cls.__module__ == events.__name__:
                    yield cls


def test_every_fact_has_a_row_in_the_table():
    bases = {cls for fact in _facts() for cls in fact.__mro__[1:]}
    assert {fact for fact in _facts() if fact not in bases} == set(TABLE)


def test_fact_names_are_unique_because_the_outbox_finds_them_by_name():
    names = [fact.__name__ for fact in TABLE]
    assert len(names) == len(set(names))


def test_every_reaction_exists_and_takes_the_fact():
    for on in TABLE.values():
        for name in on.must:
            assert {"event_id", "now"} <= set(inspect.signature(import_string(name)).parameters)
        for name in on.show:
            assert len(inspect.signature(import_string(name)).parameters) == 1
