"""How long tenants keep what their people asked: a chore of the sweep."""

from contextlib import closing

from sqlalchemy.orm import Session

from appliance.chat.keeping import forget_old
from appliance.entry.gathering import load_tables
from appliance.kit.database import Database, address
from appliance.kit.settings import Settings
from appliance.tenants.settings import choosing


def forget_conversations(session: Session, settings: Settings) -> int:
    """Forget conversations that are older than their tenant keeps them; how many. Opens nothing where nobody chose."""
    chosen = choosing(session, "keep_conversations_days")
    if not chosen:
        return 0
    load_tables()
    with closing(Database(address(settings, "app"), pool_size=1)) as app:
        return sum(forget_old(app, tenant, days) for tenant, days in chosen.items())
