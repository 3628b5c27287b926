# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""One pack index: downloaded with bounds on time and size, or read from a file, and judged as StackStorm judges it.

Where indexes have to be signed, what is looked into is the very bytes that the signature is of.
"""

from __future__ import annotations

import json
import os
import stat
import typing as t
from urllib.parse import urljoin, urlsplit, urlunsplit

from .._content.address import check_source
from .._deadline import Deadline
from .._errors import DeadlineError, OptionError, St2Error
from .._http import (
    Answer,
    AuthoritiesError,
    HttpClient,
    HttpError,
    Request,
    TooLargeError,
    TooLateError,
    UntrustedError,
    WrongUrlError,
)
from .._secrets import Credentials, Redactor, split_userinfo
from .._st2.proxy import Proxy
from .index_serials import serial_of

if t.TYPE_CHECKING:
    from .index_trust import IndexTrust

# The kinds of failure that StackStorm's index health endpoint has (st2common/services/packs.py).
EMPTY = "empty"
MALFORMED = "malformed"
UNRESPONSIVE = "unresponsive"
OTHER = "other errors"
# One that StackStorm does not have: there is an index, but not one to be believed.
UNTRUSTED = "untrusted"

# The Exchange's index has 2 MB. What Python makes of one takes up to 25 times its size.
_LARGEST = 16 << 20
_MOST_PACKS = 50_000
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
# Longer numbers take Python before 3.11 very long to read; no index has a use for them.
_LONGEST_NUMBER = 1000


class IndexProblem(Exception):
    """An index that cannot be used.

    :arg kind: C(empty), C(malformed), C(unresponsive), C(untrusted) or C(other errors).
    :arg message: What is wrong, in a sentence.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


class IndexDocument(t.NamedTuple):
    """What an index holds.

    :arg packs: By ref, each as it is written.
    :arg serial: The number that grows with each change of it; C(None) where it has none.
    :arg generated: When it was made, in seconds since 1970; C(None) where it does not say.
    :arg signer: Who signed it; C(None) where that was not asked.
    """

    packs: t.Dict[str, t.Any]
    serial: t.Optional[int] = None
    generated: t.Optional[int] = None
    signer: t.Optional[str] = None


def is_local(url: str) -> bool:
    """Whether an index is a file of this host."""
    return url.startswith("/") or url[:7].lower() == "file://"


