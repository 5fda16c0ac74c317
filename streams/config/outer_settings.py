"""Settings of what stands around the workers: board, history, delivery, traces; part of `settings`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class TraceSettings(BaseSettings):
    """Where workers send spans, and of how much."""

    otlp_endpoint: str = Field(
        default="",
        pattern=r"^(https?://[^\s/@]+/[^\s@]*)?$",
        description="where spans go: a URL of OTLP over HTTP, http://collector:4318/v1/traces; empty = none",
    )
    otlp_share: float = Field(default=1.0, ge=0, le=1, description="the share of blocks that have spans")


class BoardSettings(BaseSettings):
    """Where boards listen, and how many look."""

    board_host: str = Field(default="127.0.0.1", description="where the board listens for browsers")
    board_port: int = Field(default=8480, ge=0, le=65_535, description="of the board; 0 = any free one")
    board_viewers_max: int = Field(
        default=20_000, ge=1, description="open streams of a board; further ones are told to come back later"
    )
    board_tls_certfile: Path | None = Field(
        default=None, description="the board's certificate (PEM); none = browsers speak in clear"
    )
    board_tls_keyfile: Path | None = Field(default=None, description="its private key")
    board_metrics_port: int = Field(
        default=9466, ge=0, le=65_535, description="of the board's /metrics; 0 = any free one"
    )


class HistorySettings(BaseSettings):
    """What is kept of the past, where and for how long."""

    history_dir: Path | None = Field(
        default=None, description="where the history is kept; none = history in data_dir"
    )
    history_postgres: SecretStr | None = Field(
        default=None, description="keeps the ledger in PostgreSQL instead of SQLite (libpq); never printed"
    )
    history_postgres_file: Path | None = Field(default=None, description="a file with the same")
    history_flush_s: float = Field(default=60.0, ge=1, le=3_600, description="new readings are kept so often")
    history_merge_s: float = Field(
        default=600.0, ge=1, le=86_400, description="what is new is put into its hours so often"
    )
    history_raw_days: int = Field(default=30, ge=2, le=3_650, description="every reading is kept for so long")
    history_10s_days: int = Field(default=90, ge=2, le=36_500, description="readings thinned to 10 s")
    history_1min_days: int = Field(default=400, ge=2, le=36_500, description="readings thinned to a minute")
    history_15min_days: int = Field(default=3_650, ge=2, le=36_500, description="thinned to a quarter hour")
    history_metrics_port: int = Field(
        default=9467, ge=0, le=65_535, description="of the history's /metrics; 0 = any free one"
    )


class DeliverySettings(BaseSettings):
    """Where those who bring alerts to people tell how they are."""

    delivery_metrics_port: int = Field(
        default=9468, ge=0, le=65_535, description="of vigil deliver's /metrics; 0 = any free one"
    )
    channels_metrics_port: int = Field(
        default=9469, ge=0, le=65_535, description="of the sender's /metrics; 0 = any free one"
    )
