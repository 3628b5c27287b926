# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values of a config held against its schema, as StackStorm 3.9.0 does it when it registers the config.

It follows st2common/util/pack.py validate_config_against_schema, with its exceptions told as problems. No message holds
a value: StackStorm's own print the whole config with its secrets.
"""

from __future__ import annotations

import re
import typing as t

from .._content.config_schema import ConfigSchema
from .._content.problem import MOST_SHOWN, Problem
from .._content.yaml_lines import Lines, Path
from .._libraries import require
from .defaults import Schema, StackStormCrash, effective_schema, with_defaults

_TYPES = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "list"), (dict, "mapping"))
_COUNTS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "maxItems": "at most {} items",
    "minItems": "at least {} items",
    "maxProperties": "at most {} keys",
    "minProperties": "at least {} keys",
}
_ALTERNATIVES = {
    "anyOf": "matches none of the alternatives in the schema",
    "oneOf": "must match exactly one of the alternatives in the schema",
    "not": "is what the schema excludes",
    "uniqueItems": "has a duplicate item",
    "additionalItems": "has more items than the schema allows",
    "dependencies": "lacks a key that another key requires",
}
# st2common/util/jinja.py JINJA_EXPRESSIONS_START_MARKERS
_JINJA = ("{{", "{%")
_MOST_INTEGER = 1 << 63


def check_values(schema: t.Optional[ConfigSchema], values: t.Any, lines: t.Optional[Lines] = None) -> t.List[Problem]:
    """What StackStorm refuses of a config.

    :arg schema: The schema; C(None) for a pack without one, of whose config StackStorm checks next to nothing.
    :arg values: The config as YAML gives it; C(None), an empty file, is an empty config.
    :arg lines: Where its parts stand, when it came from a file.
    :returns: In the order of the paths; empty when the config would be registered.
    :raises MissingLibraryError: without jsonschema.
    """
    lines = lines or Lines()
    if values is None:
        values = {}
    if not isinstance(values, dict):
        return [Problem((), "type", f"must be a mapping, and is a {type_name(values)}", None, 1)]
    found = [Problem(path, "crash", message, None, lines.of(path)) for path, message in _unstorable((), values)]
    if schema is not None:
        found += _against(schema, values, lines)
    return sorted(found, key=lambda problem: [(isinstance(part, str), str(part)) for part in problem.path])


def _against(schema: ConfigSchema, values: t.Dict[str, t.Any], lines: Lines) -> t.Iterator[Problem]:
    try:
        effective = effective_schema(schema.attributes)
    except StackStormCrash as crash:
        yield Problem(crash.path, "crash", crash.message, schema.lines.of(crash.path), lines.of(crash.path))
        return
    cleaned = with_defaults(values, effective)
    unusable: t.List[str] = []
    found: t.List[Problem] = []
    try:
        for error in _validator(effective, unusable).iter_errors(cleaned):
            found.append(_problem(error, schema, values, lines))
    except RecursionError:
        found.append(Problem((), "crash", "cannot be validated, because the schema refers to itself endlessly"))
    yield from found
    # In an alternative it is no error of its own, but StackStorm ends there just the same.
    for rule in sorted(set(unusable) - {problem.rule for problem in found}):
        yield Problem((), rule, f"meets a rule in the schema, {rule}, that StackStorm cannot use")
    yield from _decryptions(schema, cleaned, lines)


def _decryptions(schema: ConfigSchema, cleaned: t.Mapping[str, t.Any], lines: Lines) -> t.Iterator[Problem]:
    for key, value in cleaned.items():
        if not _decrypts(value):
            continue
        path = (key,)
        if key not in schema.attributes:
            message = "is not a key of the schema, and decrypt_kv in such a key makes StackStorm crash"
            yield Problem(path, "crash", message, None, lines.of(path))
        elif schema.attributes[key].get("secret"):
            message = (
                "is secret: true, so StackStorm decrypts it by itself, and decrypt_kv must not be in it or its default"
            )
            yield Problem(path, "decrypt_kv", message, schema.lines.of(path), lines.of(path))


def nested_decryptions(schema: t.Optional[ConfigSchema], values: t.Any) -> t.List[str]:
    """Keys inside of others that are secret and use C(decrypt_kv), which StackStorm does not notice.

    It decrypts such a value twice when it is used, and the action or sensor fails
    (st2common/util/config_loader.py _get_value_for_expression).
    """
    found: t.List[str] = []
    if schema is not None and isinstance(values, dict):
        for key, attribute in schema.attributes.items():
            _look_into(attribute, values.get(key), key, found)
    return found


def _look_into(schema: Schema, value: t.Any, shown: str, found: t.List[str]) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            below = schema.get("properties", {}).get(name)
            if isinstance(below, dict):
                if below.get("secret") and _decrypts(item):
                    found.append(f"{shown}.{name}")
                _look_into(below, item, f"{shown}.{name}", found)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for number, item in enumerate(value):
            _look_into(schema["items"], item, f"{shown}[{number}]", found)


def unknown_keys(schema: t.Optional[ConfigSchema], values: t.Mapping[str, t.Any]) -> t.List[Path]:
    """Keys that the schema does not know, which StackStorm takes and no action looks at.

    Inside of a key as well, where its schema names the keys and says nothing of others.
    """
    if schema is None:
        return []
    return list(_unknown(schema.attributes, values, ()))


def _unknown(properties: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any], path: Path) -> t.Iterator[Path]:
    for key, value in values.items():
        if key not in properties:
            yield (*path, key)
            continue
        below = properties[key]
        open_ended = any(word in below for word in ("patternProperties", "additionalProperties", "$ref"))
        if isinstance(value, dict) and below.get("properties") and not open_ended:
            yield from _unknown(below["properties"], value, (*path, key))


def is_jinja(value: t.Any) -> bool:
    """Whether StackStorm renders a value when it is used (st2common/util/jinja.py is_jinja_expression)."""
    return isinstance(value, str) and any(marker in value for marker in _JINJA)


def _decrypts(value: t.Any) -> bool:
    return is_jinja(value) and "decrypt_kv" in value


def type_name(value: t.Any) -> str:
    """What kind of value it is, in YAML's words."""
    if value is None:
        return "null"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), type(value).__name__)


