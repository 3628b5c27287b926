# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings written to files, in the forms that others read."""

from __future__ import annotations

import os
import typing as t

from .._errors import OptionError, St2Error
from .._file_changes import write_atomically
from .._files import read_regular_file
from .check import Report
from .formats import github, gitlab, junit, plain_json, sarif, text

_FORMS: t.Mapping[str, t.Callable[[t.Sequence[Report]], str]] = {
    "text": text.render,
    "json": plain_json.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "github": github.render,
    "gitlab": gitlab.render,
}
_MOST_BYTES = 256 << 20


def write_reports(reports: t.Sequence[Report], outputs: t.Sequence[t.Mapping[str, str]], *, check: bool) -> t.List[str]:
    """Write the files that do not hold yet what they are to hold.

    :arg outputs: Each with C(format) and C(path).
    :arg check: Whether to only say which ones.
    :returns: Their paths.
    :raises OptionError: when there is something else than a file, or no directory for one.
    :raises St2Error: when one cannot be written.
    """
    written = []
    for output in outputs:
        path = os.path.abspath(output["path"])
        content = _FORMS[output["format"]](reports).encode("utf-8")
        if _content(path) == content:
            continue
        if not os.path.isdir(os.path.dirname(path)):
            raise OptionError(f"There is no directory {os.path.dirname(path)} for the output {path}: create it first.")
        if not check:
            try:
                write_atomically(path, content)
            except OSError as error:
                raise St2Error(f"The output {path} cannot be written: {error.strerror}.", step="output") from error
        written.append(path)
    return written


def _content(path: str) -> t.Optional[bytes]:
    if not os.path.lexists(path):
        return None
    try:
        return read_regular_file(path, _MOST_BYTES)
    except OSError as error:
        raise OptionError(f"The output {path} exists and cannot be replaced: {error.strerror}.") from error
