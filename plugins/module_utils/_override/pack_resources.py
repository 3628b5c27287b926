# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the resources of an installed pack that can be switched, and the names that people give them."""

from __future__ import annotations

import difflib
import os
import re
import typing as t
from dataclasses import dataclass, field

from .._content.resources import name_key, resource_files
from .._errors import InvalidPackError
from .._printable import printable
from .._yaml_file import load_yaml
from .document import KINDS, SINGULAR

_MOST_SUGGESTIONS = 3
_ENDING = re.compile(r"(\.meta)?\.ya?ml\Z")


@dataclass(frozen=True)
class PackResource:
    """One resource of a pack that can be switched.

    :arg kind: C(sensors), C(actions), C(rules) or C(aliases).
    :arg name: What StackStorm matches overrides with: a sensor's C(class_name), any other's C(name)
        (st2common/content/loader.py OverrideLoader.ALLOWED_OVERRIDE_TYPES).
    :arg file: Its metadata file, relative to the pack.
    :arg enabled: What its metadata says; C(None) when that does not say.
    :arg other_names: What people may call it instead: its file, its entry point, a sensor's C(name).
    """

    kind: str
    name: str
    file: str
    enabled: t.Optional[bool] = None
    other_names: t.Tuple[str, ...] = ()


@dataclass(frozen=True)
class PackResources:
    """The resources of one pack.

    :arg path: The pack's directory.
    :arg resources: One for each metadata file, in StackStorm's order; of those with one name, it keeps the last.
    :arg warnings: Whole sentences about files that StackStorm cannot register.
    """

    ref: str
    path: str
    resources: t.Tuple[PackResource, ...] = ()
    warnings: t.Tuple[str, ...] = ()
    _by_name: t.Dict[t.Tuple[str, str], PackResource] = field(default_factory=dict, repr=False, compare=False)

    def by_name(self) -> t.Mapping[t.Tuple[str, str], PackResource]:
        """The resource that StackStorm keeps, by kind and name."""
        if not self._by_name:
            self._by_name.update({(resource.kind, resource.name): resource for resource in self.resources})
        return self._by_name

    def names(self, kind: str) -> t.List[str]:
        """The names of one kind, sorted."""
        return sorted(name for of, name in self.by_name() if of == kind)

    def find(self, kind: str, text: str) -> Found:
        """The resource that a person means by a name."""
        plain = _plain(text, self.ref)
        for name in (text, text[len(self.ref) + 1 :] if text.startswith(f"{self.ref}.") else text, plain):
            if (kind, name) in self.by_name():
                return Found(name)
        meant = sorted(
            {found.name for found in self.by_name().values() if found.kind == kind and plain in found.other_names}
        )
        return Found(meant[0]) if len(meant) == 1 else Found(None, tuple(meant) or self._suggestions(kind, plain))

    def _suggestions(self, kind: str, text: str) -> t.Tuple[str, ...]:
        names = {name.lower(): resource.name for resource in self.by_name().values() if resource.kind == kind
                 for name in (resource.name, *resource.other_names)}  # fmt: skip
        close = difflib.get_close_matches(text.lower(), names, _MOST_SUGGESTIONS)
        return tuple(dict.fromkeys(names[name] for name in close))


class Found(t.NamedTuple):
    """What a person means: a resource's name, or C(None) and the names that may be meant."""

    name: t.Optional[str]
    suggestions: t.Tuple[str, ...] = ()


def _plain(text: str, ref: str) -> str:
    """A name without what people put around it: directory, ending, and the pack's ref."""
    text = _ENDING.sub("", text.rsplit("/", 1)[-1])
    return text[len(ref) + 1 :] if text.startswith(f"{ref}.") else text


def read_pack_resources(ref: str, pack_dir: str, kinds: t.Sequence[str] = KINDS) -> PackResources:
    """Read the resources of an installed pack.

    :arg kinds: The kinds to read.
    :raises MissingLibraryError: without PyYAML.
    """
    resources: t.List[PackResource] = []
    warnings: t.List[str] = []
    for kind in kinds:
        try:
            paths = resource_files(pack_dir, kind)
        except OSError as error:
            warnings.append(f"The directory {kind} of the pack {ref} cannot be read: {error.strerror}.")
            continue
        for path in paths:
            try:
                resources.append(_read(kind, pack_dir, path))
            except InvalidPackError as error:
                warnings.append(f"The pack {ref}: {error.message}")
    return PackResources(ref, pack_dir, tuple(resources), tuple(warnings))


def _read(kind: str, pack_dir: str, path: str) -> PackResource:
    shown = printable(path)
    metadata = load_yaml(os.path.join(pack_dir, path), shown=shown, registered=True)
    key = name_key(kind)
    name = metadata.get(key) if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise InvalidPackError(f"{shown} has no {key}, so StackStorm cannot register that {SINGULAR[kind]}.")
    enabled = metadata.get("enabled")
    if enabled is not None and not isinstance(enabled, bool):
        raise InvalidPackError(f"{shown}: enabled is neither true nor false, which StackStorm refuses.")
    others = [_ENDING.sub("", os.path.basename(path)), metadata.get("name"), metadata.get("class_name")]
    entry_point = metadata.get("entry_point")
    if kind == "sensors" and isinstance(entry_point, str):
        others.append(os.path.splitext(os.path.basename(entry_point))[0])
    plain = [other for other in dict.fromkeys(others) if isinstance(other, str) and other not in ("", name)]
    return PackResource(kind, name, path, enabled, tuple(plain))
