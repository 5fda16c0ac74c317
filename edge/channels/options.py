"""Options that every channel has in the routing file; those of its kind stand in the kind's own file."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, model_validator

from edge.channels.http_post import checked_url
from edge.channels.schedule import Schedule
from edge.channels.secret_files import read_secret

TOTAL_S_MAX: Final = 110.0
"""A page that has not got through in two minutes has to be told of otherwise: its end is known before."""

ShortText = Annotated[str, Field(max_length=500)]


class Options(BaseModel):
    """What is common to all kinds; times in s.

    `concurrency`: messages at once. `canary`: whether a canary's alert goes this way once a minute, so that
    `vigil watch` knows that the way is open; only where the receiver knows what it is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    concurrency: int = Field(default=16, ge=1, le=32)
    attempt_s: float = Field(default=5.0, gt=0, le=30)
    total_s: float = Field(default=90.0, gt=0, le=TOTAL_S_MAX)
    canary: bool = False

    @property
    def schedule(self) -> Schedule:
        """When a message of this channel is tried again."""
        return Schedule(attempt_s=self.attempt_s, total_s=self.total_s)


class HttpOptions(Options):
    """Options of a channel that posts to an address."""

    url: AnyHttpUrl
    insecure_http: bool = False

    @model_validator(mode="after")
    def _address(self) -> "HttpOptions":
        checked_url(self.url, "url", self.insecure_http)
        return self


class BearerOptions(HttpOptions):
    """Options of a channel that may sign in with a bearer token, which `key_file` holds."""

    key_file: Path | None = None

    @model_validator(mode="after")
    def _one_credential(self) -> "BearerOptions":
        if self.key_file is not None and (self.url.username or self.url.password):
            raise ValueError(
                "url: a name in it and key_file are two ways to sign in, and nothing would be sent"
            )
        return self

    @property
    def authorization(self) -> dict[str, str]:
        """Return the header that signs in, none without a token.

        Raises:
            UsageError: the file cannot be read.
        """
        if self.key_file is None:
            return {}
        return {"Authorization": f"Bearer {read_secret(self.key_file, 'key_file')}"}
