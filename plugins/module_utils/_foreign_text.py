# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Secrets taken out of text that others wrote: programs, servers, Python. See L(_secrets.Redactor)."""

from __future__ import annotations

import re
import typing as t

from ._secrets import REDACTED, is_random, strip_urls

Forms = t.Sequence[t.Tuple[str, str]]

_WORD = re.compile(r"[A-Za-z][a-z]{2,11}")
_PATH = re.compile(r"(?:/[a-z][a-z0-9_.-]*){2,}")


def without_secrets(forms: Forms, public: t.Any, text: str) -> str:
    """A text without the secrets. Paths, and what everybody may see, are none.

    :arg forms: What a secret may look like, with the secret; the longest first.
    :arg public: As for L(_secrets.Redactor).
    """
    words: t.Optional[t.Set[str]] = None
    for form, secret in forms:
        if form in text:
            words = set(_words_in(public)) if words is None else words
            if is_random(secret) or not (_PATH.fullmatch(secret) or secret in words):
                text = _without(form, text)
    return text


def _without(form: str, text: str) -> str:
    """A text without one form of a secret.

    A secret that looks like a word is taken out only where a value stands: in quotes, after C(=), or at the end of what
    follows a colon. C(load) must not turn C(cannot load the module) into a riddle.
    """
    if _WORD.fullmatch(form):
        quoted = rf"(?<=['\"`=]){form}(?!\w)|(?<!\w){form}(?=['\"`])"
        return re.sub(rf"{quoted}|(?<=: ){form}(?=\s*(?:[,;)}}\]]|$))", REDACTED, text, flags=re.M)
    if form.isdigit():
        return re.sub(rf"(?<!\d){form}(?!\d)", REDACTED, text)
    return text.replace(form, REDACTED)


def _words_in(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        clean = strip_urls(value)
        yield clean
        yield from re.findall(r"\w+", clean)
    elif isinstance(value, t.Mapping):
        for key, item in value.items():
            yield from _words_in(str(key))
            yield from _words_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _words_in(item)


def values_of(options: t.Iterable[str], value: t.Any, name: str = "") -> t.Iterator[str]:
    """Every text and number that is given for some options.

    :arg options: Their names, with that of the option around them as in C(packs.secrets).
    :arg value: The options of a task.
    """
    if name in options:
        yield from _leaves(value)
    elif isinstance(value, t.Mapping):
        for key, item in value.items():
            yield from values_of(options, item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from values_of(options, item, name)


def _leaves(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, t.Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
