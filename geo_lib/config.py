"""conf/*.yml into a target and the jobs' own dataclasses. A key that nobody knows is an error, not a shrug."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass, replace
from datetime import date
from pathlib import Path
from types import MappingProxyType, NoneType
from typing import Any, TypeVar, get_args, get_origin

import yaml

from geo_lib.errors import ConfigError
from geo_lib.files import is_uri

Knobs = TypeVar("Knobs")
Value = TypeVar("Value")

_SETTING = "setting"
_ENVIRONMENT = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Conf:
    """One target: where its tables and files are, and what its jobs are told.

    ``lakehouse`` is an absolute path; files lie under it, and tables unless ``catalog`` names a Unity Catalog
    catalog. ``as_of`` pins the day that the jobs look back from; the command line overrides it. ``mlflow``
    is the tracking URI of an MLflow server; without one the registry is an SQLite file in the lakehouse.
    ``settings`` is what several jobs must agree on, said once; ``root`` the folder that relative paths start at.
    """

    target: str
    lakehouse: str
    catalog: str | None = None
    schema: str = "geo"
    simulated: bool = False
    as_of: date | None = None
    mlflow: str | None = None
    root: str = "/"
    spark: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def knobs(self, job: str, knobs: type[Knobs], given: Mapping[str, Any] | None = None) -> Knobs:
        """Build ``knobs`` from this job's section and ``given`` over it; what both leave out keeps its default.

        A knob that is a ``setting`` comes from the settings alone.
        """
        own = {**self.jobs.get(job, {}), **(given or {})}
        shared, sections = settings_of(knobs), sections_of(knobs)
        if misplaced := sorted(shared.keys() & own.keys()):
            raise ConfigError(
                f"{job}.{misplaced[0]} is what several jobs must agree on: set it under settings:, not under jobs:"
            )
        said = {name: self.settings[sections[name]] for name in shared if sections[name] in self.settings}
        agreed = {name: _part(section, shared[name]) for name, section in said.items()}
        named = {name: f"settings.{sections[name]}" for name in agreed}
        return build(knobs, {**own, **agreed}, what=job, named=named)

    def refuse_unknown(self, knobs: Mapping[str, type]) -> None:
        """Raise ``ConfigError`` for a section that no job of ``knobs`` (job to its class) has, or a key of none."""
        if strangers := sorted(self.jobs.keys() - knobs.keys()):
            raise ConfigError(
                f"{self.target}.yml configures {', '.join(strangers)}, which is no job; jobs are "
                f"{', '.join(sorted(knobs))}"
            )
        parts: dict[str, list[type]] = {}
        for cls in knobs.values():
            sections = sections_of(cls)
            for name, kind in settings_of(cls).items():
                parts.setdefault(sections[name], []).append(kind)
        if strangers := sorted(self.settings.keys() - parts.keys()):
            raise ConfigError(
                f"{self.target}.yml: settings has no section {', '.join(strangers)}; it has {', '.join(sorted(parts))}"
            )
        for name, section in self.settings.items():
            known = {f.name for kind in parts[name] if is_dataclass(kind) for f in fields(kind)}
            if any(_named(kind) for kind in parts[name]):
                continue  # its keys are names that the configuration gives
            if isinstance(section, Mapping) and (strangers := sorted(map(str, section.keys() - known))):
                raise ConfigError(
                    f"{self.target}.yml: settings.{name} has no {', '.join(strangers)}; it has "
                    f"{', '.join(sorted(known)) or 'no keys'}"
                )


def setting(default_factory: Callable[[], Value], *, of: str = "") -> Value:
    """A knob that several jobs must agree on: filled from ``settings:``, whatever job has it.

    Jobs may each know a part of a setting, as a dataclass of their own with some of its keys. ``of``: the section,
    where it is not the knob's own name: of one section a job may know two parts.
    """
    made: Value = field(default_factory=default_factory, metadata={_SETTING: of or None})
    return made


def settings_of(knobs: type) -> dict[str, Any]:
    """The knobs of a class that are settings, with their types."""
    return {f.name: f.type for f in fields(knobs) if _SETTING in f.metadata}


def sections_of(knobs: type) -> dict[str, str]:
    """Those knobs, with the section of ``settings:`` that each is filled from."""
    return {f.name: f.metadata[_SETTING] or f.name for f in fields(knobs) if _SETTING in f.metadata}


def _part(section: Any, kind: Any) -> Any:
    """Of a setting the keys that a job's own dataclass has."""
    if not (isinstance(section, Mapping) and is_dataclass(kind)):
        return section
    return {f.name: section[f.name] for f in fields(kind) if f.name in section}


