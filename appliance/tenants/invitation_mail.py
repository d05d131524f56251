"""The letter with an invitation's link. A mail server that is away fails no invitation: the link can be copied."""

from dataclasses import dataclass, field
from typing import Final

from appliance.drivers import smtp
from appliance.kit import clock, crypto, log
from appliance.kit.database import Database
from appliance.kit.settings import Settings
from appliance.tenants import invited
from appliance.tenants.invitations import Invitation
from appliance.tenants.settings import settings_of

_logger = log.get(__name__)
OVERTAKEN: Final = "the link is not good"
TEXTS: Final = {
    "en": """You are invited
{by} invites you to the company's assistant. Open this link and choose a password. It is good once, until {until} (UTC):

{link}

You will sign in as: {login}
""",
    "zh-Hans": """您已受邀
{by} 邀请您使用公司的智能助手。请打开此链接并设置密码。链接只能使用一次，有效期至 {until}（UTC）：

{link}

登录账号：{login}
""",
    "zh-Hant": """您已獲邀
{by} 邀請您使用公司的智慧助理。請開啟此連結並設定密碼。連結只能使用一次，有效期至 {until}（UTC）：

{link}

登入帳號：{login}
""",
}
"""A line of subject, then the letter."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be said. ``by``: the name of who invites."""

    invitation: Invitation
    link: str = field(repr=False)
    by: str

    @property
    def secret(self) -> str:
        """What stands behind the link's #."""
        return self.link.rpartition("#")[2]

    def written(self, language: str) -> tuple[str, str]:
        """Subject and text."""
        subject, _, text = TEXTS[language].partition("\n")
        until = self.invitation.expires_at.strftime("%Y-%m-%d %H:%M")
        return subject, text.format(by=self.by, until=until, link=self.link, login=self.invitation.login)


def send(settings: Settings, app: Database, letter: Letter) -> None:
    """Send it, and note what became of it in the invitation. A link that is good no more by now is not sent."""
    tenant, hashed = letter.invitation.tenant_id, crypto.digest(letter.secret)
    with app.session(tenant) as session:
        good = invited.good(session, tenant, hashed, clock.now()) is not None
        languages = settings_of(session, tenant).languages or ["en"]
    state = _sent(settings, letter, languages[0]) if good else OVERTAKEN
    with app.session(tenant) as session:
        invited.note_mail(session, tenant, hashed, state)


def _sent(settings: Settings, letter: Letter, language: str) -> str:
    subject, text = letter.written(language)
    try:
        smtp.send(smtp.Post.of(settings), letter.invitation.mail or "", subject, text)
    except smtp.NotSent as error:
        _logger.warning("an invitation was not sent", invitation=str(letter.invitation.id), reason=error.detail)
        return error.detail[:200]
    return "sent"
