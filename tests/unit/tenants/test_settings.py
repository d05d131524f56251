"""A tenant's settings as another version stored them: none keeps the tenant from working, and no door opens."""

import pytest

from appliance.tenants.settings import TenantSettings, read, written


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"time_zone": "Asia/Hong_Kong", "of_the_future": {"a": 1}}, TenantSettings(time_zone="Asia/Hong_Kong")),
        ({"time_zone": "Mars/Base", "contact": "Ann"}, TenantSettings(contact="Ann")),
        ({"languages": ["tlh"], "keep_conversations_days": -1}, TenantSettings()),
        ({"require_totp": "of the future"}, TenantSettings(require_totp=True)),
        ({"require_totp": None}, TenantSettings()),
    ],
)
def test_what_cannot_be_read_is_as_if_it_were_not_chosen(stored: dict[str, object], expected: TenantSettings) -> None:
    assert read(stored) == expected


def test_a_change_leaves_alone_what_this_version_does_not_know() -> None:
    stored = {"of_the_future": 7, "contact": "Ann", "time_zone": "Asia/Hong_Kong"}
    assert written(stored, {"contact": "Bob", "time_zone": None}) == {"of_the_future": 7, "contact": "Bob"}
