# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files of Python packages by name and digest, from where pip would take them: simple indexes and directories.

Which file fits which host is decided by others, so nothing is chosen here.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from html.parser import HTMLParser
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from .._deadline import Deadline
from .._errors import SourceError
from .._http import Answer, HttpClient, HttpError, Request
from .._secrets import Credentials, split_userinfo
from .._st2.proxy import Proxy

_LARGEST_PAGE = 64 << 20
_LARGEST_FILE = 1 << 30
_MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_SDIST = re.compile(r"([0-9A-Za-z._+!-]{1,300})\.(?:tar\.gz|zip)\Z")
_SHA256 = re.compile(r"(?:^|&)sha256=([0-9a-fA-F]{64})(?:&|$)")
_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


class Listed(t.NamedTuple):
    """A file as a page of an index lists it.

    :arg url: Without userinfo; of a directory of this host the path.
    :arg sha256: In hex; empty where the page does not say it.
    :arg requires_python: The releases of Python that it is for; empty for all.
    :arg yanked: Whether it was taken back, except for those that name its version.
    """

    url: str
    sha256: str = ""
    requires_python: str = ""
    yanked: bool = False


class PackageIndexes:
    """Where packages come from.

    :arg urls: Of simple indexes (PEP 503, PEP 691), with credentials where they want some; and C(find-links), which
        are directories of this host or pages with links.
    """

    def __init__(
        self,
        urls: t.Sequence[str],
        find_links: t.Sequence[str],
        *,
        proxy: Proxy,
        ca_bundle: t.Optional[str],
        deadline: Deadline,
    ) -> None:
        self._urls = urls
        self._find_links = find_links
        self._proxy = proxy
        self._ca_bundle = ca_bundle
        self._deadline = deadline
        self._pages: t.Dict[str, t.Dict[str, Listed]] = {}

    def save(self, package: str, file: str, target: str) -> None:
        """Get a file; the first one of that name is taken.

        :arg package: The name of the package.
        :arg file: The name of the file.
        :arg target: Where to write it.
        :raises SourceError: when nobody has it.
        """
        asked = []
        for place in self._places(package):
            path = os.path.join(_local(place) or "", file)
            if _local(place) and os.path.isfile(path):
                with open(path, "rb") as stream:
                    _write(target, stream.read(_LARGEST_FILE))
                return
            found = {} if _local(place) else self._page(place)
            if file in found:
                _write(target, self._get(found[file].url, split_userinfo(place)[0], place, _LARGEST_FILE).content)
                return
            asked.append(split_userinfo(place)[0])
        raise SourceError(
            f"{file} is in the lock and not at {' or '.join(asked)}. Give the package index that has it "
            "(pip_index_url), or make the lock anew with st2_pack_lock."
        )

    def sdists(self, package: str) -> t.Dict[str, Listed]:
        """The source distributions of a package, by the names of their files; the first one of a name counts.

        :raises SourceError: when an index cannot be read.
        """
        found: t.Dict[str, Listed] = {}
        for place in self._places(package):
            for name, listed in (_directory(place) if _local(place) else self._page(place)).items():
                if sdist_version(name, package):
                    found.setdefault(name, listed)
        return found

    def _places(self, package: str) -> t.Iterator[str]:
        for url in self._urls:
            yield f"{url.rstrip('/')}/{normal_name(package)}/"
        yield from self._find_links

    def _page(self, place: str) -> t.Dict[str, Listed]:
        """The files that a page lists, by their names."""
        if place not in self._pages:
            url = split_userinfo(place)[0]
            answer = self._get(url, url, place, _LARGEST_PAGE, missing=True)
            self._pages[place] = _files(answer, url) if answer.status < 400 else {}
        return self._pages[place]

    def _get(self, url: str, origin: str, place: str, most_bytes: int, *, missing: bool = False) -> Answer:
        """:arg origin: The URL whose server gets the credentials in C(place), and no other does."""
        client = HttpClient(self._deadline, most_bytes=most_bytes)
        try:
            for _redirect in range(_MOST_REDIRECTS + 1):
                own = urlsplit(url)[:2] == urlsplit(origin)[:2]
                answer = client.exchange(self._request(url, split_userinfo(place)[1] if own else Credentials()))
                location = answer.headers.get("location", "") if answer.status in _REDIRECTS else ""
                if not location:
                    break
                url = _redirected(url, location)
        except HttpError as error:
            raise SourceError(f"{url} cannot be read: {error.reason}.") from error
        finally:
            client.close()
        if answer.status >= 300 and not (missing and answer.status == 404):
            hint = " Give user name and password in the URL of the index." if answer.status in (401, 403) else ""
            raise SourceError(f"{url} cannot be read: HTTP status {answer.status} ({answer.reason}).{hint}")
        return answer

    def _request(self, url: str, credentials: Credentials) -> Request:
        proxy, verify = self._proxy.for_url(url)
        return Request(
            "GET",
            url,
            {"Accept": _ACCEPT},
            credentials=credentials,
            proxy=proxy,
            verify=self._ca_bundle or verify,
        )


