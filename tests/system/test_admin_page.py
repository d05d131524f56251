"""The operator's page is true: its script is taken from the page and run as it is written."""

import json
import os
import re
import secrets
import subprocess
from pathlib import Path

import pytest

from tests.factories import slapd
from tests.factories.appliance import PROGRAM, Appliance
from tests.system.conftest import licence

PAGE = Path(__file__).parents[2] / "docs" / "operator" / "admin.md"


def script() -> str:
    """The one block of the page that is marked as bash."""
    found = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def ldap(server: slapd.Slapd, directory: Path, name: str) -> None:
    """Two people and their group, and how they are reached."""
    server.add(slapd.person(f"bo.{name}", "Bo Berg") + slapd.person(f"cy.{name}", "Cy Chan"))
    server.add(slapd.group("board", f"bo.{name}"))
    reached = {"host": "127.0.0.1", "port": server.ldaps, "ca": server.ca, "bind_dn": slapd.ADMIN}
    bases = {
        "user_base": f"ou=people,{slapd.BASE}",
        "group_base": f"ou=groups,{slapd.BASE}",
        "groups": {"board": "Board"},
    }
    (directory / "ldap.json").write_text(json.dumps({**reached, **bases, "every_minutes": None}))
    (directory / "ldap.secret").write_text(slapd.PASSWORD)


@pytest.mark.skipif(slapd.PROGRAM is None, reason="Debian's slapd is not installed: bin/apt gets it")
def test_the_script_of_the_page_runs_as_it_is_written(running: Appliance, tmp_path: Path) -> None:
    (tmp_path / "admin.sh").write_text(script())
    (tmp_path / "licence.json").write_bytes(licence())
    name = secrets.token_hex(4)
    (tmp_path / "slapd").mkdir()
    with slapd.running(tmp_path / "slapd") as server:
        ldap(server, tmp_path, name)
        _run(running, tmp_path, name)


def _run(running: Appliance, tmp_path: Path, name: str) -> None:
    told = {
        **running.environment(),
        "PATH": f"{PROGRAM.parent}{os.pathsep}{os.environ['PATH']}",
        "LICENCE": "licence.json",
        "TENANT": f"Works {name}",
        "ADMIN": f"ann.{name}",
        "LDAP": "ldap.json",
        "LDAP_SECRET": "ldap.secret",
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
    own = [act for act in acts if act.startswith(("tenant.", "user.", "group.", "key."))]
    assert own[:2] == ["tenant.create", "user.create"]
    assert own[-4:] == ["group.create", "group.add_member", "user.create", "key.create"]
    members = (
        "select string_agg(u.login, ' ') from users u join group_members m on m.user_id = u.id "
        "join groups g on g.id = m.group_id join tenants t on t.id = g.tenant_id where t.name = %s and g.name = 'Board'"
    )
    assert running.value(members, f"Works {name}") == f"bo.{name}"
    assert running.value("select count(*) from users where login = %s", f"cy.{name}") == 1
    assert [act for act in acts if act.startswith("quota.")]
