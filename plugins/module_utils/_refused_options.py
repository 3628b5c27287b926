# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What Ansible refuses of a task's options, all in one message, with what was probably meant; and what all modules do.

Ansible itself tells the first error only, and a misspelt option last: C(namee=sensu) is "one of the following is
required" to it.
"""

from __future__ import annotations

import difflib
import re
import typing as t

from ._errors import OptionError

Options = t.Mapping[str, t.Mapping[str, t.Any]]
# One for each error that ansible-core gives; names of its classes in ansible/module_utils/errors.py.
Error = t.Tuple[str, str]

# These follow from what another error says: a value of another type, an option under another name.
_FOLLOWING = ("NoLogError", "SubParameterTypeError", "UnsupportedError")
_MISSING = ("RequiredOneOfError", "RequiredError")
# Others mean something when they are empty: no proxy, no password, the value of an option of st2.conf.
_NAMING = (
    *("owner", "group", "mode", "base_path", "schema", "st2_conf", "ssh_key_file", "known_hosts_file", "ca_bundle"),
    *("api_url", "auth_url", "index_url", "index_allowed_signers", "pip_index_url", "sign_key", "git_url", "package"),
)
_NO_MAPPING = re.compile(r"Elements value for option '(?P<option>\w+)' is of type (?P<kind>\w+) .* convert to dict\b")


def refuse_values(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: for a time that is none, and for options that name something and are empty."""
    if params.get("timeout", 1) < 1:
        raise OptionError(f"timeout is {params['timeout']}; the least is 1.")
    for option, value in params.items():
        if option in _NAMING and value in ("", [""]):
            raise OptionError(f"{option} is empty. Give it a value, or leave it out.")


def refusal(module: t.Any, msg: str) -> str:
    """The message for an AnsibleModule that refuses its options.

    :arg msg: Ansible's own, for what is not about options.
    """
    found: t.Any = getattr(module, "validation_result", None)
    errors = [(type(error).__name__, str(error)) for error in (found.errors if found else ())]
    if not errors:
        return msg
    return refused_options(module._name, module.argument_spec, errors, found._unsupported_parameters)


def refused_options(
    module: str, options: Options, errors: t.Sequence[Error], unknown: t.Iterable[t.Union[str, t.Tuple[str, ...]]]
) -> str:
    """The message.

    :arg options: The options of the module.
    :arg errors: What ansible-core found, in its order.
    :arg unknown: Options that the module does not have, as a path where they are in another option.
    """
    paths = sorted((name,) if isinstance(name, str) else tuple(name) for name in unknown)
    said = [_unknown(module, options, path) for path in paths]
    left = [error for error in errors if error[0] not in _FOLLOWING and not (paths and error[0] in _MISSING)]
    said += [_clear(options, text) for _kind, text in left]
    said = list(dict.fromkeys(said)) or [text for _kind, text in errors]
    if len(said) == 1:
        return said[0]
    return f"{len(said)} things are wrong: " + " ".join(f"({number}) {text}" for number, text in enumerate(said, 1))


def _unknown(module: str, options: Options, path: t.Tuple[str, ...]) -> str:
    known = options
    for name in path[:-1]:
        known = known.get(name, {}).get("options") or {}
    names = [name for name in known if not name.startswith("_")]
    aliases = [alias for option in known.values() for alias in option.get("aliases", ())]
    place = ".".join(path[:-1])
    close = difflib.get_close_matches(path[-1].lower().replace("-", "_"), [*names, *aliases], 1)
    start = f"{'.'.join(path)} is no option of {module}."
    if close:
        return f"{start} Did you mean {'.'.join((*path[:-1], close[0]))}?"
    return f"{start} {f'In {place} there' if place else 'There'} are: {', '.join(sorted(names))}."


def _clear(options: Options, text: str) -> str:
    found = _NO_MAPPING.match(text)
    if found is None:
        return text
    keys = options.get(found.group("option"), {}).get("options") or {}
    example = ", ".join(f"{key}: {key.upper()}" for key in ("name", "version") if key in keys)
    such = f", such as {{{example}}}" if example else ""
    sentence = f"An item of {found.group('option')} is of type {found.group('kind')}; it has to be a mapping{such}."
    if found.group("option") == "packs" and options.get("name", {}).get("type") == "list":
        sentence += " Names alone go into the option name, as a list of NAME or NAME=VERSION."
    return sentence
