# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a pack holds: its resources by name, its requirements, and whether StackStorm could register them."""

from __future__ import annotations

import collections
import os
import re
import typing as t
from dataclasses import dataclass

from .._errors import InvalidPackError
from .._printable import printable
from .._yaml_file import key_lines, load_yaml
from .boundary import leads_out, listed
from .requirements import read_requirements
from .resource_rules import REQUIRED, RUNNERS, missing_keys, refusals

RESOURCE_TYPES = ("actions", "sensors", "rules", "aliases", "policies", "triggers")
CONFIG_SCHEMA = "config.schema.yaml"
# st2common/constants/meta.py ALLOWED_EXTS.
_EXTENSIONS = (".yaml", ".yml")
# The strings without which registration fails; the first one is the name (st2common/models/api/*.py, and for sensors
# st2common/bootstrap/sensorsregistrar.py, since their schema is not looked at).
_SHOWN_TEXT = 60
_PYTHON_RUNNER = "python-script"
# Of all resources together, which takes half a minute to read; those of the largest known pack have 6 MB.
_MOST_BYTES = 32 << 20


@dataclass(frozen=True)
class PackContent:
    """The content of a pack.

    Each type of resource has its names, sorted and each once: the C(class_name) of a sensor, the C(name) of any other.

    :arg requirements: The entries of C(requirements.txt) in their order, blanks made single, without comments; what
        looks like a secret in a URL is replaced.
    :arg warnings: Whole sentences about what is odd and harms nobody.
    :arg runners: The runner types of the actions, sorted.
    """

    actions: t.Tuple[str, ...] = ()
    sensors: t.Tuple[str, ...] = ()
    rules: t.Tuple[str, ...] = ()
    aliases: t.Tuple[str, ...] = ()
    policies: t.Tuple[str, ...] = ()
    triggers: t.Tuple[str, ...] = ()
    requirements: t.Tuple[str, ...] = ()
    warnings: t.Tuple[str, ...] = ()
    runners: t.Tuple[str, ...] = ()

    def by_type(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """The names of every type of resource, by the type."""
        return {kind: getattr(self, kind) for kind in RESOURCE_TYPES}

    @property
    def needs_virtualenv(self) -> bool:
        """Whether anything in the pack runs in its virtualenv: a Python action or a sensor, or else requirements.

        StackStorm looks for the virtualenv of a pack for nothing else (st2common/util/sandboxing.py and its callers).
        """
        return bool(_PYTHON_RUNNER in self.runners or self.sensors or self.requirements)


def read_content(pack_dir: str, ref: str, *, strict: bool = True) -> PackContent:
    """Read every resource of a pack.

    Resources are the files C(*.yaml) and C(*.yml) directly in the directory of their type, as for
    st2common/bootstrap/base.py get_resources_from_pack; C(actions/config.yaml) and C(.yml) are none.

    :arg pack_dir: A pack directory whose links are known to stay inside.
    :arg ref: What a resource's C(pack), where it has one, must be.
    :arg strict: Whether a resource that StackStorm would refuse is an error, or only a warning and left out.
    :raises InvalidPackError: when C(strict), one message with every resource that is wrong, each with its file, or with
        every requirement that must not be followed.
    :raises MissingLibraryError: without PyYAML.
    """
    reader = _Reader(pack_dir, ref, strict)
    names = {kind: reader.names(kind) for kind in RESOURCE_TYPES}
    requirements = reader.requirements()
    if reader.problems:
        number = len(reader.problems)
        raise InvalidPackError(
            f"The pack {ref} has {number} {'file' if number == 1 else 'files'} that StackStorm would refuse: "
            f"{listed(reader.problems, most=10, separator='; ')}.",
            ref=ref,
        )
    if reader.unsafe:
        unsafe = listed(reader.unsafe, most=10, separator="; ")
        raise InvalidPackError(f"The requirements of the pack {ref} must not be installed: {unsafe}.", ref=ref)
    return PackContent(
        **names, requirements=requirements, warnings=reader.all_warnings(), runners=tuple(sorted(reader.runners))
    )


def resource_files(pack_dir: str, kind: str) -> t.List[str]:
    """The files with the resources of one type, sorted, relative to the pack (st2common/bootstrap/base.py
    get_resources_from_pack).

    :raises OSError: when their directory cannot be read; having none is fine.
    """
    directory = os.path.join(pack_dir, kind)
    if not os.path.isdir(directory):
        return []
    return [
        f"{kind}/{name}"
        for name in sorted(os.listdir(directory))
        if name.endswith(_EXTENSIONS)
        and not name.startswith(".")
        and not (kind == "actions" and name.startswith(("config.yaml", "config.yml")))
    ]


def name_key(kind: str) -> str:
    """The key of a resource's metadata that holds its name."""
    return REQUIRED[kind][0]


def check_config_schema(pack_dir: str) -> None:
    """Refuse a C(config.schema.yaml) that StackStorm could not even take apart; having none is fine.

    It follows st2common/bootstrap/base.py _register_pack_config_schema_db and the keys that
    st2common/models/api/pack.py ConfigSchemaAPI allows. The schema of each key is not looked at here.

    :raises InvalidPackError: when the file is empty, no YAML, no mapping, or has a key that is not a word.
    :raises MissingLibraryError: without PyYAML.
    """
    path = os.path.join(pack_dir, CONFIG_SCHEMA)
    if not os.path.isfile(path):
        return
    schema = load_yaml(path, shown=CONFIG_SCHEMA)
    if not schema:
        raise InvalidPackError(f"{CONFIG_SCHEMA} is empty. A pack without configuration has no such file.")
    if not isinstance(schema, dict):
        raise InvalidPackError(f"{CONFIG_SCHEMA} is not a mapping: it must have one key for each value of the config.")
    wrong = [key for key in schema if not isinstance(key, str) or not re.match(r"^\w+\Z", key)]
    if wrong:
        lines = dict(key_lines(path, shown=CONFIG_SCHEMA))
        shown = [f"{_shown_key(key)}{f' (line {lines[str(key)]})' if str(key) in lines else ''}" for key in wrong]
        raise InvalidPackError(
            f"{CONFIG_SCHEMA} has keys that StackStorm refuses: {listed(shown)}. A key consists of letters, digits and "
            "underscores, and in quotes where it would be a number or a truth value."
        )


def _shown_key(key: t.Any) -> str:
    """A key as Python writes it, the beginning of a long one."""
    return repr(key) if len(repr(key)) <= _SHOWN_TEXT else f"{repr(key)[:_SHOWN_TEXT]}..."


class _Reader:
    """Reads the files of one pack and gathers what is wrong or odd about them."""

    def __init__(self, pack_dir: str, ref: str, strict: bool) -> None:
        self.pack_dir = pack_dir
        self.ref = ref
        self.strict = strict
        self.problems: t.List[str] = []
        self.unsafe: t.List[str] = []
        self._bytes = 0
        self.warnings: t.List[str] = []
        self.runners: t.Set[str] = set()
        self._odd: t.Dict[str, t.List[str]] = collections.defaultdict(list)
        self._there: t.Dict[str, bool] = {}

    def names(self, kind: str) -> t.Tuple[str, ...]:
        """The names of the resources of one type."""
        files: t.Dict[str, t.List[str]] = collections.defaultdict(list)
        for path in self._files(kind):
            resource = self._load(kind, path)
            if resource is not None:
                files[resource[name_key(kind)]].append(printable(os.path.basename(path)))
                self._look_around(kind, path, resource)
        for name, paths in sorted(files.items()):
            if len(paths) > 1:
                self._odd[f"Several files for one of the {kind}, of which StackStorm keeps the last"].append(
                    f"{name} ({listed(paths)})"
                )
        return tuple(sorted(files))

    def requirements(self) -> t.Tuple[str, ...]:
        """The entries of requirements.txt."""
        found = read_requirements(self.pack_dir)
        if self.strict:
            self.unsafe += [problem.with_place for problem in found.problems]
        else:
            self.warnings += [f"{problem.with_place}." for problem in found.problems]
        return found.entries

    def all_warnings(self) -> t.Tuple[str, ...]:
        """The warnings, those of one kind as one."""
        gathered = [f"{what}: {listed(which)}." for what, which in self._odd.items()]
        if os.path.isfile(os.path.join(self.pack_dir, "config.yaml")):
            gathered.append("The pack holds a config.yaml, which StackStorm has ignored since 2.4.")
        return tuple(self.warnings + gathered)

    def _files(self, kind: str) -> t.List[str]:
        if os.path.islink(os.path.join(self.pack_dir, kind)) and leads_out(self.pack_dir, kind):
            self._wrong(f"The directory {kind} is a link that leads out of the pack")
            return []
        try:
            return resource_files(self.pack_dir, kind)
        except OSError as error:
            self._wrong(f"The directory {kind} cannot be read: {error.strerror}")
            return []

    def _load(self, kind: str, path: str) -> t.Optional[t.Dict[str, t.Any]]:
        shown = printable(path)
        if os.path.islink(os.path.join(self.pack_dir, path)) and leads_out(self.pack_dir, path):
            self._wrong(f"{shown} is a link that leads out of the pack")
            return None
        self._count_bytes(os.path.join(self.pack_dir, path))
        try:
            resource = load_yaml(os.path.join(self.pack_dir, path), shown=shown)
        except InvalidPackError as error:
            self._wrong(error.message.rstrip("."))
            return None
        if not isinstance(resource, dict):
            self._wrong(f"{shown} is {'empty' if resource is None else 'not a mapping'}")
            return None
        problems = [clause for _path, clause in refusals(kind, resource, self.ref)]
        if problems:
            self._wrong(f"{shown}: {' and '.join(problems)}")
        return None if name_key(kind) in missing_keys(kind, resource) else resource

    def _count_bytes(self, path: str) -> None:
        try:
            self._bytes += os.path.getsize(path)
        except OSError:
            return  # What is wrong with it is told by who reads it.
        if self._bytes > _MOST_BYTES:
            raise InvalidPackError(
                f"The resources of the pack {self.ref} have more than {_MOST_BYTES >> 20} MiB, which no pack needs.",
                ref=self.ref,
            )

    def _look_around(self, kind: str, path: str, resource: t.Mapping[str, t.Any]) -> None:
        runner = resource.get("runner_type")
        if kind == "actions" and isinstance(runner, str):
            self.runners.add(runner)
            if runner not in RUNNERS:
                self._odd[f"Actions for the runner {runner[:_SHOWN_TEXT]}, which StackStorm 3.9 does not have"].append(
                    resource["name"]
                )
        entry_point = resource.get("entry_point")
        if kind not in ("actions", "sensors") or not isinstance(entry_point, str) or not entry_point:
            return
        script = os.path.join(kind, entry_point)
        if not self._is_there(script):
            self._odd["Entry points that are not in the pack"].append(f"{printable(script)} of {printable(path)}")

    def _is_there(self, path: str) -> bool:
        if path not in self._there:
            self._there[path] = os.path.isfile(os.path.join(self.pack_dir, path))
        return self._there[path]

    def _wrong(self, problem: str) -> None:
        if self.strict:
            self.problems.append(problem)
        else:
            self.warnings.append(f"{problem}.")
