# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says in JSON what StackStorm reads of [content] in its configuration file, values by their digests.

Runs in StackStorm's own Python, with the library and the kinds of options by which its services read the file
(st2common/config.py), and knows nothing of how the file was written. There may be credentials in the URL of an index,
so values are not shown.
"""

import hashlib
import inspect
import json
import sys

try:
    from oslo_config import cfg
except ImportError:
    sys.exit(f"{sys.executable} does not have oslo.config, so it is not StackStorm's own Python.")

PATHS, GROUP, INDEXES = "packs_base_paths", "pack_group", "index_url"

conf = cfg.ConfigOpts()
conf.register_opts(
    [
        cfg.StrOpt("system_packs_base_path", default="/opt/stackstorm/packs"),
        cfg.StrOpt(PATHS, default=""),
        cfg.StrOpt(GROUP, default=""),
        cfg.ListOpt(INDEXES, default=[]),
    ],
    group="content",
)
# The oslo.config of StackStorm 3.8 reads neither directories nor the environment by itself, and does not know these.
known = inspect.signature(conf.__call__).parameters
alone = {name: value for name, value in (("default_config_dirs", []), ("use_env", False)) if name in known}
conf(args=[], default_config_files=[sys.argv[1]], **alone)
content = conf.content
# st2common/content/utils.py get_packs_base_paths
lists = {PATHS: content[PATHS].split(":"), GROUP: [content[GROUP]], INDEXES: content[INDEXES]}
found = {name: [hashlib.sha256(one.encode()).hexdigest() for one in items if one] for name, items in lists.items()}
json.dump({"system_packs_base_path": content.system_packs_base_path, **found}, sys.stdout)