def normal_name(package: str) -> str:
    """The name by which an index knows a package (PEP 503)."""
    return re.sub(r"[-_.]+", "-", package).lower()


def sdist_version(file: str, package: str) -> str:
    """The version of which a file is the source distribution of a package; empty for any other file."""
    found = _SDIST.match(file)
    parts = found.group(1).split("-") if found else []
    for number in range(1, len(parts)):
        version = "-".join(parts[number:])
        if normal_name("-".join(parts[:number])) == normal_name(package) and version[:1].isdigit():
            return version
    return ""


def _directory(place: str) -> t.Dict[str, Listed]:
    try:
        return {name: Listed(os.path.join(_local(place), name)) for name in os.listdir(_local(place))}
    except OSError:
        return {}


def _local(place: str) -> str:
    """The directory of this host that a place is; empty for a page."""
    if place.startswith("file://"):
        return unquote(urlsplit(place).path)
    return "" if "://" in place else os.path.expanduser(place)


def _write(target: str, content: bytes) -> None:
    with open(target, "xb") as stream:
        stream.write(content)


def _redirected(url: str, location: str) -> str:
    new = split_userinfo(urljoin(url, location))[0]
    one, other = urlsplit(url).scheme, urlsplit(new).scheme
    if other not in ("http", "https") or (one == "https" and other == "http"):
        raise SourceError(f"{url} leads from {one} to {other or 'nowhere'}, which is not followed.")
    return new


def _files(answer: Answer, url: str) -> t.Dict[str, Listed]:
    """By name what a page lists."""
    if "json" in answer.headers.get("content-type", ""):
        try:
            listed = [(str(item["filename"]), _from_json(item)) for item in json.loads(answer.content)["files"]]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SourceError(f"{url} is no page of a package index: {error}.") from error
    else:
        links = _Links(url)
        links.feed(answer.content.decode("utf-8", "replace"))
        url = links.base
        listed = [(os.path.basename(unquote(urlsplit(link.url).path)), link) for link in links.found]
    return {
        name: one._replace(url=split_userinfo(urldefrag(urljoin(url, one.url))[0])[0])
        for name, one in listed
        if urlsplit(urljoin(url, one.url)).scheme in ("http", "https")
    }


def _from_json(item: t.Mapping[str, t.Any]) -> Listed:
    """A file of a page of JSON (PEP 691)."""
    sha256 = str((item.get("hashes") or {}).get("sha256") or "").lower()
    return Listed(str(item["url"]), sha256, str(item.get("requires-python") or ""), bool(item.get("yanked")))


def _from_link(link: str, attrs: t.Mapping[str, t.Optional[str]]) -> Listed:
    """A file of a page of HTML (PEP 503, PEP 592)."""
    found = _SHA256.search(urlsplit(link).fragment)
    sha256 = found.group(1).lower() if found else ""
    return Listed(link, sha256, attrs.get("data-requires-python") or "", "data-yanked" in attrs)


class _Links(HTMLParser):
    """The links of a page of HTML."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.found: t.List[Listed] = []

    def handle_starttag(self, tag: str, attrs: t.List[t.Tuple[str, t.Optional[str]]]) -> None:
        given = dict(attrs)
        link = given.get("href")
        if tag == "base" and link:
            self.base = urljoin(self.base, link)
        elif tag == "a" and link:
            self.found.append(_from_link(link, given))