def _unstorable(path: Path, value: t.Any) -> t.Iterator[t.Tuple[Path, str]]:
    """What StackStorm's database cannot hold, and what makes its registration crash."""
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _unstorable((*path, key), item)
            else:
                kind = type_name(key)
                yield (*path, str(key)), f"has a key that is a {kind}, which StackStorm cannot store: put it in quotes"
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unstorable((*path, number), item)
    elif isinstance(value, int) and not -_MOST_INTEGER <= value < _MOST_INTEGER:
        yield path, "is a number of more than 64 bits, which StackStorm cannot store"
    elif isinstance(value, (set, bytes)):
        yield path, f"is a YAML {'set' if isinstance(value, set) else 'binary'}, which StackStorm cannot store"


def _validator(schema: Schema, unusable: t.List[str]) -> t.Any:
    """StackStorm's CustomValidator: draft 4, C(required) at the key itself, and no formats.

    :arg unusable: Gets the rules that make StackStorm crash.
    """
    jsonschema = require("jsonschema")
    draft = jsonschema.Draft4Validator
    functions = {name: function for name, function in draft.VALIDATORS.items() if name != "required"}
    how: t.Dict[str, t.Any] = {}
    # StackStorm up to 3.8 has jsonschema 2.6, which only knows drafts up to 4, and types by their Python classes.
    if hasattr(jsonschema, "Draft7Validator"):
        # Those of later drafts, as in StackStorm: exclusiveMinimum and exclusiveMaximum beside them do nothing.
        functions.update({name: jsonschema.Draft7Validator.VALIDATORS[name] for name in ("minimum", "maximum")})
        how = {"type_checker": draft.TYPE_CHECKER, "id_of": lambda _schema: ""}
    functions["properties"] = _properties
    keywords = {name: _guarded(name, function, unusable) for name, function in functions.items()}
    keywords["$ref"] = _reference(schema, unusable)
    return jsonschema.validators.create(meta_schema={}, validators=keywords, **how)(schema)


def _guarded(name: str, function: t.Callable[..., t.Any], unusable: t.List[str]) -> t.Callable[..., t.Iterator[t.Any]]:
    """A keyword that does not count beside C($ref), and whose exceptions are errors like others."""

    def check(validator: t.Any, rule: t.Any, instance: t.Any, schema: Schema) -> t.Iterator[t.Any]:
        if "$ref" in schema:
            return
        try:
            yield from function(validator, rule, instance, schema) or ()
        except (re.error, ZeroDivisionError):
            unusable.append(name)
            yield _error(name, rule, instance, schema, "unusable")

    return check


