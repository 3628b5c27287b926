# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How StackStorm's database is updated; the options are those of _argspec.registration_options."""

    DOCUMENTATION = r"""
options:
  register:
    description:
      - How to register changes in StackStorm's database. A running StackStorm does not notice files until they are
        registered.
      - V(api) uses the REST API. The task fails if the API does not respond or does not accept the credentials.
      - V(local) runs C(st2-register-content) on the target, which needs no credentials, but requires StackStorm to be
        installed there. It can register packs, but can neither read the database nor unload packs.
      - V(none) registers nothing. Use it for images and for hosts where StackStorm is down.
      - V(auto) is V(api) if there are credentials and StackStorm accepts them, else V(local) if StackStorm is installed
        on the target, else V(none) with a warning. The task fails if StackStorm refuses credentials that the task
        itself sets.
    type: str
    choices: [auto, api, local, none]
    default: auto
  api_url:
    description:
      - URL of StackStorm's API as seen from the target, such as V(https://st2.example.com/api/v1).
      - By default, the first of these that is set is used, E(ST2_API_URL), a URL derived from E(ST2_BASE_URL), the
        config file of the st2 client (C(~/.st2/config) of the account that runs the module, or E(ST2_CONFIG_FILE)), and
        V(http://127.0.0.1:9101/v1). Like the st2 client, the module appends C(:9101/v1) to E(ST2_BASE_URL), with
        E(ST2_API_VERSION) in place of C(v1). If E(ST2_BASE_URL) contains a port, set E(ST2_API_URL) too.
    type: str
  auth_url:
    description:
      - URL of StackStorm's auth service, for O(api_username). API keys and tokens do not need it.
      - If O(api_url) is set, the default is derived from it, with C(/auth) in place of C(/api), or else port 9100.
        Without O(api_url), the default is found in the same way as for O(api_url), with E(ST2_AUTH_URL).
    type: str
  api_key:
    description:
      - StackStorm API key. If the task sets no credentials, those of the environment (E(ST2_API_KEY) or
        E(ST2_AUTH_TOKEN)) are used, or else those of the config file of the st2 client.
      - Mutually exclusive with O(auth_token). Mutually exclusive with O(api_username).
    type: str
  auth_token:
    description:
      - StackStorm access token, instead of O(api_key).
      - Mutually exclusive with O(api_key). Mutually exclusive with O(api_username).
    type: str
  api_username:
    description:
      - StackStorm user name, instead of O(api_key). The module requests a token for this task only, which expires one
        minute after O(timeout).
      - Mutually exclusive with O(api_key). Mutually exclusive with O(auth_token).
      - Required together with O(api_password).
    type: str
  api_password:
    description:
      - Password of O(api_username). Required together with O(api_username).
    type: str
  validate_certs:
    description:
      - Whether to verify the certificate of StackStorm's API. Use O(ca_bundle) to set the CA certificates to trust.
    type: bool
    default: true
"""