class IndexDownload:
    """Reads one index.

    :arg url: The index; userinfo in it is used for basic authentication.
    :arg ca_bundle: PEM file to trust instead of the libraries' own and of the proxy's.
    :arg credentials_for: Asked with the clean URL when the index answers 401.
    :arg deadline: When it has taken too long.
    :arg trust: What it has to prove; nothing without.
    """

    def __init__(
        self,
        url: str,
        *,
        proxy: Proxy,
        ca_bundle: t.Optional[str],
        credentials_for: t.Optional[t.Callable[[str], Credentials]],
        deadline: Deadline,
        trust: t.Optional[IndexTrust] = None,
    ) -> None:
        self.url, self._credentials = split_userinfo(url)
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._credentials_for = credentials_for
        self._deadline = deadline
        self._trust = trust
        self._redactor = Redactor([*proxy.secrets(), self._credentials.password or self._credentials.username])

    def document(self) -> IndexDocument:
        """What the index holds.

        :raises IndexProblem: when it cannot be read, is no index, or is not to be believed.
        :raises TooLateError: when it took too long.
        """
        try:
            return self._document()
        except IndexProblem as problem:
            raise IndexProblem(problem.kind, self._redactor.text(problem.message)) from None
        except TooLateError:
            raise
        except DeadlineError as error:
            raise TooLateError(error.message) from None
        except St2Error as error:
            raise IndexProblem(UNTRUSTED, self._redactor.text(error.message)) from None
        except HttpError as error:
            raise IndexProblem(*_judged(error, self._redactor.text(error.reason))) from None
        except Exception as error:
            kind = MALFORMED if isinstance(error, ValueError) else OTHER
            raise IndexProblem(kind, self._redactor.text(f"{type(error).__name__}: {error}")) from None

    def _document(self) -> IndexDocument:
        if self._trust is None:
            return parse_document(self._content())
        from .index_trust import UntrustedIndexError

        try:
            content, signer = self._signed(self._trust)
            document = parse_document(content)._replace(signer=signer)
            self._trust.check_serial(self.url, document.serial)
        except UntrustedIndexError as error:
            raise IndexProblem(UNTRUSTED, error.message) from None
        return document

    def _signed(self, trust: IndexTrust) -> t.Tuple[bytes, str]:
        """The bytes of the index, and who signed them."""
        from .index_trust import UntrustedIndexError

        first = self._content(), self._signature()
        try:
            return first[0], trust.signer(*first, self._deadline)
        except UntrustedIndexError:
            # Between the two, the index may have been replaced by the next one.
            second = self._content(), self._signature()
            if second == first:
                raise
        return second[0], trust.signer(*second, self._deadline)

    def _content(self) -> bytes:
        return _read_file(self.url) if is_local(self.url) else self._download()

    def _signature(self) -> bytes:
        """What lies beside the index as its signature.

        :raises UntrustedIndexError: when nothing does, or it cannot be had.
        """
        from .index_trust import LARGEST_SIGNATURE, UntrustedIndexError

        try:
            if is_local(self.url):
                return _read_file(f"{self.url}.sig", LARGEST_SIGNATURE)
            answer = self._exchange(_beside(self.url), LARGEST_SIGNATURE)
        except (TooLateError, UntrustedIndexError):
            raise
        except TooLargeError:
            raise UntrustedIndexError(f"Its signature has more than {LARGEST_SIGNATURE} bytes.") from None
        except (HttpError, IndexProblem) as error:
            reason = error.reason if isinstance(error, HttpError) else error.message
            raise UntrustedIndexError(f"Its signature cannot be read ({reason.rstrip('.')}).") from None
        if answer.status >= 400:
            raise UntrustedIndexError(
                f"It has no signature: {os.path.basename(urlsplit(_beside(self.url)).path)} beside it gives HTTP "
                f"status {answer.status} ({answer.reason})."
            )
        return answer.content

    def _download(self) -> bytes:
        answer = self._exchange(self.url, _LARGEST)
        if answer.status >= 400:
            refused = self._credentials_for and self._credentials
            given = " It refuses the credentials of the task." if refused else ""
            hint = (given or " Give username and password, or token.") if answer.status == 401 else ""
            raise IndexProblem(UNRESPONSIVE, f"HTTP status {answer.status} ({answer.reason}).{hint}")
        return answer.content

    def _exchange(self, url: str, most_bytes: int) -> Answer:
        client = HttpClient(self._deadline, most_bytes=most_bytes, light=False)
        try:
            return self._answer(client, url)
        finally:
            client.close()

    def _answer(self, client: HttpClient, url: str) -> Answer:
        """The answer behind redirects; credentials stay with the server that they are for."""
        asked, redirects = False, 0
        while redirects <= _MOST_REDIRECTS:
            own = _origin(url) == _origin(self.url)
            answer = client.exchange(self._request(url, self._credentials if own else Credentials()))
            location = answer.headers.get("location", "") if answer.status in _REDIRECTS else ""
            if answer.status == 401 and own and self._credentials_for and not asked:
                asked = True
                self._credentials = self._credentials_for(self.url)
                self._redactor.add(self._credentials.password)
                if not self._credentials:
                    return answer
            elif location:
                url = _redirected(url, location)
                redirects += 1
            else:
                return answer
        raise IndexProblem(UNRESPONSIVE, f"More than {_MOST_REDIRECTS} redirects.")

    def _request(self, url: str, credentials: Credentials) -> Request:
        proxy, verify = self._proxy.for_url(url)
        fallback = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        return Request(
            "GET",
            url,
            {"Accept": "application/json"},
            credentials=_with_name(credentials) if credentials else credentials,
            proxy=proxy,
            verify=self._ca_bundle or (fallback if verify is True else verify),
        )


