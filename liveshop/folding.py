"""Templates are loaded with what is the same for all readers of a language put into one piece.

A page has some hundred small parts that never change: translated words, addresses of files and of
pages, icons. Drawing each anew took as long as all that is somebody's own. What lies between two
parts that do change is drawn once for each language and kept, as by `{% same %}`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Final

from django.template import Origin, Template
from django.template.base import FilterExpression, Node, NodeList, TextNode
from django.template.defaulttags import (
    AutoEscapeControlNode,
    CommentNode,
    IfNode,
    LoadNode,
    URLNode,
)
from django.template.loader_tags import IncludeNode
from django.template.loaders import base, cached
from django.templatetags.i18n import TranslateNode
from django.templatetags.static import StaticNode

from shops.facts.templatetags.same import Same

# It shows nothing but the name that is given to it.
_ICON: Final = "parts/icon.html"


class _Folding(base.Loader):
    def get_template(self, template_name: str, skip: list[Origin] | None = None) -> Template:
        template: Template = super().get_template(template_name, skip)
        _fold(template.nodelist)
        template.nodelist = _Finished(template.nodelist)
        return template


class Loader(cached.Loader, _Folding):
    """Django's, which keeps templates; they are folded before they are kept."""


class _Finished(NodeList):
    """A template's nodes, which stay as they are: its blocks are looked for once."""

    def __init__(self, nodes: NodeList) -> None:
        super().__init__(nodes)
        self._found: dict[Any, list[Node]] = {}

    def get_nodes_by_type(self, nodetype: Any) -> list[Node]:
        found = self._found.get(nodetype)
        if found is None:
            found = self._found[nodetype] = super().get_nodes_by_type(nodetype)
        return found


def _fold(nodes: NodeList) -> None:
    """Put what never changes and stands side by side into one piece, here and further in."""
    folded: list[Node] = []
    for never_changes, group in groupby(nodes, key=_never_changes):
        run = list(group)
        if not never_changes:
            for node in run:
                for inner in _lists_in(node):
                    _fold(inner)
            folded += run
        elif all(isinstance(node, TextNode) for node in run):
            folded += run
        else:
            folded.append(_piece(run))
    nodes[:] = folded


def _piece(run: Sequence[Node]) -> Node:
    piece = Same(NodeList(run))
    # Where it is, for who reads about a mistake in it.
    piece.token, piece.origin = run[0].token, run[0].origin
    return piece


def _lists_in(node: Node) -> Iterator[NodeList]:
    if isinstance(node, AutoEscapeControlNode):
        return
    if isinstance(node, IfNode):
        yield from (inner for _condition, inner in node.conditions_nodelists)
        return
    for name in node.child_nodelists:
        inner = getattr(node, name, None)
        if isinstance(inner, NodeList):
            yield inner


def _never_changes(node: Node) -> bool:
    match node:
        case TextNode() | Same() | LoadNode() | CommentNode():
            return True
        case TranslateNode():
            return not (node.asvar or node.message_context) and _is_said(node.filter_expression)
        case StaticNode():
            return not node.varname and _is_said(node.path)
        case URLNode():
            return not (node.asvar or node.args or node.kwargs) and _is_said(node.view_name)
        case IncludeNode():
            return _is_icon(node)
    return False


def _is_icon(node: IncludeNode) -> bool:
    return (
        _is_said(node.template)
        and _text(node.template) == _ICON
        and node.extra_context.keys() == {"name"}
        and _is_said(node.extra_context["name"])
    )


def _is_said(expression: FilterExpression) -> bool:
    """Tell whether a template says it itself, and asks nobody for it."""
    if expression.filters:
        return False
    return not expression.is_var or expression.var.literal is not None


def _text(expression: FilterExpression) -> object:
    return expression.var.literal if expression.is_var else expression.var