def _error(name: str, rule: t.Any, instance: t.Any, schema: Schema, message: str) -> t.Any:
    return require("jsonschema").ValidationError(
        message, validator=name, validator_value=rule, instance=instance, schema=schema
    )


def _properties(validator: t.Any, properties: Schema, instance: t.Any, schema: Schema) -> t.Iterator[t.Any]:
    """C(properties) of draft 3 (jsonschema/_legacy_validators.py properties_draft3)."""
    if not isinstance(instance, dict):
        return
    for name, below in properties.items():
        if name in instance:
            yield from validator.descend(instance[name], below, path=name, schema_path=name)
        elif below.get("required", False):
            error = _error("required", True, instance, schema, "missing")
            error.path.append(name)
            error.schema_path.extend([name])
            yield error


def _reference(whole: Schema, unusable: t.List[str]) -> t.Callable[..., t.Iterator[t.Any]]:
    """C($ref) inside of the whole schema. One that leads elsewhere is not followed."""

    def check(validator: t.Any, reference: t.Any, instance: t.Any, schema: Schema) -> t.Iterator[t.Any]:
        found = _resolve(whole, reference)
        if found is None:
            unusable.append("$ref")
            yield _error("$ref", reference, instance, schema, "unusable")
        else:
            yield from validator.descend(instance, found)

    return check


def _resolve(whole: Schema, reference: t.Any) -> t.Optional[Schema]:
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found: t.Any = whole
    for part in [part for part in reference[1:].split("/") if part]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, dict) and part in found:
            found = found[part]
        else:
            return None
    return found if isinstance(found, dict) else None


def _problem(error: t.Any, schema: ConfigSchema, values: t.Any, lines: Lines) -> Problem:
    path: Path = tuple(error.absolute_path)
    return Problem(
        path,
        str(error.validator),
        _message(error)
        + (": a default of the schema" if error.validator != "required" and _is_default(values, path, error) else ""),
        schema.lines.of(_schema_path(error)),
        lines.of(path if error.validator != "required" else path[:-1]),
    )


def _schema_path(error: t.Any) -> Path:
    """Where the rule stands in the file; what C($ref) led to is told by the place that refers to it."""
    path: t.List[t.Any] = []
    for part in list(error.absolute_schema_path)[1:]:
        if part == "$ref":
            break
        path.append(part)
    return tuple(path)


def _is_default(values: t.Any, path: Path, error: t.Any) -> bool:
    """Whether the value that an error is about comes from the schema: none was given, or null, which it replaced."""
    for part in path:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return True
    return values is None and bool(path) and error.instance is not None


def _message(error: t.Any) -> str:
    rule, limit = str(error.validator), error.validator_value
    if error.message == "unusable":
        return f"has a rule in the schema, {rule}, that StackStorm cannot use"
    if rule == "required":
        return "is required and has no value"
    if rule == "type":
        return _type_message(limit, error.instance)
    if rule == "enum":
        more = " or others" if len(limit) > MOST_SHOWN else ""
        return f"must be one of {', '.join(map(str, limit[:MOST_SHOWN]))}{more}"
    if rule == "additionalProperties":
        return f"has keys that the schema forbids: {', '.join(_forbidden(error))}"
    if rule in _COUNTS:
        return f"must have {_COUNTS[rule].format(limit)}"
    return _ALTERNATIVES.get(rule, f"breaks the rule {rule}: {limit}")


def _type_message(types: t.Any, instance: t.Any) -> str:
    names = types if isinstance(types, list) else [types]
    hint = ""
    if is_jinja(instance):
        hint = "; StackStorm validates the text of an expression, so it is only valid where the schema allows a string"
    return f"must be {' or '.join(dict.fromkeys(names))}, and is {type_name(instance)}{hint}"


def _forbidden(error: t.Any) -> t.List[str]:
    known = error.schema.get("properties", {})
    patterns = error.schema.get("patternProperties", {})
    return [str(key) for key in error.instance if key not in known and not any(re.search(one, key) for one in patterns)]
