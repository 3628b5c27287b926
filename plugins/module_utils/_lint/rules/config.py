# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about the schema of a pack's config, and about the example of one."""

from __future__ import annotations

import re
import typing as t

from ..._config.validation import check_values, is_jinja, type_name, unknown_keys
from ..._content.config_schema import SCHEMA_FILE, ConfigSchema, schema_problems
from ..._content.problem import Problem
from ..._content.yaml_lines import Path, shown_path
from ..._printable import printable
from ..finding import Finding
from ..pack import Pack, YamlFile
from ..rule import Rule
from .resources import LATER

SCHEMA = Rule(
    "config-schema",
    "error",
    "config.schema.yaml is a schema that StackStorm accepts.",
    "st2common/models/api/pack.py ConfigSchemaAPI, bootstrap/base.py _register_pack_config_schema_db",
)
NAME = Rule(
    "config-schema-name",
    "warning",
    "The schema has the name that StackStorm expects.",
    "st2common/constants/pack.py",
)
EXAMPLE = Rule(
    "config-example",
    "error",
    "The example config is one that StackStorm accepts.",
    "StackStorm Exchange, st2-validate-pack-config; st2common/util/pack.py validate_config_against_schema",
)
DEAD = Rule(
    "config-example-key",
    "warning",
    "The example has no keys that are not in the schema, since no action reads them.",
    "st2common/util/config_loader.py",
)
NO_EXAMPLE = Rule("config-example-missing", "info", "A pack with a schema has an example.", "StackStorm Exchange")
EXAMPLES = Rule(
    "config-examples",
    "warning",
    "There is only one example at the root of the pack, REF.yaml.example.",
    "StackStorm Exchange, Makefile: more than one breaks its check",
)
NO_SCHEMA = Rule(
    "config-schema-missing", "warning", "A pack with an example has a schema.", "st2common/util/config_loader.py"
)
SECRET = Rule(
    "config-secret",
    "warning",
    "Keys that sound like passwords are marked secret.",
    "st2common/util/secrets.py: what is not marked is shown and logged",
)
DEFAULT = Rule(
    "config-default",
    "warning",
    "Defaults match the schema: StackStorm refuses a config that uses an invalid default.",
    "st2common/util/pack.py validate_config_against_schema",
)
LEGACY = Rule("config-legacy", "warning", "There is no config.yaml, which StackStorm ignores.", "StackStorm 2.4")
RULES = (SCHEMA, NAME, EXAMPLE, DEAD, NO_EXAMPLE, EXAMPLES, NO_SCHEMA, SECRET, DEFAULT, LEGACY)
_SECRET = re.compile(
    r"(?:^|_)(?:pass(?:word|wd|phrase)?|secret(?:_key)?|token|api_?key|private_?key|access_?key|auth_?key)\Z",
    re.IGNORECASE,
)
_EXAMPLE = re.compile(r"[^/]+\.yaml\.example\Z")
_MOST_LEVELS = 30
_PLAIN = frozenset(("type", "default", "description", "required", "secret"))
_PLAIN_TYPES = ("string", "boolean", "integer")


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check the schema and the example."""
    if pack.has("config.yaml"):
        yield LEGACY.at("config.yaml", "StackStorm has ignored this file since 2.4")
    if pack.has("config.schema.yml"):
        yield NAME.at("config.schema.yml", f"StackStorm looks for {SCHEMA_FILE} only")
    schema = None
    if pack.has(SCHEMA_FILE):
        file = pack.yaml(SCHEMA_FILE)
        problems = list(_schema(file))
        yield from problems
        if not any(finding.level == "error" for finding in problems):
            schema = ConfigSchema(file.document, SCHEMA_FILE, file.lines)
            yield from _defaults(file, schema)
            yield from _secrets(file, file.document, ())
    yield from _examples(pack, schema)


def _schema(file: YamlFile) -> t.Iterator[Finding]:
    if file.error:
        clause, line, column = file.problem
        yield SCHEMA.at(file.shown, clause, line, column)
        return
    if not file.document:
        yield SCHEMA.at(file.shown, "is empty; a pack without configuration has no such file")
        return
    problems = schema_problems(file.document)
    for problem in problems:
        yield SCHEMA.of(file, problem.path, _said(problem))
    for problem in [] if problems else schema_problems(file.document, later=True):
        yield LATER.of(file, problem.path, f"{_said(problem)}, after 3.9")


def _said(problem: Problem) -> str:
    return f"{printable(problem.key)} {problem.message}".strip()


def _defaults(file: YamlFile, schema: ConfigSchema) -> t.Iterator[Finding]:
    for key, attribute in schema.attributes.items():
        default = attribute.get("default")
        if default is None or is_jinja(default) or _is_plain(attribute, default):
            continue
        # A key that refers to another one is only right in the whole of the schema.
        problems = check_values(schema, {key: default})
        for problem in problems:
            if problem.path[:1] == (key,) and problem.rule != "required":
                yield DEFAULT.of(file, (key, "default"), f"the default: {_said(problem)}")


def _is_plain(attribute: t.Mapping[str, t.Any], default: t.Any) -> bool:
    """Whether a default is plainly right."""
    kind = type_name(default)
    return kind in _PLAIN_TYPES and kind == attribute.get("type") and _PLAIN.issuperset(attribute)


def _secrets(file: YamlFile, properties: t.Any, above: Path) -> t.Iterator[Finding]:
    if not isinstance(properties, dict) or len(above) > _MOST_LEVELS:
        return
    for key, attribute in properties.items():
        if not isinstance(attribute, dict):
            continue
        path = (*above, str(key))
        kind = attribute.get("type", "string")
        if kind == "string" and _SECRET.search(str(key)) and attribute.get("secret") is not True:
            shown = printable(shown_path(path))
            yield SECRET.of(file, path, f"{shown} sounds like a secret, and is not marked secret: true")
        for below in ("properties", "patternProperties"):
            yield from _secrets(file, attribute.get(below), (*path, below))
        items = attribute.get("items")
        if isinstance(items, dict):
            yield from _secrets(file, items.get("properties"), (*path, "items", "properties"))


def _examples(pack: Pack, schema: t.Optional[ConfigSchema]) -> t.Iterator[Finding]:
    examples = [path for path in pack.files if _EXAMPLE.match(path)]
    usual = f"{pack.ref}.yaml.example"
    if pack.ref is None:
        return
    if not examples:
        if schema is not None:
            yield NO_EXAMPLE.at(SCHEMA_FILE, f"there is no {usual} beside it")
        return
    for path in examples:
        if path != usual:
            yield EXAMPLES.at(printable(path), f"is an example that is not called {usual}")
    if usual not in examples:
        return
    file = pack.yaml(usual)
    if file.error:
        problem, line, column = file.problem
        yield EXAMPLE.at(file.shown, problem, line, column)
    elif schema is None:
        if not pack.has(SCHEMA_FILE):
            yield NO_SCHEMA.at(file.shown, f"is an example of a config, and there is no {SCHEMA_FILE}")
    else:
        yield from _example(file, schema)


def _example(file: YamlFile, schema: ConfigSchema) -> t.Iterator[Finding]:
    for problem in check_values(schema, file.document):
        at = problem.path[:-1] if problem.rule == "required" else problem.path
        line, column = file.position(at)
        yield EXAMPLE.at(file.shown, _said(problem) if problem.path else f"the config {problem.message}", line, column)
    if isinstance(file.document, dict):
        for path in unknown_keys(schema, file.document):
            yield DEAD.of(file, path, f"the schema has no key {printable(shown_path(path))}")
