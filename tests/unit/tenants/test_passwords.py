"""What stands for the password of nobody: as much work as a real one, and matched by nothing."""

from argon2 import extract_parameters

from appliance.tenants import passwords


def test_a_password_is_told_from_another() -> None:
    stored = passwords.hashed("correct horse")
    assert passwords.matches(stored, "correct horse")
    assert not passwords.matches(stored, "correct house")


def test_nobodys_takes_the_work_of_a_real_one() -> None:
    assert extract_parameters(passwords._NOBODY) == extract_parameters(passwords.hashed("x"))
    assert not passwords.outdated(passwords._NOBODY)
    assert not passwords.matches(None, "x")
    assert not passwords.matches(None, "")
