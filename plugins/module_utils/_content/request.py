# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Requests for packs: what C(st2 pack install) takes, read so that nothing in it can be mistaken or misused.

StackStorm splits a request at every C(=) (st2common/util/pack_management.py get_repo_url, eval_repo_url); where that
breaks a source, the source is kept whole here.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import OptionError
from .._secrets import Credentials, strip_urls
from .names import check_ref, check_text, check_version, is_path, refusal
from .origin import Source, source_of

# In name: all that is installed.
ALL = "*"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class PackRequest(t.NamedTuple):
    """One pack that the task asks for.

    :arg requested: The request as written, clean of credentials; for messages and results.
    :arg name: The name in the index, which is the pack's ref; C(None) for a source.
    :arg source: A clean URL, or the absolute path of a local directory (also for C(file://)); C(None) for a name.
    :arg version: Version, tag, branch or commit; C(None) for whatever the index or the repository has.
    :arg subdir: Directory of the pack inside the source, relative, with C(/).
    :arg ref: The pack ref that was named next to a source.
    :arg credentials: What was in the source URL.
    :arg digest: Digest of the content that the pack must have, C(sha256:...).
    :arg controller: Whether C(source) is a directory of the controller, known here by its digest.
    :arg upload: Archive on this host with the content of that directory.
    :arg state: C(present), C(latest) or C(absent), where it is not that of the task.
    :arg warnings: Sentences for the person who wrote the task.
    """

    requested: str
    name: t.Optional[str] = None
    source: t.Optional[str] = None
    version: t.Optional[str] = None
    subdir: t.Optional[str] = None
    ref: t.Optional[str] = None
    credentials: Credentials = Credentials()
    digest: t.Optional[str] = None
    controller: bool = False
    upload: t.Optional[str] = None
    state: t.Optional[str] = None
    warnings: t.Tuple[str, ...] = ()

    @property
    def is_name(self) -> bool:
        """Whether an index has to be asked for the source."""
        return self.name is not None

    @property
    def kind(self) -> str:
        """C(index), C(git) or C(path)."""
        if self.is_name:
            return "index"
        return "path" if (self.source or "").startswith("/") else "git"

    @property
    def expected_ref(self) -> t.Optional[str]:
        """The ref that the pack must have, where the request says so."""
        return self.name or self.ref


def parse_spec(text: str) -> PackRequest:
    """Read one request in the form that C(st2 pack install) takes: C(NAME), C(ORG/REPO), a URL, an scp address or an
    absolute path, each with C(=VERSION).

    :raises OptionError: when it cannot be used, saying what to write.
    """
    check_text("name", text, blanks=is_path(str(text)))
    address, written = _split_version(text)
    if written and (written[0] == "=" or address.endswith("=")) and "?" not in address:
        from .address import refuse_two_equals

        refuse_two_equals(text)
    version = check_version(written)
    if _is_name(address):
        return PackRequest(text if version else address, name=check_ref("name", address), version=version)
    from .address import check_source

    source = check_source("name", address)
    clean = not source.credentials and address == strip_urls(address)
    requested = text if clean else source.url + (f"={version}" if version else "")
    return PackRequest(
        requested, source=source.url, version=version, credentials=source.credentials, warnings=source.warnings
    )


def from_option(item: t.Mapping[str, t.Any]) -> PackRequest:
    """Read one item of the option C(packs).

    :arg item: C(name), C(version), C(source), C(subdir), C(digest), C(upload), each a string, C(None) or missing. A
        C(source) is taken whole, C(=) included, and C(name) is then the ref that the pack must have; without one,
        C(name) is all that R(parse_spec) takes.
    :raises OptionError: when it cannot be used, saying what to write.
    """
    name, version, source, subdir, digest, upload = (
        _optional(item, key) for key in ("name", "version", "source", "subdir", "digest", "upload")
    )
    if source is not None:
        request = _from_source(source, check_version(version or ""), name)
    elif name is not None:
        request = parse_spec(name)
        version = check_version(version or "")
        if version and request.version and version != request.version:
            raise refusal("version", version, f"the name {request.requested} asks for another. Give one of them")
        if version and not request.version:
            request = request._replace(requested=f"{request.requested}={version}", version=version)
    else:
        raise OptionError("An item of packs has neither a name nor a source: set at least one of them.")
    if digest is not None and not _DIGEST.fullmatch(digest):
        raise refusal("digest", digest, "a digest must be sha256: and 64 hexadecimal digits")
    if subdir:
        from .address import check_subdir

        subdir = check_subdir(subdir)
    return request._replace(subdir=subdir or None, digest=digest, upload=upload, state=_optional(item, "state"))


def given_in(params: t.Mapping[str, t.Any]) -> t.List[t.Union[str, t.Mapping[str, t.Any]]]:
    """What a task names: the items of C(name), then those of C(packs); C(version) goes to its one name.

    :raises OptionError: for a C(version) without one name that it could be meant for.
    """
    named = [*(params["name"] or ()), *(params["packs"] or ())]
    version = params.get("version")
    if version is None:
        return named
    if len(named) != 1 or not isinstance(named[0], str):
        raise OptionError(
            f"version is that of the one pack in name, and the task names {len(named)}. Use name=[NAME=VERSION, ...], "
            "or version in the items of packs."
        )
    return [{"name": named[0], "version": version}]


def _from_source(text: str, version: t.Optional[str], ref: t.Optional[str]) -> PackRequest:
    from .address import check_source

    source = check_source("source", text)
    return PackRequest(
        source.url + (f"={version}" if version else ""),
        source=source.url,
        version=version,
        ref=None if ref is None else check_ref("name", ref),
        credentials=source.credentials,
        warnings=source.warnings,
    )


def _split_version(text: str) -> t.Tuple[str, str]:
    """Name or address, and version, of a request; the version is empty where there is none."""
    if ":" in text or text.startswith("/"):
        from .address import split_version

        return split_version(text)
    # Neither a name in an index nor ORG/REPO can hold a "=", a branch can.
    address, _equals, version = text.partition("=")
    return address, version


def _is_name(address: str) -> bool:
    """Whether an index has to be asked: StackStorm asks it for what has no C(/); an scp address may have none."""
    return "/" not in address and "@" not in address and not address.startswith((".", "~")) and "::" not in address


def _optional(item: t.Mapping[str, t.Any], key: str) -> t.Optional[str]:
    value = item.get(key)
    if value is not None and not isinstance(value, str):
        from .yaml_values import not_text

        raise not_text(f"The {key} of {item.get('name') or item.get('source') or 'an item of packs'}", value)
    return value


def source_for(request: PackRequest) -> Source:
    """The source that a request names."""
    if request.controller:
        return Source("directory", request.source or "", request.subdir or "")
    return source_of(request.source or "", request.subdir or "")
