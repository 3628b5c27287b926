# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The schema of a pack's config, read and judged as StackStorm does when it registers the pack."""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, field

from .._errors import InvalidPackError
from .._libraries import require
from .._yaml_file import load_composed
from .config_schema_rules import LATER_SCHEMA_RULES, SCHEMA_RULES
from .problem import Problem, sentence
from .yaml_lines import Lines, Path, lines_of

# st2common/constants/pack.py CONFIG_SCHEMA_FILE_NAME
SCHEMA_FILE = "config.schema.yaml"
_KEY = re.compile(r"^\w+\Z")
_OWN_REFERENCE = re.compile(r"^#/properties/(\w+)\Z")


@dataclass(frozen=True)
class ConfigSchema:
    """The schema of a config.

    :arg attributes: The schema of each key of the config.
    :arg path: The file it was read from.
    :arg lines: Where its parts stand in that file.
    """

    attributes: t.Mapping[str, t.Any]
    path: str = SCHEMA_FILE
    lines: Lines = field(default_factory=Lines)

    @property
    def pseudo_keys(self) -> t.FrozenSet[str]:
        """Keys that stand in the schema only for C($ref) to point at, and that nobody sets."""
        found: t.Set[str] = set()
        for value in _all_values(self.attributes, "$ref"):
            match = _OWN_REFERENCE.match(value) if isinstance(value, str) else None
            if match:
                found.add(match.group(1))
        return frozenset(found & set(self.attributes))


def _all_values(value: t.Any, key: str) -> t.Iterator[t.Any]:
    """What stands at a key anywhere in a structure."""
    if isinstance(value, t.Mapping):
        for name, item in value.items():
            if name == key:
                yield item
            yield from _all_values(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _all_values(item, key)


def read_schema(path: str) -> t.Optional[ConfigSchema]:
    """Read a schema.

    :arg path: A C(config.schema.yaml), or the directory of a pack.
    :returns: C(None) for a directory without one.
    :raises InvalidPackError: for a file that is not there, or that StackStorm would refuse when it registers the pack
        (st2common/bootstrap/base.py _register_pack_config_schema_db).
    :raises MissingLibraryError: without PyYAML or jsonschema.
    """
    if os.path.isdir(path):
        path = os.path.join(path, SCHEMA_FILE)
        if not os.path.isfile(path):
            return None
    document, node, _text = load_composed(path, registered=True)
    if not document:
        raise InvalidPackError(f"{path} is empty. A pack without configuration has no such file.")
    lines = lines_of(node)
    problems = schema_problems(document, lines)
    if problems:
        raise InvalidPackError(f"StackStorm refuses {path}: {sentence(problems)}.")
    return ConfigSchema(document, path, lines)


def schema_problems(document: t.Any, lines: t.Optional[Lines] = None, *, later: bool = False) -> t.List[Problem]:
    """What StackStorm 3.9.0 refuses of a schema; the releases before it take the same.

    :arg document: The content of a C(config.schema.yaml), or the C(parameters) of an action: the rules are the same
        (st2common/models/api/action.py ActionAPI).
    :arg later: Whether to go by what is to follow 3.9.
    """
    lines = lines or Lines()
    if not isinstance(document, t.Mapping):
        return [Problem((), "type", "must be a mapping with one key for each value of the config")]
    wrong = [
        Problem(
            (str(key),),
            "key",
            "must be a key of letters, digits and underscores, quoted if it would be a number or a boolean",
            lines.of((str(key),)),
        )
        for key in document
        if not isinstance(key, str) or not _KEY.match(key)
    ]
    return wrong or [_problem(error, lines) for error in _errors(document, later)]


def _errors(document: t.Mapping[str, t.Any], later: bool) -> t.List[t.Any]:
    validator = require("jsonschema").Draft4Validator(LATER_SCHEMA_RULES if later else SCHEMA_RULES)
    try:
        return sorted(validator.iter_errors(document), key=lambda error: str(error.path))
    except RecursionError as error:
        raise InvalidPackError("The config schema is nested too deeply.") from error


def _problem(error: t.Any, lines: Lines) -> Problem:
    path: Path = tuple(error.absolute_path)
    message = f"must be {error.schema.get('description', 'something else')}"
    if error.validator == "additionalProperties":
        unknown = sorted(str(key) for key in set(error.instance) - set(error.schema["properties"]))
        message = f"has keywords that StackStorm does not know: {', '.join(unknown)}"
        path = (*path, unknown[0]) if len(unknown) == 1 else path
    elif error.validator == "dependencies":
        message = "has exclusiveMinimum or exclusiveMaximum without minimum or maximum beside it"
    return Problem(path, str(error.validator), message, lines.of(path))