def build(
    cls: type[Knobs],
    asked: Mapping[str, Any],
    *,
    what: str,
    named: Mapping[str, str] = MappingProxyType({}),
    over: Knobs | None = None,
) -> Knobs:
    """An instance of the dataclass ``cls`` from plain YAML values.

    Lists become tuples, sections dataclasses, lists of sections tuples of them, sections under names of one's own
    mappings of them, days in quotes days. ``named``: what an error calls a key instead of ``what.key``. ``over``: the
    instance that what is left out is taken from, for one whose defaults are not its class's.
    """
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    kinds = {name: f.type for name, f in known.items()}
    if strangers := sorted(map(str, asked.keys() - kinds.keys())):
        raise ConfigError(f"{what} has no knob {', '.join(strangers)}; it has {', '.join(sorted(kinds)) or 'none'}")
    values: dict[str, Any] = {}
    for name, value in asked.items():
        kind = _unless_null(kinds[name], value)
        if isinstance(value, Mapping) and isinstance(kind, type) and is_dataclass(kind):
            own = named.get(name, f"{what}.{name}")
            value = build(kind, value, what=own, over=_own_default(known[name], kind))
        elif (item := _named(kind)) is not None:
            own = named.get(name, f"{what}.{name}")
            value = {
                n: build(item, _section(v, f"{own}.{n}"), what=f"{own}.{n}") for n, v in _section(value, own).items()
            }
        elif isinstance(value, list):
            value = _items(kind, value, what=named.get(name, f"{what}.{name}"))
        elif kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif kind is date and isinstance(value, str):
            value = _day(value)
        if kind in (int, float, str, bool, date) and type(value) is not kind:
            raise ConfigError(f"{named.get(name, f'{what}.{name}')} must be {kind.__name__}, not {value!r}")
        if isinstance(kind, type) and is_dataclass(kind) and not isinstance(value, kind):
            raise ConfigError(f"{named.get(name, f'{what}.{name}')} must hold keys and values, not {value!r}")
        values[name] = value
    try:
        return cls(**values) if over is None else replace(over, **values)  # type: ignore[type-var]
    except ConfigError:
        raise
    except (TypeError, ValueError) as wrong:
        raise ConfigError(f"{what}: {wrong}") from wrong


def _own_default(knob: "Field[Any]", kind: type) -> Any:
    """What a knob is by default, where its dataclass has made that otherwise than ``kind`` is by itself; else null."""
    makes: Any = knob.default_factory
    return None if makes in (MISSING, kind) else makes()


def _items(kind: Any, values: list[Any], *, what: str) -> tuple[Any, ...]:
    """A list as a tuple; sections in it become dataclasses where ``kind`` is a tuple of such."""
    (item, *_) = get_args(kind) or (object,)
    if not is_dataclass(item):
        return tuple(values)
    assert isinstance(item, type)
    return tuple(build(item, _section(value, what), what=f"{what}[{n}]") for n, value in enumerate(values))


def _named(kind: Any) -> Any:
    """The dataclass that ``kind`` maps names to; null for another kind."""
    arguments = get_args(kind)
    return arguments[1] if get_origin(kind) is dict and is_dataclass(arguments[1]) else None


def _unless_null(kind: Any, value: object) -> Any:
    """What a value must be where ``kind`` or null is allowed: ``kind``, and nothing in particular for null."""
    others = [k for k in get_args(kind) if k is not NoneType]
    is_optional = NoneType in get_args(kind) and len(others) == 1
    return others[0] if is_optional and value is not None else kind


