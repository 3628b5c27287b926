# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about overrides, checked and typed."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._content.names import check_ref
from .._errors import OptionError
from .._printable import printable
from .document import ENABLED, GLOBAL, KINDS, SINGULAR

_PARTS = ("defaults", "exceptions", "enabled", "disabled")


@dataclass(frozen=True)
class Asked:
    """What a task says of one kind of resource.

    :arg default: Whether all of them are to be enabled; C(None) when it does not say.
    :arg names: The same for single ones, as the task writes them; C(None) for those that are only to be removed.
    :arg options: The option that says so, for each of the names.
    :arg default_named: Whether defaults are named at all, which is enough to remove them.
    """

    default: t.Optional[bool] = None
    names: t.Mapping[str, t.Optional[bool]] = field(default_factory=dict)
    options: t.Mapping[str, str] = field(default_factory=dict)
    default_named: bool = False

    def __bool__(self) -> bool:
        return self.default_named or bool(self.names)


@dataclass(frozen=True)
class Options:
    """What a task asks for; the fields are the module options of that name, see M(st2_override).

    :arg sections: By kind, only those that the task names.
    :arg merge: C(merge) or C(replace); C(None) for the latter when the task does not say.
    :arg predicts: Whether it is only to be said what a run would do, by whose time the pack may be there.
    """

    pack: str
    sections: t.Mapping[str, Asked] = field(default_factory=dict)
    state: str = "present"
    merge: t.Optional[str] = None
    allow_missing: bool = False
    predicts: bool = False

    @property
    def for_all(self) -> bool:
        """Whether it is about C(_global.yaml)."""
        return self.pack == GLOBAL

    @property
    def replaces(self) -> bool:
        """Whether the file is to say what the task says, and nothing else."""
        return self.state == "present" and self.merge != "merge"

    @property
    def removes_file(self) -> bool:
        """Whether the whole file is to go."""
        return self.state == "absent" and not self.sections


