"""What Superset reads at its start: local state, secrets from a file, no request to any other host.

Here: this installation. Not here: the dashboard (charts.py, bundle.py). SUPERSET_HOME names the folder of the
metadata database and of secrets.json, both made by `spacelift-usage superset`.
"""

import json
import os
from pathlib import Path

from sqlalchemy.engine import make_url

_HOME = Path(os.environ["SUPERSET_HOME"])
_SECRETS = json.loads((_HOME / "secrets.json").read_text())

SECRET_KEY = _SECRETS["secret_key"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{_HOME / 'superset.db'}?check_same_thread=false"
RATELIMIT_STORAGE_URI = "memory://"
# Figures are read anew each time; a daily warehouse is fast enough.
CACHE_CONFIG = DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {
    "CACHE_TYPE": "SupersetMetastoreCache",
    "CACHE_DEFAULT_TIMEOUT": 86_400,
}

# Superset's own policy allows map services and a host that counts installations; its pages ask the latter for
# a pixel even with SCARF_ANALYTICS=false. Here the browser may ask this server alone.
TALISMAN_CONFIG = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,
    "session_cookie_secure": False,
}


def DB_CONNECTION_MUTATOR(uri, params, username, security_manager, source):
    """The warehouse's address and password, which the bundle does not hold and Superset does not keep."""
    if uri.host == "warehouse":
        return make_url(_SECRETS["warehouse_url"]), params
    return uri, params
