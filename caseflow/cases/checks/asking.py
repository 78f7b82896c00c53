"""Which sources a city has, ready to be asked: from the city's file and the environment."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Final

from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.fact_sources import FILE, HTTP, FactSource
from caseflow.kernel.errors import InvalidInput, NotFound, Unavailable
from caseflow.reviews.checks.sources import Source


class SourceBook:
    """The sources of all cities of this house, read when the first is asked for.

    One source object lives as long as the process, so that it remembers that it was down.
    """

    def __init__(self, root: Path | None, variables: Mapping[str, str]) -> None:
        self._root = root
        self._variables = variables
        self._cities: dict[str, tuple[FactSource, ...]] | None = None
        self._made: dict[tuple[str, str], Source] = {}
        self._lock = Lock()

    def asked_for(self, city: str, kind: str) -> Source | None:
        """Return who can be asked for a kind in a city now; None where nobody is configured.

        Raises:
            Unavailable: somebody is, but this process was not told where.
        """
        for spec in self._of(city):
            if spec.adapter == HTTP and kind in spec.kinds:
                return self._source(city, spec)
        return None

    def files_of(self, name: str) -> list[FactSource]:
        """Return the sources of that name that send files, one a city.

        Raises:
            NotFound: no city has one.
        """
        known = [each for specs in self._all().values() for each in specs if each.adapter == FILE]
        found = [each for each in known if each.name == name]
        if not found:
            names = "、".join(dict.fromkeys(each.name for each in known))
            raise NotFound(f"没有以文件提供结果的来源 {name!r}；可用：{names}。")
        return found

    def by_file(self, name: str, kind: str) -> FactSource:
        """Return the source whose files may tell of a kind.

        Raises:
            NotFound: no city has such a source. InvalidInput: it does not tell of this kind.
        """
        found = self.files_of(name)
        for each in found:
            if kind in each.kinds:
                return each
        raise InvalidInput(f"{found[0].title}不提供 {kind!r} 核查。", fields={"kind": kind})

    def _of(self, city: str) -> tuple[FactSource, ...]:
        return self._all().get(city, ())

    def _all(self) -> dict[str, tuple[FactSource, ...]]:
        with self._lock:
            if self._cities is None:
                cities = read_cities(self._root) if self._root else {}
                self._cities = {code: city.sources for code, city in cities.items()}
            return self._cities

    def _source(self, city: str, spec: FactSource) -> Source:
        with self._lock:
            key = (city, spec.name)
            if key not in self._made:
                self._made[key] = self._make(spec)
            return self._made[key]

    def _make(self, spec: FactSource) -> Source:
        address = self._variables.get(spec.address or "")
        if not address:
            raise Unavailable(f"{spec.title}未接入：未设置环境变量 {spec.address}。")
        from caseflow.reviews.checks.http_source import Access, HttpSource  # few processes ask

        return HttpSource(
            name=spec.name,
            title=spec.title,
            valid_days=spec.valid_days,
            access=Access(
                address,
                token=self._variables.get(spec.token or ""),
                secret=self._variables.get(spec.secret or ""),
            ),
            timeout_seconds=spec.timeout_seconds,
            attempts=spec.attempts,
        )


NO_SOURCES: Final = SourceBook(None, {})
