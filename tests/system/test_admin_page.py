"""The operator's page is true: its script is taken from the page and run as it is written."""

import os
import re
import secrets
import subprocess
from pathlib import Path

from tests.factories.appliance import PROGRAM, Appliance
from tests.system.conftest import licence

PAGE = Path(__file__).parents[2] / "docs" / "operator" / "admin.md"


def script() -> str:
    """The one block of the page that is marked as bash."""
    found = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_the_script_of_the_page_runs_as_it_is_written(running: Appliance, tmp_path: Path) -> None:
    (tmp_path / "admin.sh").write_text(script())
    (tmp_path / "licence.json").write_bytes(licence())
    name = secrets.token_hex(4)
    told = {
        **running.environment(),
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "LICENCE": "licence.json",
        "TENANT": f"Works {name}",
        "ADMIN": f"ann.{name}",
    }
    done = subprocess.run(
        ["/bin/bash", "admin.sh"], cwd=tmp_path, env=told, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "The chain holds" in done.stdout
    assert running.value("select count(*) from users where login like %s", f"ann.{name}%") == 2
    assert running.value("select state from tenants where name = %s", f"Works {name}") == "active"
    query = (
        "select string_agg(action, ' ' order by e.id) from audit_entries e "
        "join tenants t on t.id = e.tenant_id where t.name = %s"
    )
    acts = str(running.value(query, f"Works {name}")).split()
    assert acts[:6] == [
        "tenant.create",
        "user.create",
        "group.create",
        "group.add_member",
        "user.create",
        "key.create",
    ]
    assert [act for act in acts if act.startswith("quota.")]
