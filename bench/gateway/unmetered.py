"""Our gateway with all but a line written down: what metering and audit cost is the difference."""

import sys

from appliance.entry import web
from appliance.kit import log, settings
from appliance.serving.connect import engines


def main() -> int:
    """Serve until SIGTERM."""
    configured = settings.load()
    log.configure("web", configured.log_level)
    app = web.build(configured)
    app.state.engines = engines(configured, app.state.databases.system, lambda _: None, app.state.budgets)
    web.server(app, configured).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
