"""Folded templates say what Django's own say, and leave nothing that never changes unfolded."""

import pytest
from django.template import Context, engines
from django.template.base import Node
from django.template.engine import Engine
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode
from django.utils import translation

from shops.facts.templatetags.same import Same

OWN = {
    "words": '{% load i18n %}<p>{% translate "Sunday" %} {% translate "May" %} 100%</p>',
    "named": '{% load i18n %}{% translate "Sunday" as day %}[{{ day }}]{% translate day %}',
    "asked": '{% load i18n %}{% translate name %}{% translate "Sunday"|upper %}{{ name }}',
    "meant": '{% load i18n %}{% translate "May" context "abbrev. month" %}',
    "branches": '{% load i18n %}{% if name %}{% translate "Sunday" %}!{% else %}'
    '{% translate "May" %}{% endif %}{% for one in list %}{% translate "May" %}{{ one }}'
    '{% empty %}{% translate "Sunday" %}{% endfor %}{% with x=name %}{{ x }}'
    '{% translate "Sunday" %}{% endwith %}',
    "unescaped": '{% load i18n %}{% autoescape off %}{{ name }}{% translate "a & b" %}'
    "{% endautoescape %}",
    "files": "{% load static %}<link href=\"{% static 'x.css' %}\">{% static name as y %}{{ y }}"
    "{% static name %}",
    "addresses": "{% url 'checkout:cart' %} {% url 'checkout:line' 5 %} {% url name %}",
    "icons": '{% include "parts/icon.html" with name="cart" %}{{ name }}'
    '{% include "parts/icon.html" with name=name %}{% include "parts/icon.html" %}',
    "parts/icon.html": "{% load static %}<i>{% static 'icons.svg' %}#{{ name }}</i>",
    "base": '{% load i18n %}{% translate "Sunday" %}{% block a %}{% translate "May" %}'
    "{% endblock %}{% if name %}{% block b %}{{ name }}{% endblock %}{% endif %}"
    "{% comment %}x{% endcomment %}",
    "child": '{% extends "base" %}{% load i18n %}{% block a %}{{ block.super }}'
    '{% translate "May" %}{% endblock %}{% block b %}b{{ name }}{% endblock %}',
    "grandchild": '{% extends "child" %}{% block b %}{{ block.super }}c{% endblock %}',
    "language": '{% load i18n %}{% language "it" %}{% translate "Sunday" %}{% endlanguage %}'
    '{% translate "Sunday" %}',
}


@pytest.fixture(scope="module")
def both():
    """Give one engine as Django has it and one that folds, with the same templates."""
    shared = engines["django"].engine
    own = [("django.template.loaders.locmem.Loader", OWN)]
    return [
        Engine(loaders=loaders, libraries=shared.libraries)
        for loaders in (own, [("liveshop.folding.Loader", own)])
    ]


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize("name", OWN)
def test_folded_templates_say_the_same_to_each_reader(both, name, language):
    said = [
        [
            engine.get_template(name).render(Context({"name": who, "list": [1, 2] if who else []}))
            # More than once: what is kept is shown to the others.
            for who in ("checkout:cart", "checkout:add", "<b>", "")
            if who.startswith("checkout") or name != "addresses"
        ]
        for engine in both
        for _ in ("first", "again")
        if translation.activate(language) is None
    ]

    assert said[0] == said[1] == said[2] == said[3]


@pytest.mark.parametrize("name", ["base.html", "checkout/checkout.html"])
def test_nothing_is_left_that_never_changes(name):
    def loose(nodes):
        for node in nodes:
            if isinstance(node, TranslateNode | StaticNode):
                yield node
            elif not isinstance(node, Same):
                for inner in node.child_nodelists:
                    yield from loose(getattr(node, inner, None) or [])

    template = engines["django"].get_template(name).template
    assert not list(loose(template.nodelist))
    assert template.nodelist.get_nodes_by_type(Node)
