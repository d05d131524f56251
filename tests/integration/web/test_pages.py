"""The pages in a real browser: what people see who follow their link, and who go to the appliance's address."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.integration.web.conftest import House
from tests.integration.web.desk import PASSWORD
from tests.integration.web.test_people_cli import url  # noqa: F401 - a fixture

CHROMIUM = shutil.which("chromium")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed (bin/apt)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield browser
        browser.close()


@pytest.fixture
def link(url: str, house: House) -> str:  # noqa: F811 - the fixture
    answer = httpx.post(
        f"{url}/api/v1/tenants/{house.one}/invitations",
        json={"login": "ann", "name": "Ann Lee"},
        headers=House.bearer(house.admin_of_one),
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["link"])


def opened(browser: Browser, address: str, language: str = "en-GB") -> tuple[Page, list[str]]:
    """The page, and what the browser complained of."""
    page = browser.new_context(locale=language).new_page()
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def filled(page: Page, password: str, again: str) -> None:
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("The password again").fill(again)
    page.get_by_role("button", name="Join").click()


def test_a_person_follows_the_link_and_may_sign_in(browser: Browser, link: str, url: str) -> None:  # noqa: F811 - the fixture
    page, complaints = opened(browser, link)
    assert "iv-" not in page.url, "the secret does not stay in the address"
    filled(page, PASSWORD, "another password")
    expect(page.get_by_role("status")).to_have_text("The two passwords differ.")
    filled(page, PASSWORD, PASSWORD)
    expect(page.get_by_role("status")).to_have_text("You are in. Sign in as ann")
    expect(page.get_by_role("button", name="Join")).to_be_hidden()
    assert complaints == []
    assert httpx.post(f"{url}/api/v1/login", json={"login": "ann", "password": PASSWORD}).status_code == 201


def test_a_link_that_was_used_says_so(browser: Browser, link: str) -> None:
    for said in ("You are in", "This invitation is not good"):
        page, _ = opened(browser, link)
        filled(page, PASSWORD, PASSWORD)
        expect(page.get_by_role("status")).to_contain_text(said)


@pytest.mark.parametrize(
    ("language", "title"), [("zh-CN", "您已受邀"), ("zh-TW", "您已獲邀"), ("de-CH", "You are invited")]
)
def test_it_speaks_the_browser_s_language_and_tells_of_a_link_cut_short(
    browser: Browser, link: str, language: str, title: str
) -> None:
    page, complaints = opened(browser, link.partition("#")[0], language)
    expect(page.get_by_role("heading")).to_have_text(title)
    expect(page.get_by_role("status")).not_to_be_empty()
    assert complaints == []


def test_the_appliance_s_address_tells_in_three_languages_that_it_runs(browser: Browser, url: str) -> None:  # noqa: F811 - the fixture
    """The first start sends people there, and they were shown a problem document: not found."""
    page, complaints = opened(browser, url)
    expect(page.get_by_role("heading")).to_have_text("Appliance")
    for language in ("en", "zh-Hans", "zh-Hant"):
        expect(page.locator(f"section[lang={language}]")).to_contain_text("/v1")
    assert complaints == []