def _with_name(credentials: Credentials) -> Credentials:
    """Beside a token any name will do, but there must be one; git gets the same."""
    return Credentials(credentials.username or "git", credentials.password)


def _beside(url: str) -> str:
    """Where the signature of an index is: its path with C(.sig), and the same query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path}.sig"))


def _origin(url: str) -> t.Tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _redirected(url: str, location: str) -> str:
    new, _dropped = split_userinfo(urljoin(url, location))
    one, other = urlsplit(url).scheme.lower(), urlsplit(new).scheme.lower()
    if other not in ("http", "https") or (one == "https" and other == "http"):
        raise IndexProblem(UNRESPONSIVE, f"A redirect from {one} to {other or 'nowhere'}, which is not followed.")
    return new


def _read_file(url: str, most_bytes: int = _LARGEST) -> bytes:
    try:
        path = check_source("index_url", url).url
    except OptionError as error:
        raise IndexProblem(MALFORMED, error.message) from None
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise IndexProblem(UNRESPONSIVE, "It is not a regular file.")
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise IndexProblem(UNRESPONSIVE, f"The file cannot be read: {error.strerror}.") from error
    if len(content) > most_bytes:
        raise IndexProblem(MALFORMED, f"The index is larger than {_LARGEST >> 20} MiB.")
    return content


def parse_index(content: bytes) -> t.Dict[str, t.Any]:
    """The packs of an index, as L(parse_document) finds them."""
    return parse_document(content).packs


def parse_document(content: bytes) -> IndexDocument:
    """An index, judged as StackStorm judges it; what makes StackStorm itself crash is malformed.

    :raises IndexProblem: when it is no index.
    """
    try:
        index = json.loads(content, parse_int=_number)
    except RecursionError:
        raise IndexProblem(MALFORMED, "The JSON is nested too deeply.") from None
    if index == {}:
        raise IndexProblem(EMPTY, "The index URL returned an empty object.")
    if not isinstance(index, dict):
        raise IndexProblem(MALFORMED, f"Expected an index object, got a {_json_type(index)} instead.")
    if "packs" not in index:
        raise IndexProblem(MALFORMED, 'Index object is missing "packs" attribute.')
    packs = index["packs"]
    if packs == []:
        packs = {}
    if not isinstance(packs, dict):
        raise IndexProblem(MALFORMED, f'The "packs" attribute must be an object, not a {_json_type(packs)}.')
    if len(packs) > _MOST_PACKS:
        raise IndexProblem(MALFORMED, f"The index lists {len(packs)} packs, more than {_MOST_PACKS}.")
    metadata = index.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return IndexDocument(packs, serial_of(metadata.get("serial")), serial_of(metadata.get("generated_ts")))


def _json_type(value: t.Any) -> str:
    names = {type(None): "null", bool: "boolean", str: "string", list: "list"}
    return names.get(type(value), "number")


def _number(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"A number of {len(text)} digits.")
    return int(text)


def _judged(error: HttpError, reason: str) -> t.Tuple[str, str]:
    """The kind of a failure, and a sentence for it."""
    if isinstance(error, WrongUrlError):
        return MALFORMED, f"It cannot be queried: {reason}."
    if isinstance(error, TooLargeError):
        return MALFORMED, f"The index is larger than {_LARGEST >> 20} MiB."
    if isinstance(error, AuthoritiesError):
        return OTHER, f"It cannot be queried: {reason}."
    if isinstance(error, UntrustedError):
        return UNRESPONSIVE, f"Its server cannot be trusted: {reason}."
    return UNRESPONSIVE, f"It cannot be reached: {reason}."
