# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print as JSON what an Exchange serves, as a StackStorm host sees it: C(look_at_exchange.py NAME CA).

C(index): its packs, and C(cached), the headers of the index that tell how long it may be kept. C(tags): of each
repository of the index, its tags and their commits, by git. C(files): the files of each Python package, after their
hashes were compared. C(pages): the status of the answers to some addresses, such as those of the page. C(statuses):
what a pusher reads of each pack in NAME. C(certificate): until when, from whom, and for which names.
"""

from __future__ import annotations

import hashlib
import json
import re
import ssl
import subprocess
import sys
import time
import typing as t
from urllib.error import HTTPError
from urllib.request import Request, urlopen

JSON = "application/vnd.pypi.simple.v1+json"
ADDRESSES = (
    *("index.html", "feed.xml", "ca.pem", "git/greeter.git/config", "git/greeter.git/HEAD", "simple/"),
    *("status/status.txt", "status/acme_dns.txt", "packs/greeter/"),
)


def main(name: str, authority: str) -> None:
    """Print it."""
    context = ssl.create_default_context(cafile=authority)
    base = f"https://{name}"

    def get(path: str, **headers: str) -> t.Tuple[int, t.Mapping[str, str], bytes]:
        try:
            with urlopen(Request(f"{base}/{path}", headers=headers), timeout=30, context=context) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            return error.code, dict(error.headers), error.read()

    _status, headers, content = get("v1/index.json")
    index = json.loads(content)["packs"]
    pages = {path: get(path) for path in ADDRESSES}
    git = ["git", "-c", f"http.sslCAInfo={authority}", "ls-remote", "--tags"]
    found = {
        "index": index,
        "cached": [headers.get("Cache-Control"), bool(headers.get("ETag"))],
        "tags": {ref: tags(run(*git, entry["repo_url"])) for ref, entry in index.items()},
        "files": dict(packages(get)),
        "pages": {path: status for path, (status, _headers, _content) in pages.items()},
        "status": {path[7:-4]: content.decode() for path, (_s, _h, content) in pages.items() if path[:7] == "status/"},
        "certificate": certificate(name, authority),
    }
    json.dump(found, sys.stdout)


def tags(listed: str) -> t.Dict[str, str]:
    """Tags and their commits."""
    lines = [line.split() for line in listed.splitlines()]
    found = {name[len("refs/tags/") :]: commit for commit, name in lines}
    return {name: found.get(f"{name}^{{}}", commit) for name, commit in found.items() if not name.endswith("^{}")}


def packages(get: t.Callable[..., t.Any]) -> t.Iterator[t.Tuple[str, t.List[str]]]:
    """The files of each Python package, by PEP 691, whose hashes are right and which the HTML has, too."""
    for project in json.loads(get("simple/", Accept=JSON)[2])["projects"]:
        path = f"simple/{project['name']}/"
        html = get(path, Accept="text/html")[2].decode()
        files = json.loads(get(path, Accept=JSON)[2])["files"]
        for file in files:
            content = get(path + file["url"])[2]
            assert hashlib.sha256(content).hexdigest() == file["hashes"]["sha256"], file
            assert file["url"] in html, html
        yield project["name"], [file["filename"] for file in files]


def certificate(name: str, authority: str) -> t.Dict[str, t.Any]:
    """What openssl sees of the certificate that is served, after it has verified it."""
    connect = ["openssl", "s_client", "-connect", f"{name}:443", "-servername", name]
    shown = run(*connect, "-CAfile", authority, "-verify_return_error", "-verify_hostname", name)
    leaf = run(
        "openssl", "x509", "-noout", "-serial", "-enddate", "-ext", "basicConstraints,subjectAltName", data=shown
    )
    root = run("openssl", "x509", "-noout", "-text", "-in", authority)
    ends = ssl.cert_time_to_seconds(re.search("notAfter=(.*)", leaf)[1])  # type: ignore[index]  # openssl prints it.
    return {"leaf": leaf, "days": (ends - time.time()) / 86400, "constrained": "Name Constraints: critical" in root}


def run(*command: str, data: str = "") -> str:
    """The output of a program that must succeed."""
    done = subprocess.run(command, input=data.encode(), capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stderr.decode()}")
    return done.stdout.decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
