"""Write the API's document to docs/openapi.yaml, or say that what is there is stale."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from liveshop.api_document import as_yaml


class Command(BaseCommand):
    help = "Write the API's OpenAPI document; with --check, compare it with the written one."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="write nothing; fail when stale")
        parser.add_argument("--output", type=Path, help="another file than docs/openapi.yaml")

    def handle(self, *, check: bool, output: Path | None, **options: Any) -> None:
        file = output or settings.BASE_DIR / "docs" / "openapi.yaml"
        text = as_yaml()
        if not check:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            raise CommandError(f"{file.name} is stale: run make openapi and commit it.")
