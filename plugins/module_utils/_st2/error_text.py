# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm says of an error, without the values that it says it about.

The errors of jsonschema, which StackStorm passes on, hold the whole instance that they are about: for a missing key
that is a pack's whole config, secrets in clear. What is kept is the attribute and the rule.
"""

from __future__ import annotations

import re

from .._printable import printable

_LONGEST = 2000
# jsonschema/exceptions.py _Error.__str__: the message, an empty line, the rule with its part of the schema, an empty
# line, the instance.
_RULE = re.compile(r"\n\s*\nFailed validating (?:u?'(?P<rule>[^'\n]*)' )?in (?P<place>[^\n]*?):?(?:\n|$)")
_INSTANCE = re.compile(r"\n\s*\nOn instance\b")
# What stands in front of it: st2common/util/pack.py validate_config_against_schema, the registrars' "Failed to register
# KIND ...", a traceback's name of the exception. No value is shown in such a form.
_HEAD = re.compile(
    r"(?:Failed validating attribute [^\n]*? \([^\n]*?\): |Failed to register [^\n]*?: |[A-Za-z_][\w.]*: )+"
)
# The end of jsonschema's message for a rule (jsonschema/_validators.py), which is what the schema says. In front of it
# stands the value.
_TAILS = {
    "type": " is not of type ",
    "enum": " is not one of ",
    "pattern": " does not match ",
    "minLength": " is too short",
    "maxLength": " is too long",
    "minItems": " is too short",
    "maxItems": " is too long",
    "minimum": " is less than ",
    "maximum": " is greater than ",
    "multipleOf": " is not a multiple of ",
    "uniqueItems": " has non-unique elements",
    "anyOf": " is not valid under any of the given schemas",
    "oneOf": " is not valid under any of the given schemas",
}
# These name keys, never values.
_NAMES_KEYS = ("required", "additionalProperties", "dependencies", "dependentRequired")
# pymongo/topology.py select_servers: behind what is wrong, all that it knows of every server.
_TOPOLOGY = re.compile(r"(?:, Timeout: [0-9.]+s)?, Topology Description: <TopologyDescription .*", re.DOTALL)
# st2common/exceptions/auth.py: the text for an unknown API key has its hash.
_KEY_HASH = re.compile(r"\s*-?\s*ApiKey with key_hash=\S+ not found\.?")


def error_text(text: str) -> str:
    """A C(faultstring), or the exception at the end of a traceback, as one printable line without values."""
    text = _TOPOLOGY.sub("", _KEY_HASH.sub("", text.strip()))
    rule = _RULE.search(text)
    if rule:
        text = _judged(text[: rule.start()], rule.group("rule") or "", rule.group("place"))
    else:
        instance = _INSTANCE.search(text)
        text = text[: instance.start()] if instance else text
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _judged(message: str, rule: str, place: str) -> str:
    head = _HEAD.match(message)
    start = head.group(0) if head else ""
    rest = message[len(start) :]
    where = f" (rule {rule} at {place})" if rule else f" (at {place})"
    if rule in _NAMES_KEYS:
        return f"{start}{rest}{where}"
    tail = _TAILS.get(rule, "")
    _value, found, more = rest.rpartition(tail) if tail else ("", "", "")
    return f"{start}the value{found}{more}{where}" if found else f"{start}the value violates a rule{where}"
