# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Secrets: taken out of URLs before anything sees them, taken out of text before anybody reads it."""

from __future__ import annotations

import json
import re
import typing as t

REDACTED = "********"
# scheme://userinfo@host: everything up to the last @ before the path is userinfo.
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^/\s?#]*)@")
_SECRET_QUERY = re.compile(
    r"(?P<name>[?&;](?:[a-z_]*token|password|passwd|secret|api_?key|key|sig(?:nature)?|auth)=)[^&;\s'\"]+",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 3
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[^\s/]{16,}")
_HEXADECIMAL = re.compile(r"(?:sha256:)?[0-9a-f]+")


class Credentials(t.NamedTuple):
    """A user name and a password for a source or an index; C(repr) shows neither."""

    username: str = ""
    password: str = ""

    def __repr__(self) -> str:
        return "Credentials(...)"

    def __bool__(self) -> bool:
        return bool(self.username or self.password)


def split_userinfo(url: str) -> t.Tuple[str, Credentials]:
    """Take the credentials out of a URL.

    An SSH URL keeps its user name, which is an address there; a password in it is taken out all the same.

    :returns: The clean URL and what was in it, percent-decoded; empty credentials where there were none.
    """
    match = _USERINFO.match(url)
    if not match:
        return url, Credentials()
    from urllib.parse import unquote  # As most tasks have no need of it.

    username, _colon, password = match.group("userinfo").partition(":")
    rest = url[match.end() :]
    scheme = match.group("scheme")
    if scheme.lower() in ("ssh://", "git+ssh://"):
        return f"{scheme}{username}@{rest}" if username else f"{scheme}{rest}", Credentials("", unquote(password))
    return f"{scheme}{rest}", Credentials(unquote(username), unquote(password))


def strip_urls(text: str) -> str:
    """The text with the userinfo and the secret-looking query values of every URL in it replaced."""

    def clean(match: t.Match[str]) -> str:
        if match.group("scheme").lower() == "ssh://" and ":" not in match.group("userinfo"):
            return match.group(0)
        return f"{match.group('scheme')}{REDACTED}@"

    if "@" not in text and "=" not in text:
        return text
    return _SECRET_QUERY.sub(rf"\g<name>{REDACTED}", _USERINFO.sub(clean, text))


class Redactor:
    """Takes known secrets, in every form they may show up in, out of text that others wrote: programs, servers, Python.

    What the collection says itself has secrets in known places, and they are masked there. It is not searched: a secret
    may be a word like any other, and refs, paths, keys and steps must stay what they are.

    :arg secrets: Values that must not be seen; very short ones are left out, since they would eat ordinary text.
    :arg public: Options that everybody may see. A secret that is a word of them stays: taking it out would tell it.
    """

    def __init__(self, secrets: t.Iterable[t.Optional[str]] = (), public: t.Any = ()) -> None:
        self._forms: t.Dict[str, str] = {}
        self._public = public
        for secret in secrets:
            self.add(secret)

    def add(self, secret: t.Optional[str]) -> None:
        """Know one more secret, with the forms that URLs, JSON and Python's errors show it in."""
        if secret and len(secret) >= _SHORTEST_SECRET:
            from urllib.parse import quote

            escaped = (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret))
            forms = (secret, quote(secret), quote(secret, safe=""), *(form[1:-1] for form in escaped))
            self._forms.update(dict.fromkeys(forms, secret))

    def text(self, value: str) -> str:
        """A text of others without the secrets, and with every URL clean."""
        if self._forms and value:
            from ._foreign_text import without_secrets

            value = without_secrets(self._longest_first(), self._public, value)
        return strip_urls(value)

    def any_text(self, value: str) -> str:
        """A text in which anything may be, such as that of a mistake: without any secret, at any cost."""
        return self._without(value, lambda _secret: True)

    def own_text(self, value: str) -> str:
        """A text of our own with every URL clean. What nobody would write by chance, such as a key of an API, is taken
        out all the same, in case that it got in by a way that nobody thought of."""
        return self._without(value, is_random)

    def _without(self, value: str, is_meant: t.Callable[[str], bool]) -> str:
        for form, secret in self._longest_first():
            value = value.replace(form, REDACTED) if is_meant(secret) else value
        return strip_urls(value)

    def _longest_first(self) -> t.List[t.Tuple[str, str]]:
        return sorted(self._forms.items(), key=lambda item: len(item[0]), reverse=True)


def is_random(secret: str) -> bool:
    """Whether it is made by a machine, so that it is never part of a text by chance; a commit or a digest may be."""
    return bool(_RANDOM.fullmatch(secret)) and not _HEXADECIMAL.fullmatch(secret)


def url_secrets(value: t.Any, beside: bool = False) -> t.Iterator[str]:
    """Every password and secret-looking query value in the URLs of a structure of strings, lists and dicts. With a
    password or token C(beside) them, a name that stands alone may be an account."""
    if isinstance(value, str):
        for match in _USERINFO.finditer(value):
            username, _colon, password = match.group("userinfo").partition(":")
            from urllib.parse import unquote

            # A URL with one word before the @ has a token there, except for ssh, where it is an account.
            named = match.group("scheme").lower().endswith("ssh://")
            if beside and not password:
                from ._accounts import is_account

                named = named or is_account(username)
            secret = password or ("" if named else username)
            yield from (form for form in (secret, unquote(secret)) if form)
        for match in _SECRET_QUERY.finditer(value):
            yield match.group(0).partition("=")[2]
    elif isinstance(value, (t.Mapping, list, tuple)):
        for item in value.values() if isinstance(value, t.Mapping) else value:
            yield from url_secrets(item, beside)
