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
from .._yaml_file import load_composed
from .action_rules import action_refusals
from .boundary import leads_out, listed
from .config_schema import SCHEMA_FILE, schema_problems
from .requirements import read_requirements
from .resource_rules import REQUIRED, RUNNERS, Clause, further_refusals, refusals
from .yaml_lines import lines_of

RESOURCE_TYPES = ("actions", "sensors", "rules", "aliases", "policies", "triggers")
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
    :arg left_out: What StackStorm would refuse, where that was no error: clauses with file, line and reason.
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
    left_out: t.Tuple[str, ...] = ()

    def by_type(self) -> t.Dict[str, t.Tuple[str, ...]]:
        """The names of every type of resource, by the type."""
        return {kind: getattr(self, kind) for kind in RESOURCE_TYPES}

    @property
    def needs_virtualenv(self) -> bool:
        """Whether anything in the pack runs in its virtualenv: a Python action or a sensor, or else requirements.

        StackStorm looks for the virtualenv of a pack for nothing else (st2common/util/sandboxing.py and its callers).
        """
        return bool(_PYTHON_RUNNER in self.runners or self.sensors or self.requirements)


def read_content(
    pack_dir: str,
    ref: str,
    *,
    strict: bool = True,
    safe: bool = False,
    runners: t.Optional[t.Container[str]] = None,
) -> PackContent:
    """Read every resource of a pack.

    Resources are the files C(*.yaml) and C(*.yml) directly in the directory of their type, as for
    st2common/bootstrap/base.py get_resources_from_pack; C(actions/config.yaml) and C(.yml) are none.

    :arg pack_dir: A pack directory whose links are known to stay inside.
    :arg ref: What a resource's C(pack), where it has one, must be.
    :arg strict: Whether a resource that StackStorm would refuse is an error, or only left out.
    :arg safe: Whether a requirement that must not be followed is an error where C(strict) is not.
    :arg runners: The runners that StackStorm has. C(None) when nobody knows; then there is a warning about those that
        StackStorm 3.9 does not have.
    :raises InvalidPackError: when C(strict), one message with every resource that is wrong, each with its file and
        line, or with every requirement that must not be followed.
    :raises MissingLibraryError: without PyYAML.
    """
    reader = _Reader(pack_dir, ref, runners)
    names = {kind: reader.names(kind) for kind in RESOURCE_TYPES}
    requirements = reader.requirements()
    if reader.problems and strict:
        number = len(reader.problems)
        raise InvalidPackError(
            f"The pack {ref} has {number} {'file' if number == 1 else 'files'} that StackStorm would refuse: "
            f"{listed(reader.problems, most=10, separator='; ')}.",
            ref=ref,
        )
    if reader.unsafe and (strict or safe):
        unsafe = listed(reader.unsafe, most=10, separator="; ")
        raise InvalidPackError(f"The requirements of the pack {ref} must not be installed: {unsafe}.", ref=ref)
    return PackContent(
        **names,
        requirements=requirements,
        warnings=(*(f"{problem}." for problem in (*reader.problems, *reader.unsafe)), *reader.all_warnings()),
        runners=tuple(sorted(reader.runners)),
        left_out=tuple(reader.problems),
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
    """Refuse a C(config.schema.yaml) that StackStorm would refuse; having none is fine.

    :raises InvalidPackError: naming the keys and their lines.
    :raises MissingLibraryError: without PyYAML or jsonschema.
    """
    path = os.path.join(pack_dir, SCHEMA_FILE)
    if not os.path.isfile(path):
        return
    document, node, _text = load_composed(path, shown=SCHEMA_FILE, registered=True)
    if not document:
        raise InvalidPackError(f"{SCHEMA_FILE} is empty. A pack without configuration has no such file.")
    if not isinstance(document, dict):
        raise InvalidPackError(f"{SCHEMA_FILE} is not a mapping: it must have one key for each value of the config.")
    lines = lines_of(node)
    wrong = [key for key in document if not isinstance(key, str) or not re.match(r"^\w+\Z", key)]
    if wrong:
        shown = [_shown_key(key, lines.of((str(key),))) for key in wrong]
        raise InvalidPackError(
            f"{SCHEMA_FILE} has keys that StackStorm refuses: {listed(shown)}. A key consists of letters, digits and "
            "underscores, and is quoted if it would be a number or a boolean."
        )
    problems = schema_problems(document, lines)
    if problems:
        told = [f"line {problem.schema_line}: {printable(problem.key)} {problem.message}" for problem in problems]
        raise InvalidPackError(f"StackStorm refuses {SCHEMA_FILE}, {listed(told, most=10, separator='; ')}.")


def _shown_key(key: t.Any, line: t.Optional[int]) -> str:
    """A key as Python writes it, the beginning of a long one, with its line."""
    shown = repr(key) if len(repr(key)) <= _SHOWN_TEXT else f"{repr(key)[:_SHOWN_TEXT]}..."
    return f"{shown} (line {line})" if line else shown


def _told(shown: str, clauses: t.Sequence[t.Tuple[t.Optional[int], str]]) -> str:
    """What is wrong with a file, part by part, each with its line."""
    told = [f"line {line}: {clause}" if line else clause for line, clause in clauses]
    return f"{shown}{', ' if clauses[0][0] else ': '}{listed(told, separator=' and ')}"


class _Reader:
    """Reads the files of one pack and gathers what is wrong or odd about them."""

    def __init__(self, pack_dir: str, ref: str, host_runners: t.Optional[t.Container[str]]) -> None:
        self.pack_dir = pack_dir
        self.ref = ref
        self._host_runners = host_runners
        self.problems: t.List[str] = []
        self.unsafe: t.List[str] = []
        self._bytes = 0
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
        self.unsafe += [problem.with_place for problem in found.problems]
        return found.entries

    def all_warnings(self) -> t.Tuple[str, ...]:
        """The warnings, those of one kind as one."""
        gathered = [f"{what}: {listed(which)}." for what, which in self._odd.items()]
        if os.path.isfile(os.path.join(self.pack_dir, "config.yaml")):
            gathered.append("The pack contains a config.yaml, which StackStorm has ignored since 2.4.")
        return tuple(gathered)

    def _files(self, kind: str) -> t.List[str]:
        if os.path.islink(os.path.join(self.pack_dir, kind)) and leads_out(self.pack_dir, kind):
            self.problems.append(f"The directory {kind} is a link that leads out of the pack")
            return []
        try:
            return resource_files(self.pack_dir, kind)
        except OSError as error:
            self.problems.append(f"The directory {kind} cannot be read: {error.strerror}")
            return []

    def _load(self, kind: str, path: str) -> t.Optional[t.Dict[str, t.Any]]:
        shown = printable(path)
        if os.path.islink(os.path.join(self.pack_dir, path)) and leads_out(self.pack_dir, path):
            self.problems.append(f"{shown} is a link that leads out of the pack")
            return None
        self._count_bytes(os.path.join(self.pack_dir, path))
        try:
            resource, node, _text = load_composed(os.path.join(self.pack_dir, path), shown=shown, registered=True)
        except InvalidPackError as error:
            self.problems.append(error.message.rstrip("."))
            return None
        if not isinstance(resource, dict):
            self.problems.append(f"{shown} is {'empty' if resource is None else 'not a mapping'}")
            return None
        refused = self._refused(kind, resource)
        if refused:
            lines = lines_of(node)
            self.problems.append(_told(shown, [(lines.of(where), clause) for where, clause in refused]))
        return None if refused else resource

    def _refused(self, kind: str, resource: t.Mapping[t.Any, t.Any]) -> t.List[Clause]:
        found = refusals(kind, resource, self.ref)
        told = {path for path, _clause in found}
        found += [(path, clause) for path, clause in further_refusals(kind, resource) if path not in told]
        runner = resource.get("runner_type")
        if kind == "actions" and isinstance(runner, str) and runner:
            found += action_refusals(resource)
            if self._host_runners is not None and runner not in self._host_runners:
                found.append((("runner_type",), f"this StackStorm has no runner {printable(runner[:_SHOWN_TEXT])}"))
        return found

    def _count_bytes(self, path: str) -> None:
        try:
            self._bytes += os.path.getsize(path)
        except OSError:
            return  # What is wrong with it is told by who reads it.
        if self._bytes > _MOST_BYTES:
            raise InvalidPackError(
                f"The resources of the pack {self.ref} have more than {_MOST_BYTES >> 20} MiB, which is too much for "
                "a pack.",
                ref=self.ref,
            )

    def _look_around(self, kind: str, path: str, resource: t.Mapping[str, t.Any]) -> None:
        runner = resource.get("runner_type")
        if kind == "actions" and isinstance(runner, str):
            self.runners.add(runner)
            if self._host_runners is None and runner not in RUNNERS:
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
