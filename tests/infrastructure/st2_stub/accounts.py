# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may ask: accounts with passwords, tokens and API keys, and what an observer is refused."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import hashlib
import secrets
import typing as t

SALT = "saltnpepper"
"""What StackStorm puts before an API key when it makes its hash (st2common/util/hash.py)."""

# What the role "observer" lacks, of what the stand-in can do (st2 RBAC: system roles).
REFUSED_TO_OBSERVERS = frozenset(
    [
        "pack_install",
        "pack_uninstall",
        "pack_register",
        "pack_config",
        "pack_views_index_health",
        "action_execute",
        "execution_stop",
        "action_create",
        "rule_create",
        "action_alias_create",
        "policy_create",
        "action_delete",
        "action_modify",
        "sensor_type_modify",
        "rule_delete",
        "rule_modify",
        "action_alias_delete",
        "policy_delete",
    ]
)


class Denied(Exception):
    """A refusal: the status (401 or 403) and StackStorm's words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclasses.dataclass(frozen=True)
class Account:
    """A user. The secrets are no part of its repr.

    * ``role``: ``admin``, ``observer``, or any other name, whose user may do what ``grants`` names; it counts with RBAC
      only.
    """

    username: str
    password: str = dataclasses.field(repr=False)
    api_key: str = dataclasses.field(default="", repr=False)
    role: str = "admin"
    grants: t.Tuple[str, ...] = ()


@dataclasses.dataclass
class Token:
    """What ``POST /tokens`` gave out."""

    token: str = dataclasses.field(repr=False)
    account: Account
    expiry: datetime.datetime


@dataclasses.dataclass(frozen=True)
class Identity:
    """Who asks, and how that was found out; the account is None where nobody has to say."""

    account: t.Optional[Account]
    method: str = ""
    location: str = ""
    expiry: t.Optional[datetime.datetime] = None


class Accounts:
    """The users of a stand-in, and the tokens it gave them.

    :arg enabled: without, everybody may do everything, and nobody has a name.
    :arg rbac: whether roles count; without, every user is an admin.
    """

    def __init__(self, accounts: t.Sequence[Account], enabled: bool = True, rbac: bool = False) -> None:
        self.accounts = list(accounts)
        self.enabled = enabled
        self.rbac = rbac
        self._tokens: t.Dict[str, Token] = {}

    def new_token(self, account: Account, ttl: float = 86400) -> Token:
        """Give out a token that is good for so many seconds; one with a negative time is over at once."""
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=ttl)
        token = Token(secrets.token_hex(16), account, expiry)
        self._tokens[token.token] = token
        return token

    def forget_tokens(self) -> None:
        """Take every token back, as a restart with an empty database does."""
        self._tokens.clear()

    def log_in(self, authorization: str) -> Account:
        """Return the account of a basic ``Authorization`` header. Raises `Denied`."""
        for account in self.accounts:
            plain = f"{account.username}:{account.password}".encode()
            if authorization == f"Basic {base64.b64encode(plain).decode()}":
                return account
        raise Denied(401, "Invalid or missing credentials")

    def identify(
        self, headers: t.Mapping[str, str], query: t.Mapping[str, str], cookies: t.Mapping[str, str]
    ) -> Identity:
        """Return who asks; the first place that says something counts, in StackStorm's order. Raises `Denied`.

        st2common/router.py, openapi.yaml.j2 (security).
        """
        if not self.enabled:
            return Identity(None)
        if headers.get("X-Auth-Token"):
            return self._by_token(headers["X-Auth-Token"], "header")
        if query.get("x-auth-token"):
            return self._by_token(query["x-auth-token"], "query")
        if cookies.get("auth-token"):
            return self._by_token(cookies["auth-token"], "cookie")
        if headers.get("St2-Api-Key"):
            return self._by_key(headers["St2-Api-Key"], "header")
        if query.get("st2-api-key"):
            return self._by_key(query["st2-api-key"], "query")
        raise Denied(401, "Unauthorized - One of Token or API key required.")

    def is_admin(self, identity: Identity) -> bool:
        """Whether the one who asks may see secrets."""
        return not self.rbac or identity.account is None or identity.account.role == "admin"

    def require(
        self,
        identity: Identity,
        permission: str,
        resource: str = "",
        *,
        named: str = "",
        implied_by: t.Sequence[str] = (),
    ) -> None:
        """Raise `Denied` (403) where a permission is missing.

        :arg resource: the uid of what it is about, where StackStorm says it.
        :arg named: the permission that it names, where that is another.
        :arg implied_by: those that are as good.
        """
        account = identity.account
        if account is None or self.is_admin(identity) or any(_may(account, one) for one in (permission, *implied_by)):
            return
        name = account.username
        where = f' on resource "{resource}"' if resource else ""
        raise Denied(403, f'User "{name}" doesn\'t have required permission "{named or permission}"{where}')

    def by_name(self, username: str) -> Identity:
        """Return who works in an execution that a user has started."""
        return Identity(next((each for each in self.accounts if each.username == username), None))

    def _by_token(self, text: str, location: str) -> Identity:
        token = self._tokens.get(text)
        if token is None:
            raise Denied(401, "Unauthorized")
        if token.expiry <= datetime.datetime.now(datetime.timezone.utc):
            raise Denied(401, "Unauthorized - Token has expired.")
        return Identity(token.account, "authentication token", location, token.expiry)

    def _by_key(self, text: str, location: str) -> Identity:
        for account in self.accounts:
            if account.api_key and account.api_key == text:
                return Identity(account, "API key", location)
        key_hash = hashlib.sha512((SALT + text).encode()).hexdigest()
        raise Denied(401, f"Unauthorized - ApiKey with key_hash={key_hash} not found.")


def _may(account: Account, permission: str) -> bool:
    return permission not in REFUSED_TO_OBSERVERS if account.role == "observer" else permission in account.grants
