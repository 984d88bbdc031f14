"""The site's web part, which dies at a step."""

from liveshop.asgi import application  # noqa: F401  # first: it sets Django up

from tests.faults import dying  # isort: skip

dying.rig()
