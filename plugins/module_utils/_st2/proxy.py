# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The proxy of a StackStorm host: where its values come from, and the forms that git, pip and HTTP clients need."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

# What StackStorm's own "packs" pack leaves out of the proxy (contrib/packs/config.schema.yaml no_proxy).
DEFAULT_NO_PROXY = "localhost,127.0.0.1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_CA_VARIABLES = (
    "GIT_SSL_CAINFO",
    "GIT_PROXY_SSL_CAINFO",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
# Whom requests (as used for indexes), pip and uv trust, where nothing else is said.
_TRUST_VARIABLES = ("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE")
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?.*@", re.DOTALL)


@dataclass(frozen=True)
class Proxy:
    """How to reach the outside; C(repr) shows no user names and passwords.

    :arg http: Proxy URL for C(http) addresses, possibly with userinfo.
    :arg https: Proxy URL for C(https) addresses, possibly with userinfo.
    :arg no_proxy: Hosts to reach directly, separated by commas.
    :arg ca_bundle: Path of a PEM file with the certificate authorities to trust.
    :arg ca_bundle_everywhere: Whether C(ca_bundle) also holds for hosts that are reached without the proxy.
        StackStorm's C(proxy_ca_bundle_path) does not (st2common/services/packs.py _fetch_and_compile_index).
    :arg trust: The variables of the service by which its programs know whom to trust where C(ca_bundle) does not hold.
    """

    http: t.Optional[str] = None
    https: t.Optional[str] = None
    no_proxy: t.Optional[str] = None
    ca_bundle: t.Optional[str] = None
    ca_bundle_everywhere: bool = True
    trust: t.Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"Proxy(http={_without_userinfo(self.http)!r}, https={_without_userinfo(self.https)!r}, "
            f"no_proxy={self.no_proxy!r}, ca_bundle={self.ca_bundle!r})"
        )

    def environment(self, url: t.Optional[str] = None) -> t.Dict[str, str]:
        """The variables for a program such as git, pip or uv, each proxy name in lower and in upper case.

        :arg url: The address that the program will talk to, if it is only one; decides whether a CA bundle that is the
            proxy's own is among the variables.
        """
        variables = dict(self.trust)
        for name, value in zip(_PROXY_VARIABLES, (self.http, self.https, self.no_proxy)):
            if value:
                variables[name] = variables[name.upper()] = value
        if self.ca_bundle and (self.ca_bundle_everywhere or self._is_used(url)):
            variables.update((name, self.ca_bundle) for name in _CA_VARIABLES)
        return variables

    def apply_to(self, environment: t.Mapping[str, str], url: t.Optional[str] = None) -> t.Dict[str, str]:
        """A copy of an environment in which the proxy is this one and no other that was inherited."""
        inherited = {name for lower in _PROXY_VARIABLES for name in (lower, lower.upper())}
        result = {name: value for name, value in environment.items() if name not in inherited}
        result.update(self.environment(url))
        return result

    def for_url(self, url: str) -> t.Tuple[t.Optional[str], t.Union[str, bool]]:
        """The proxy for one URL, C(None) for none, and what to check certificates with: a file, or V(true)."""
        proxies = {"http": self.http, "https": self.https}
        proxy = None if self.bypasses(url) else proxies.get(urlsplit(url).scheme.lower()) or None
        if self.ca_bundle and (proxy or self.ca_bundle_everywhere):
            return proxy, self.ca_bundle
        return proxy, self.trust.get("REQUESTS_CA_BUNDLE") or True

    def bypasses(self, url: str) -> bool:
        """Whether C(no_proxy) says to reach this URL directly.

        An entry is a host name (its sub-domains count too, with a leading dot or without), an address, a network in
        CIDR form, a name or IPv4 address with C(:port), or C(*).
        """
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").lower()
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme.lower())
        return any(_matches(entry, host, port) for entry in re.split(r"[\s,]+", self.no_proxy or "") if entry)

    def secrets(self) -> t.List[str]:
        """The passwords in the proxy URLs, as written and percent-decoded."""
        found: t.List[str] = []
        for url in (self.http, self.https):
            userinfo = _userinfo(url)
            _username, colon, password = userinfo.partition(":")
            if colon and password:
                found.extend((password, unquote(password)))
        return sorted(set(found))

    def _is_used(self, url: t.Optional[str]) -> bool:
        if url is None:
            return bool(self.http or self.https)
        return self.for_url(url)[0] is not None


def _userinfo(url: t.Optional[str]) -> str:
    match = _USERINFO.match(url or "")
    return match.group(0)[len(match.group(1) or "") : -1] if match else ""


def _without_userinfo(url: t.Optional[str]) -> t.Optional[str]:
    return _USERINFO.sub(lambda match: match.group(1) or "", url) if url else url


def _matches(entry: str, host: str, port: t.Optional[int]) -> bool:
    entry = entry.lower()
    if entry == "*":
        return True
    if "/" in entry or (entry.count(":") > 1 and not entry.startswith("[")):
        return _is_in_network(host, entry)
    name, colon, wanted_port = entry.rpartition(":")
    # Only digits after the last colon, outside of brackets, are a port.
    if colon and wanted_port.isdigit():
        if port != int(wanted_port):
            return False
        entry = name
    entry = entry.strip("[]").rstrip(".")
    if entry.startswith("*."):
        entry = entry[1:]
    entry = entry.lstrip(".")
    is_address = ":" in host or re.fullmatch("[0-9.]+", host)
    return bool(entry) and (host == entry or (not is_address and host.endswith(f".{entry}")))


def _is_in_network(host: str, network: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return False


def resolve_proxy(
    options: t.Mapping[str, t.Optional[str]],
    service_environment: t.Mapping[str, str],
    process_environment: t.Mapping[str, str],
    pack_config: t.Callable[[str], t.Optional[str]] = lambda _key: None,
) -> Proxy:
    """The proxy to use.

    Of each value the option, else StackStorm's service environment, else the config of the pack C(packs), else this
    process's environment. Like StackStorm, lower-case names are looked at first, and the CA bundle is
    C(proxy_ca_bundle_path) (contrib/packs/actions/pack_mgmt/download.py __init__); upper-case names count here too. An
    empty value is an answer: it says that there is none.

    :arg options: C(http_proxy), C(https_proxy), C(no_proxy), C(ca_bundle) of the task; missing or C(None) is not given.
    :arg pack_config: The value of a key of the config, C(None) for none; asked only when it counts.
    """

    def find(option: str, variable: str) -> t.Optional[str]:
        value = options.get(option)
        if value is None:
            value = _variable(service_environment, variable)
        if value is None:
            value = pack_config(variable)
        if value is None:
            value = _variable(process_environment, variable)
        return None if value is None else value.strip()

    http = find("http_proxy", "http_proxy") or None
    https = find("https_proxy", "https_proxy") or None
    no_proxy = find("no_proxy", "no_proxy")
    if no_proxy is None and (http or https):
        no_proxy = DEFAULT_NO_PROXY
    # curl before 7.86 does not skip the blanks that StackStorm's documents put after the commas.
    no_proxy = ",".join(re.findall(r"[^\s,]+", no_proxy or "")) or None
    ca_bundle = find("ca_bundle", "proxy_ca_bundle_path") or None
    trust = {name: service_environment[name] for name in _TRUST_VARIABLES if service_environment.get(name)}
    return Proxy(http, https, no_proxy, ca_bundle, ca_bundle_everywhere=bool(options.get("ca_bundle")), trust=trust)


def _variable(environment: t.Mapping[str, str], name: str) -> t.Optional[str]:
    return environment.get(name, environment.get(name.upper()))
