"""What route is told of mail. Without LEADFLOW_MAIL_SERVER nothing is mailed, and nothing else is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from services.route.domain.mail import letter
from services.route.domain.mail.letter import Sender
from services.route.mail.links import Links
from services.route.mail.server import Server
from shared import mail_link
from shared.settings import Common

SHIPPED_TEMPLATES = Path(__file__).parents[1] / "mailing"


class MailSettings(Common):
    """Of mail."""

    mail_server: str = Field(
        default="",
        description="the mail server that sends, host:port; without it nothing is mailed",
        examples=["smtp.acme.example:587"],
        pattern=r"^([A-Za-z0-9.\-]+|\[[0-9a-fA-F:]+\])?(:[0-9]{1,5})?$",
    )
    mail_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="how the connection to it is encrypted", examples=["starttls"]
    )
    mail_user: str = Field(default="", description="who signs in there; none: nobody", examples=["leadflow"])
    mail_password: str = Field(
        default="", description="the password of that user", examples=["..."], json_schema_extra={"secret": True}
    )
    mail_connections: int = Field(
        default=2, ge=1, le=20, description="connections that each instance has to it", examples=["2"]
    )
    mail_answer_seconds: float = Field(
        default=120, gt=0, le=240, description="how long it may take for an answer", examples=["120"]
    )
    mail_from: str = Field(
        default="", description="who writes", examples=["Acme <news@acme.example>"], validate_default=True
    )
    mail_reply_to: str = Field(default="", description="who reads answers", examples=["hello@acme.example"])
    mail_bounce_to: str = Field(
        default="", description="where servers report to; without it to who writes", examples=["bounces@acme.example"]
    )
    mail_bounces: Path | None = Field(
        default=None, description="the Maildir in which those reports arrive", examples=["/var/mail/bounces"]
    )
    mail_templates: Path = Field(
        default=SHIPPED_TEMPLATES, description="the folder of templates", examples=["/etc/leadflow/mail"]
    )
    mail_url: str = Field(
        default="",
        description="capture as the world sees it: there lead the links of mails",
        examples=["https://capture.acme.example"],
        pattern=r"^(https?://[^/?#\s]+(/[^?#\s]*)?)?$",
        validate_default=True,
    )
    mail_link_hosts: str = Field(
        default="",
        description="hosts to which links in mails may lead, separated by commas; with a dot before it all beneath; the same as capture's",
        examples=["www.acme.example,.acme.example"],
    )
    mail_counted: bool = Field(
        default=True,
        description="whether openings and clicks are counted, by a picture and by links",
        examples=["true"],
    )

    @field_validator("mail_from", "mail_url")
    @classmethod
    def _is_there_where_mail_is_on(cls, value: str, info: ValidationInfo) -> str:
        if not value and info.data.get("mail_server"):
            raise ValueError("is needed where LEADFLOW_MAIL_SERVER is set")
        return value

    @field_validator("mail_from", "mail_reply_to", "mail_bounce_to")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value:
            letter.address(value)
        return value

    @field_validator("mail_link_hosts")
    @classmethod
    def _are_hosts(cls, value: str) -> str:
        mail_link.hosts_in(value)
        return value

    @field_validator("mail_templates")
    @classmethod
    def _is_a_folder(cls, value: Path) -> Path:
        if not value.is_dir():
            raise ValueError("is no folder")
        return value

    @field_validator("mail_bounces")
    @classmethod
    def _is_a_maildir(cls, value: Path | None) -> Path | None:
        if value is not None and not ((value / "new").is_dir() and (value / "cur").is_dir()):
            raise ValueError("is no Maildir: it has no folders new and cur")
        return value

    @property
    def mail_server_address(self) -> Server:
        """The server as settings have it."""
        host, _, port = self.mail_server.rpartition(":") if ":" in self.mail_server else (self.mail_server, "", "")
        usual = {"starttls": 587, "tls": 465, "none": 25}[self.mail_tls]
        return Server(
            host.strip("[]"),
            int(port or usual),
            self.mail_tls,
            self.mail_user,
            self.mail_password,
            self.mail_answer_seconds,
        )

    @property
    def mail_sender(self) -> Sender:
        """Whose letters they are. Only where mail is on."""
        sender = letter.address(self.mail_from)
        bounces = letter.address(self.mail_bounce_to).addr_spec if self.mail_bounce_to else sender.addr_spec
        return Sender(sender, bounces, letter.address(self.mail_reply_to) if self.mail_reply_to else None)

    @property
    def mail_links(self) -> Links:
        """The links of mails."""
        hosts = mail_link.hosts_in(self.mail_link_hosts)
        return Links(self.secret.encode(), self.mail_url, hosts, self.mail_counted and bool(self.mail_url))
