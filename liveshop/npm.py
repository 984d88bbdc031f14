"""Third-party browser files: a static-files finder for named files of node_modules, no others."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import FileSystemStorage, Storage


class _Renamed(FileSystemStorage):
    """Serve node_modules' files under the names that our pages use."""

    def path(self, name: str) -> str:
        return super().path(settings.NPM_STATIC[name])


class NpmFinder(BaseFinder):
    """Finds just what `NPM_STATIC` names (name under /static/ -> file under `NPM_ROOT`)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.storage = _Renamed(location=settings.NPM_ROOT)

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        missing = [name for name in settings.NPM_STATIC if not self._file(name).is_file()]
        if not missing:
            return []
        return [
            Warning(
                f"browser packages are not installed: {', '.join(missing)}",
                hint="run `make demo` or `npm ci`",
                id="liveshop.W001",
            )
        ]

    def _file(self, name: str) -> Path:
        return Path(settings.NPM_ROOT, settings.NPM_STATIC[name])

    def find(  # type: ignore[override]  # as Django calls it since 5.2
        self, path: str, find_all: bool = False, **kwargs: Any
    ) -> str | list[str]:
        # An empty list is "not found": Django takes anything else, None too, for a find.
        if path not in settings.NPM_STATIC or not self._file(path).is_file():
            return []
        return [str(self._file(path))] if find_all else str(self._file(path))

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[tuple[str, Storage]]:
        for name in settings.NPM_STATIC:
            if self._file(name).is_file():
                yield name, self.storage
