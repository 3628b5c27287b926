# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Whether a host reaches what packs come from, tried as StackStorm's services do: index, git, Python packages."""

from __future__ import annotations

import json
import os
import sys
import typing as t
from dataclasses import dataclass

from .._deadline import Deadline
from .._errors import OptionError, St2Error
from .._process import last_lines, run
from .._secrets import Redactor, split_userinfo, strip_urls, url_secrets
from .._st2.host import Host
from .._st2.proxy import Proxy

# st2common/services/packs.py _fetch_and_compile_index, in a process of StackStorm's own Python.
_READ_INDEX = """
import json, os
import requests
url, e = os.environ["ST2_PROBED_URL"], os.environ.get
bypass = requests.utils.should_bypass_proxies(url, no_proxy=e("no_proxy"))
proxies = {name: e(name + "_proxy") for name in ("http", "https") if e(name + "_proxy")}
verify = e("https_proxy") and e("proxy_ca_bundle_path") or True
try:
    answer = requests.get(url, proxies=None if bypass else proxies, verify=True if bypass else verify, timeout=30)
    answer.raise_for_status()
    packs = answer.json()["packs"]
except Exception as error:
    raise SystemExit("%s: %s" % (type(error).__name__, error))
print(json.dumps([len(packs), next((p["repo_url"] for _, p in sorted(packs.items()) if p.get("repo_url")), None)]))
"""
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL")
_WANTS_CREDENTIALS = ("could not read Username", "Authentication failed", "terminal prompts disabled")
# Where the index says nothing.
_PUBLIC_REPOSITORY = "https://github.com/StackStorm-Exchange/stackstorm-github"


@dataclass(frozen=True)
class Reached:
    """What came of one try.

    :arg kind: C(index), C(git) or C(packages).
    :arg target: A URL, or the name of a Python package.
    """

    kind: str
    target: str
    reached: bool
    message: str

    def as_dict(self) -> t.Dict[str, t.Any]:
        """For the result of a module."""
        return {"kind": self.kind, "target": self.target, "reached": self.reached, "message": self.message}


class Probe:
    """Tries it.

    :arg proxy: As StackStorm's actions find it.
    :arg variables: The environment of the service.
    :arg environment: Of this process, for the places of programs.
    :arg scratch: A directory of this run alone.
    """

    def __init__(
        self,
        host: Host,
        proxy: Proxy,
        variables: t.Mapping[str, str],
        environment: t.Mapping[str, str],
        *,
        scratch: str,
        timeout: int,
        redactor: Redactor,
    ) -> None:
        self._host = host
        self._python = host.st2_python or sys.executable
        self._scratch = scratch
        self._timeout = timeout
        self._redactor = redactor
        self._found_repository = ""
        named = {"http_proxy": proxy.http, "https_proxy": proxy.https, "no_proxy": proxy.no_proxy}
        # contrib/packs/actions/pack_mgmt/download.py __init__: what only the config has is put into the environment.
        exported = {name: value for name, value in named.items() if value and name not in variables}
        kept = {name: environment[name] for name in _KEPT if name in environment}
        self._variables = {**kept, **variables, **exported}
        self._ca_bundle = proxy.ca_bundle or ""
        self._has_proxy = bool(proxy.https)
        for secret in url_secrets([*host.index_urls, *host.pip_opts]):
            redactor.add(secret)

    def index(self) -> t.Iterator[Reached]:
        """Read each index."""
        for url in self._host.index_urls:
            variables = {"ST2_PROBED_URL": url, "proxy_ca_bundle_path": self._ca_bundle}
            done, message = self._try([self._python, "-c", _READ_INDEX], variables)
            if done is not None:
                number, repository = json.loads(done)
                message = f"{number} packs"
                self._found_repository = self._found_repository or str(repository or "")
            yield Reached("index", strip_urls(url), done is not None, message)

    def git(self, url: t.Optional[str]) -> Reached:
        """Ask a repository for its branch; by default that of the first pack of an index that was read.

        :raises OptionError: for an address with a password, which every user of the host could see.
        """
        url = url or split_userinfo(self._found_repository)[0] or _PUBLIC_REPOSITORY
        if split_userinfo(url)[1]:
            raise OptionError("git_url must not contain a user name and password, since it is an argument of git.")
        variables = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false", "LC_ALL": "C"}
        done, message = self._try(["git", "ls-remote", "--", url, "HEAD"], variables)
        if done is None and any(text in message for text in _WANTS_CREDENTIALS):
            return Reached("git", url, True, "the server wants credentials")
        return Reached("git", url, done is not None, "" if done is not None else message)

    def packages(self, name: str) -> Reached:
        """Download a Python package."""
        variables = {"PIP_CERT": self._ca_bundle} if self._has_proxy and self._ca_bundle else {}
        folder = os.path.join(self._scratch, "probed-packages")
        options = ("--no-deps", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet")
        argv = [self._python, "-m", "pip", "download", *options, *self._host.pip_opts, "--dest", folder, "--", name]
        done, message = self._try(argv, variables)
        return Reached("packages", name, done is not None, message)

    def _try(self, argv: t.Sequence[str], variables: t.Mapping[str, str]) -> t.Tuple[t.Optional[str], str]:
        """What a program answers, C(None) when it fails; and why."""
        try:
            done = run(
                argv,
                deadline=Deadline(self._timeout),
                environment={**self._variables, **variables},
                cwd=self._scratch,
                redactor=self._redactor,
                check=False,
            )
        except St2Error as error:
            return None, error.message
        if done.returncode:
            return None, self._redactor.text(last_lines(done.stderr or done.stdout)) or "it said nothing"
        return done.stdout, ""