def _day(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text  # which is no date, and refused as such


def at_least_one(knobs: object, *names: str) -> None:
    """Raise ``ValueError`` unless these fields of ``knobs`` are 1 or more; ``build`` adds whose they are."""
    for name in names:
        if (value := getattr(knobs, name)) < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")


def not_negative(knobs: object, *names: str) -> None:
    """Raise ``ValueError`` unless these fields of ``knobs`` are 0 or more; ``build`` adds whose they are."""
    for name in names:
        if (value := getattr(knobs, name)) < 0:
            raise ValueError(f"{name} must not be negative, but it is {value}")


def zero_to_one(knobs: object, *names: str) -> None:
    """Raise ``ValueError`` unless these fields of ``knobs`` lie in [0, 1]; ``build`` adds whose they are."""
    for name in names:
        if not 0 <= (value := getattr(knobs, name)) <= 1:
            raise ValueError(f"{name} must lie in [0, 1], not {value}")


def load(path: str | Path) -> Conf:
    """Read a configuration file, on top of those it ``extends``.

    Relative paths in it are taken from the folder that holds ``conf/``. ``${NAME}`` and ``${NAME:-default}``
    come from the environment.
    """
    path = Path(path).absolute()
    settings = _layers(path, seen=())
    root = path.parent.parent
    settings["target"] = path.stem
    lakehouse = str(settings.get("lakehouse") or "lakehouse")
    if is_uri(lakehouse):
        raise ConfigError(
            f"{path.name}: the lakehouse {lakehouse} is a URI, and indexes, pages and models are files of a folder; "
            "give it as a path, on Databricks one below /Volumes"
        )
    settings["lakehouse"] = absolute(lakehouse, root=root)
    settings["root"] = str(root)
    for section in ("spark", "settings", "jobs"):
        settings[section] = _rooted(_section(settings.get(section), f"{path.name}: {section}"), root)
    settings["jobs"] = {job: _section(own, f"{path.name}: jobs.{job}") for job, own in settings["jobs"].items()}
    return build(Conf, settings, what=f"{path.name}")


def _rooted(value: Any, root: Path) -> Any:
    """The same value with every relative path in it (./ and ../) made absolute, however deep it stands."""
    if isinstance(value, dict):
        return {name: _rooted(inner, root) for name, inner in value.items()}
    if isinstance(value, list):
        return [_rooted(inner, root) for inner in value]
    is_path = isinstance(value, str) and value.startswith(("./", "../"))
    return absolute(value, root=root) if is_path else value


def _section(value: object, what: str) -> dict[str, Any]:
    """A section of a file; one with nothing under it is empty."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{what} must hold keys and values, not {value!r}")
    return value


def absolute(location: str, *, root: Path) -> str:
    """A path made absolute from ``root``."""
    return str((root / location).resolve())


def _layers(path: Path, *, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path in seen:
        raise ConfigError(f"{path.name} extends itself through {' -> '.join(p.name for p in (*seen, path))}")
    if not path.is_file():
        raise ConfigError(f"no configuration file {path}; conf/ has {', '.join(_names(path.parent)) or 'none'}")
    try:
        own = yaml.safe_load(_from_environment(path.read_text(encoding="utf-8"), path)) or {}
    except yaml.YAMLError as wrong:
        raise ConfigError(f"{path} is not YAML: {wrong}") from wrong
    if not isinstance(own, dict):
        raise ConfigError(f"{path} must hold keys and values, not {type(own).__name__}")
    base = own.pop("extends", None)
    below = _layers(path.parent / base, seen=(*seen, path)) if base else {}
    return _merged(below, own)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """``above`` on top of ``below``, section by section; a section with nothing under it changes nothing."""
    both = dict(below)
    for key, value in above.items():
        if isinstance(both.get(key), dict) and (value is None or isinstance(value, dict)):
            both[key] = _merged(both[key], value or {})
        else:
            both[key] = value
    return both


def _from_environment(text: str, path: Path) -> str:
    def value(found: re.Match[str]) -> str:
        known = os.environ.get(found["name"]) or found["default"]
        if known is None:
            raise ConfigError(f"{path.name} needs the environment variable {found['name']}, which is not set")
        return known

    return _ENVIRONMENT.sub(value, text)


def _names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.glob("*.yml")) if folder.is_dir() else []
