# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How StackStorm's database is told; the options are those of _argspec.registration_options."""

    DOCUMENTATION = r"""
options:
  register:
    description:
      - How changes are registered in StackStorm's database. Files alone do nothing in a running StackStorm.
      - V(api) uses the REST API. It is an error when that does not answer, or does not accept the credentials.
      - V(local) runs C(st2-register-content) on the target, which needs no credentials but StackStorm installed
        there. It can register packs, but neither read the database nor take packs out of it.
      - V(none) registers nothing, for images and for hosts whose StackStorm is down.
      - V(auto) is V(api) when there are credentials and StackStorm accepts them, else V(local) where it is installed,
        else V(none) with a warning. Credentials that the task itself gives and StackStorm refuses are an error.
    type: str
    choices: [auto, api, local, none]
    default: auto
  api_url:
    description:
      - StackStorm's API as the target reaches it, such as V(https://st2.example.com/api/v1).
      - By default E(ST2_API_URL), then what follows from E(ST2_BASE_URL), then the config file of the st2 client
        (C(~/.st2/config) of the account that the module runs as, or E(ST2_CONFIG_FILE)), then
        V(http://127.0.0.1:9101/v1). As the st2 client does, C(:9101/v1) is put behind E(ST2_BASE_URL), with
        E(ST2_API_VERSION) for C(v1); for one that has a port, set E(ST2_API_URL) too.
    type: str
  auth_url:
    description:
      - StackStorm's auth service, for O(api_username). API keys and tokens do not need it.
      - By default beside O(api_url) when that is given, C(/auth) next to C(/api) or else port 9100. Without
        O(api_url) it is found as that is, with E(ST2_AUTH_URL).
    type: str
  api_key:
    description:
      - API key of StackStorm. When the task gives no credentials, those of the environment are used (E(ST2_API_KEY)
        or E(ST2_AUTH_TOKEN)), and when it has none either, those of the config file of the st2 client.
      - Mutually exclusive with O(auth_token). Mutually exclusive with O(api_username).
    type: str
  auth_token:
    description:
      - Token of StackStorm, instead of O(api_key).
      - Mutually exclusive with O(api_key). Mutually exclusive with O(api_username).
    type: str
  api_username:
    description:
      - Account of StackStorm, instead of O(api_key). It gets a token for this task alone, which expires a minute
        after O(timeout).
      - Mutually exclusive with O(api_key). Mutually exclusive with O(auth_token).
      - Required together with O(api_password).
    type: str
  api_password:
    description:
      - Password of O(api_username). Required together with it.
    type: str
  validate_certs:
    description:
      - Whether to check the certificate of StackStorm's API. O(ca_bundle) says whom to trust.
    type: bool
    default: true
"""
