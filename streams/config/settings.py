"""All settings in one place: environment (`VIGIL_...`), then a TOML file (`VIGIL_CONFIG`), then safe defaults.

The defaults follow what an alarm system needs rather than what is usual for a stream: short sessions, small
fetches, acknowledged writes, no open port but the metrics' on loopback.
"""

import os
import re
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from streams.config.gateway_settings import GatewaySettings
from streams.config.identity_settings import IdentitySettings
from streams.config.outer_settings import BoardSettings, DeliverySettings, HistorySettings, TraceSettings
from streams.config.tls_folder import tls_settings
from streams.contracts.partition_names import PATIENTS_MAX
from streams.contracts.topics import READINGS
from streams.contracts.zones import ZoneName
from streams.errors import UsageError

SECRETS: Final = frozenset({"sasl_password", "command_key", "gateway_key", "history_postgres"})
"""Settings whose value is never shown. Beside each stands one with `_file` behind its name."""


class Settings(
    GatewaySettings, IdentitySettings, BoardSettings, DeliverySettings, HistorySettings, TraceSettings
):
    """Settings of every Vigil process. Times are in the unit that ends the name."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", extra="forbid", frozen=True)

    brokers: str = Field(
        default="", description="bootstrap servers, host:port[,host:port]; empty = embedded broker"
    )
    group: str = Field(
        default="vigil", description="consumer group and application id; also names the changelog"
    )
    client_id: str = Field(
        default="vigil-worker",
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
        description="what the brokers call this process; a supervisor gives each of its own another",
    )
    topic_prefix: str = Field(default="", description="put before every topic name, to keep runs apart")
    partitions: int = Field(
        default=8, ge=1, le=1024, description="of the readings and all that is partitioned with them"
    )
    generation: int = Field(
        default=0, ge=0, description="of the readings; each process is told it by vitals.layout"
    )
    factor: int = Field(
        default=1,
        ge=1,
        le=4096,
        description="of how many times the partitions the readings have; told by vitals.layout",
    )
    replication: int = Field(default=1, ge=1, le=7, description="copies of each topic; 3 in a hospital")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = Field(
        default="PLAINTEXT", description="how the brokers' listener is spoken to; SASL_SSL in a hospital"
    )
    tls_dir: Path | None = Field(
        default=None,
        description="folder with tls.crt, tls.key and ca.crt: all that listens and connects speaks TLS by them",
    )
    ssl_cafile: Path | None = Field(
        default=None, description="certificate authorities to trust (PEM); none = the system's"
    )
    ssl_certfile: Path | None = Field(default=None, description="our certificate, for mutual TLS (PEM)")
    ssl_keyfile: Path | None = Field(default=None, description="its private key; none = in ssl_certfile")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="SCRAM-SHA-512", description="how the password is proven"
    )
    sasl_username: str = Field(default="", description="the account at the broker")
    sasl_password: SecretStr | None = Field(default=None, description="its password; never printed")
    sasl_password_file: Path | None = Field(
        default=None, description="a file with the password, such as a mounted secret"
    )
    insecure_dev: bool = Field(
        default=False, description="allows SASL_PLAINTEXT, which shows the password to the network"
    )

    command_key: SecretStr | None = Field(
        default=None, description="proves that orders in the readings are from vitals.commands; never printed"
    )
    command_key_file: Path | None = Field(
        default=None, description="a file with the key, and in a second line the one before it"
    )

    rules: Path | None = Field(
        default=None, description="rules file (TOML); none = the built-in adult defaults"
    )
    routing: Path | None = Field(
        default=None, description="who is told over which channel (TOML); none = boards alone"
    )
    reference_file: Path | None = Field(
        default=None,
        description="what wards and beds are called and want (CSV); vigil reference run takes it",
    )
    shadow: str = Field(
        default="",
        pattern=r"^[0-9a-f]*$",
        description="name of the rules that this worker only tries; empty = its alerts count",
    )
    time_base: Literal["live", "recorded"] = Field(
        default="live",
        description="live: judged by append time where a device's clock disagrees; recorded: by the recording",
    )
    clock_ahead_ms_max: int = Field(
        default=5_000, ge=0, description="a frame further in the future is clock-suspect"
    )
    live_horizon_ms: int = Field(
        default=60_000, ge=1_000, description="a frame further in the past is no live reading"
    )
    patient_ttl_s: int = Field(
        default=86_400, ge=60, description="a patient's state is dropped after so long without frames"
    )

    patients_max: int = Field(
        default=PATIENTS_MAX, ge=1, description="of one partition; frames of further ones are refused"
    )

    checkpoint_interval_s: float = Field(
        default=10.0, gt=0, le=60, description="between two checkpoints of a partition"
    )
    session_timeout_s: float = Field(default=10.0, ge=6, description="a dead worker is noticed after so long")
    request_timeout_s: float = Field(default=15.0, ge=1, description="for every request to the broker")
    connect_wait_s: float = Field(
        default=120.0, gt=0, le=600, description="how long a process that starts waits for a broker"
    )
    fetch_wait_ms: int = Field(
        default=250, ge=1, le=5_000, description="how long the broker holds an empty fetch"
    )
    fetch_bytes_max: int = Field(default=1_048_576, ge=1_024, description="a partition's share of one fetch")
    block_records_max: int = Field(
        default=4_000, ge=1, description="records of a partition in a block, and of blocks judged at once"
    )
    engine: Literal["auto", "numba", "numpy"] = Field(
        default="auto", description="what works off frames; auto = compiled by Numba where it is there"
    )
    stall_s_max: float = Field(
        default=30.0, ge=5, description="the watchdog stops a worker that is stuck for so long"
    )

    windows_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        description="where a worker tells boards its live windows; 0 = any free one",
    )
    time_zone: ZoneName = Field(
        default="UTC", description="IANA name; of times shown to people where a ward has none of its own"
    )

    metrics_host: str = Field(default="127.0.0.1", description="where /metrics is served")
    metrics_port: int = Field(default=9464, ge=0, le=65_535, description="0 = any free port")
    data_dir: Path = Field(default=Path(".cache/vigil"), description="for what a process keeps on disk")

    @field_validator("brokers")
    @classmethod
    def _servers(cls, value: str) -> str:
        for server in filter(None, value.split(",")):
            if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9_.-]+):\d{1,5}", server.strip()):
                raise ValueError(f"{server!r} is not host:port")
        return value

    @field_validator("topic_prefix")
    @classmethod
    def _prefix(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{0,100}", value):
            raise ValueError("only letters, digits, '.', '_' and '-'")
        return value

    @model_validator(mode="before")
    @classmethod
    def _over_tls(cls, given: dict[str, Any]) -> dict[str, Any]:
        return given | tls_settings(given)

    @model_validator(mode="after")
    def _secured(self) -> Self:
        """Refuse what would silently go over the network in clear, and what cannot work."""
        protocol, password = self.security_protocol, (self.sasl_password, self.sasl_password_file)
        if protocol == "SASL_PLAINTEXT" and not self.insecure_dev:
            raise ValueError(
                "security_protocol: SASL_PLAINTEXT shows the password to the network; use SASL_SSL"
            )
        if not protocol.startswith("SASL") and (self.sasl_username or any(password)):
            raise ValueError(f"security_protocol: {protocol} uses no password, but sasl_ settings are given")
        if not protocol.endswith("SSL") and (self.ssl_cafile or self.ssl_certfile or self.ssl_keyfile):
            raise ValueError(f"security_protocol: {protocol} uses no TLS, but ssl_ settings are given")
        if protocol.startswith("SASL") and not self.sasl_username:
            raise ValueError(f"sasl_username: {protocol} needs one")
        if protocol.startswith("SASL") and (all(password) or not any(password)):
            raise ValueError(f"sasl_password: {protocol} needs either sasl_password or sasl_password_file")
        if self.ssl_keyfile and not self.ssl_certfile:
            raise ValueError("ssl_keyfile: needs ssl_certfile too")
        for name in sorted(SECRETS):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name}: give it or {name}_file, not both")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: options of the command, environment, TOML file, defaults."""
        sources: list[PydanticBaseSettingsSource] = [init_settings, env_settings]
        if config := os.environ.get("VIGIL_CONFIG"):
            sources.append(TomlConfigSettingsSource(settings_cls, Path(config)))
        return tuple(sources)

    @cached_property
    def bootstrap(self) -> list[str]:
        """Bootstrap servers as a list; empty without brokers."""
        return [server.strip() for server in self.brokers.split(",") if server.strip()]

    def topic(self, name: str) -> str:
        """Return the topic's name as it is on the broker."""
        return self.topic_prefix + name + (self._suffix if name == READINGS else "")

    @property
    def judging_group(self) -> str:
        """The group that judges the readings: each generation has one, so that no worker of another disturbs it."""
        return self.group + self._suffix

    @property
    def reading_partitions(self) -> int:
        """How many partitions the readings have; all other topics that follow them have `partitions`."""
        return self.partitions * self.factor

    @property
    def _suffix(self) -> str:
        return f".g{self.generation}" if self.generation else ""

    def environment(self) -> dict[str, str]:
        """Return these settings as variables for a process of ours; secrets are among them in clear."""
        values = self.model_dump()
        for name in SECRETS:
            if (secret := getattr(self, name)) is not None:
                values[name] = secret.get_secret_value()
        return {f"VIGIL_{name.upper()}": str(value) for name, value in values.items() if value is not None}


def load_settings(**options: object) -> Settings:
    """Read the settings; options that are None count as not given.

    Raises:
        UsageError: one line that names the setting and what is wrong with it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    config = os.environ.get("VIGIL_CONFIG")
    if config and not Path(config).is_file():
        raise UsageError(f"VIGIL_CONFIG: no such file: {config}")
    unknown = _unknown_environment()
    if unknown:
        raise UsageError(f"{unknown[0]}: no such setting")
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if not name:  # of several settings at once; the message names them, and the input holds all of them
            raise UsageError(first["msg"].removeprefix("Value error, ")) from None
        got = "" if name in SECRETS else f" (got {first.get('input')!r})"
        raise UsageError(f"{name}: {first['msg']}{got}") from None
    except ValueError as error:  # a TOML file that cannot be parsed
        raise UsageError(f"{config}: {error}") from None


_OTHER_VARIABLES = {"VIGIL_CONFIG", "VIGIL_DATA"}


def _unknown_environment() -> list[str]:
    known = {f"VIGIL_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    return sorted(name for name in os.environ if name.startswith("VIGIL_") and name not in known)