def refuse_api(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: for C(backend=api), by which nobody gets at override files."""
    if params.get("backend") == "api":
        raise OptionError(
            "backend=api cannot be used for overrides: they are files on the StackStorm host, which its API can "
            "neither read nor write. Run the task on that host with backend=local."
        )


def options_from(params: t.Mapping[str, t.Any]) -> Options:
    """The options of M(st2_override) from Ansible's parameters.

    :raises OptionError: naming the option that cannot be used, by its path.
    """
    pack = check_pack("pack", params["pack"])
    state = params["state"]
    sections = {
        kind: _section(kind, params[kind], removing=state == "absent", for_all=pack == GLOBAL)
        for kind in KINDS
        if params[kind] is not None
    }
    if state == "present" and not sections:
        raise OptionError(
            f"There is nothing to do for {pack}: set one of {', '.join(KINDS)}, or state=absent to remove its "
            "overrides."
        )
    if state == "absent" and params["merge"] == "replace":
        raise OptionError("merge=replace requires state=present, since state=absent removes what is listed.")
    return Options(pack, sections, state, params["merge"], params["allow_missing"])


def check_pack(option: str, value: str) -> str:
    """Check that a text can be a pack's ref, or C(_global).

    :raises OptionError: when it cannot.
    """
    return value if value == GLOBAL else check_ref(option, value)


def _section(kind: str, value: t.Mapping[str, t.Any], *, removing: bool, for_all: bool) -> Asked:
    parts = {part: value.get(part) for part in _PARTS}
    if for_all:
        _refuse_exceptions(kind, parts)
    default, default_named = _default(kind, parts, removing)
    names = _Names(kind)
    if parts["exceptions"] is not None:
        for name, exception in parts["exceptions"].items():
            names.add(f"{kind}.exceptions.{name}", name, _enabled(f"{kind}.exceptions.{name}", exception, removing))
    for part, enabled in (("enabled", True), ("disabled", False)):
        if parts[part] is not None and not isinstance(parts[part], bool):
            for name in _list(f"{kind}.{part}", parts[part]):
                names.add(f"{kind}.{part}", name, enabled)
    asked = Asked(default, names.found, names.options, default_named)
    if not asked and not removing:
        raise OptionError(
            f"{kind} is empty: set {kind}.defaults, {kind}.exceptions, {kind}.enabled or {kind}.disabled. "
            "An empty section would break StackStorm's registration."
        )
    return asked


def _refuse_exceptions(kind: str, parts: t.Mapping[str, t.Any]) -> None:
    for part in ("exceptions", "enabled", "disabled"):
        if parts[part] is not None and not (part == "enabled" and isinstance(parts[part], bool)):
            raise OptionError(
                f"{kind}.{part} names single {kind}, which StackStorm ignores in {GLOBAL}.yaml. Give {kind}.defaults "
                "here, and the exceptions in the overrides of their packs."
            )


def _default(kind: str, parts: t.Mapping[str, t.Any], removing: bool) -> t.Tuple[t.Optional[bool], bool]:
    """The default that a section asks for, and whether it names the default."""
    short = parts["enabled"]
    if isinstance(parts["disabled"], bool):
        raise OptionError(
            f"{kind}.disabled is {_shown(parts['disabled'])}, but it is a list of names. To enable or disable all "
            f"{kind}, use {kind}.enabled: true or false."
        )
    if isinstance(short, bool) and parts["defaults"] is not None:
        raise OptionError(f"{kind}.enabled and {kind}.defaults are both for all {kind}: set one of them.")
    if isinstance(short, bool):
        return short, True
    if parts["defaults"] is None:
        return None, False
    return _enabled(f"{kind}.defaults", parts["defaults"], removing), True


def _enabled(path: str, value: t.Any, removing: bool) -> t.Optional[bool]:
    """The truth value in a mapping whose only key is C(enabled)."""
    path = printable(path)
    if removing and not value and not isinstance(value, bool):
        return None
    if not isinstance(value, dict):
        raise OptionError(f"{path} is {_shown(value)}, but it is a mapping: write {path}: {{enabled: true}} or false.")
    for key in value:
        if key != ENABLED:
            raise OptionError(f"{path}.{printable(str(key))} cannot be overridden: StackStorm takes {ENABLED} only.")
    if not value:
        raise OptionError(f"{path} is empty, which would break StackStorm's registration: give {path}.{ENABLED}.")
    enabled = value[ENABLED]
    if not isinstance(enabled, bool):
        raise OptionError(
            f"{path}.{ENABLED} is {_shown(enabled)}, but StackStorm takes only true or false there, without quotes."
        )
    return enabled


def _list(path: str, value: t.Any) -> t.List[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise OptionError(
            f"{path} is {_shown(value)}, but it is a list of names, such as [{SINGULAR[path.split('.')[0]]}_one]."
        )
    if not value:
        raise OptionError(f"{path} is an empty list. Add a name, or remove it.")
    return value


class _Names:
    """The names of one section, none of which may be asked for in two ways."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.found: t.Dict[str, t.Optional[bool]] = {}
        self.options: t.Dict[str, str] = {}

    def add(self, option: str, name: str, enabled: t.Optional[bool]) -> None:
        if not name:
            raise OptionError(f"{option} has an empty name.")
        if not name.isprintable():
            raise OptionError(
                f"{printable(option)} has the name {printable(name[:60])}, which contains invalid characters."
            )
        if name in self.found and self.found[name] != enabled:
            raise OptionError(
                f"{self._kind}: {printable(name)} is to be enabled by one of {self.options[name]} and {option}, and "
                "disabled by the other. Leave one out."
            )
        self.found[name] = enabled
        self.options.setdefault(name, option)


def _shown(value: t.Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{printable(value[:60])}"'
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else f"the list [{', '.join(map(_shown, value[:5]))}]"
    return "empty (null)" if value is None else printable(str(value)[:60])
