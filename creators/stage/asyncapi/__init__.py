"""The stage's protocol as an AsyncAPI 3 document, made from the classes that speak it."""

from creators.stage.asyncapi.document import as_yaml, document

__all__ = ["as_yaml", "document"]
