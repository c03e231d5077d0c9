"""Superset's tables, its one user and the dashboard: run by Superset's own Python before the server starts.

Usage: prepare.py BUNDLE.zip. One process instead of four of Superset's commands, which each need ten seconds
to start; and the password of the user stays out of the process list.
"""

import json
import os
import sys
from pathlib import Path
from zipfile import ZipFile

USER = "admin"


def main(bundle: str) -> None:
    from flask import g
    from flask_migrate import upgrade
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from superset import appbuilder, security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand
        from superset.commands.importers.v1.utils import get_contents_from_bundle

        upgrade()
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        g.user = _user(security_manager)
        with ZipFile(bundle) as files:
            contents = get_contents_from_bundle(files)
        # Imported as a dashboard, charts and datasets that are there already would stay as they were.
        contents["metadata.yaml"] = contents["metadata.yaml"].replace("Dashboard", "assets")
        ImportAssetsCommand(contents).run()


def _user(security_manager):
    """The one who may do everything in this Superset, with the password of secrets.json."""
    password = json.loads((Path(os.environ["SUPERSET_HOME"]) / "secrets.json").read_text())["user_password"]
    user = security_manager.find_user(USER)
    if user is None:
        role = security_manager.find_role("Admin")
        return security_manager.add_user(USER, "Usage", "Admin", "admin@localhost", role, password)
    security_manager.reset_password(user.id, password)
    return user


if __name__ == "__main__":
    main(sys.argv[1])
