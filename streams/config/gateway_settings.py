"""Settings of the gateway: ports, who may send, how much is under way, each protocol's own; part of `settings`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

from streams.contracts.zones import ZoneName


class GatewaySettings(BaseSettings):
    """What the gateway speaks, and to whom. Times are in the unit that ends the name."""

    gateway_host: str = Field(default="127.0.0.1", description="where the gateway listens for devices")
    gateway_http_port: int = Field(default=0, ge=0, le=65_535, description="for HTTP; 0 = off")
    gateway_mllp_port: int = Field(default=0, ge=0, le=65_535, description="for HL7 over MLLP; 0 = off")
    gateway_vital_recorder_port: int = Field(
        default=0, ge=0, le=65_535, description="for Vital Recorder (Socket.IO); 0 = off"
    )
    gateway_vital_recorder_zone: ZoneName = Field(
        default="UTC", description="of Vital Recorders' clocks, which do not say it: Europe/Berlin"
    )
    gateway_vscapture_zone: ZoneName = Field(
        default="UTC", description="of VSCaptures' clocks, which do not say it: Europe/Berlin"
    )
    gateway_spool_bytes_max: int = Field(
        default=268_435_456,
        ge=1_048_576,
        description="on disk, of each protocol without acknowledgements; beyond it the oldest is given up",
    )
    gateway_clients: Path | None = Field(
        default=None, description="who may send for which device (TOML); see docs/devices.md"
    )
    gateway_key: SecretStr | None = Field(
        default=None, description="what vigil simulate shows to a gateway; never printed"
    )
    gateway_key_file: Path | None = Field(default=None, description="a file with the same")
    gateway_tls_certfile: Path | None = Field(
        default=None, description="the gateway's certificate (PEM); none = devices speak in clear"
    )
    gateway_tls_keyfile: Path | None = Field(default=None, description="its private key")
    gateway_tls_cafile: Path | None = Field(
        default=None, description="authorities of the devices' certificates; none = none is asked for"
    )
    gateway_audience: str = Field(default="", description="whom tokens must be made out to: this gateway")
    gateway_oidc_issuer: str = Field(default="", description="whose tokens are believed")
    gateway_oidc_jwks: Path | None = Field(default=None, description="its public keys (JWKS)")
    gateway_metrics_port: int = Field(
        default=9465, ge=0, le=65_535, description="of the gateway's /metrics; 0 = any free one"
    )
    gateway_idempotence: bool = Field(
        default=True, description="batches are numbered, so that none overtakes; the embedded broker cannot"
    )
    gateway_records_max: int = Field(
        default=50_000, ge=1, description="readings on their way to Kafka, of all senders"
    )
    gateway_bytes_max: int = Field(
        default=33_554_432,
        ge=65_536,
        description="of the same, in bytes; beyond them senders are told to wait",
    )
    gateway_client_share: float = Field(
        default=0.5, gt=0, le=1, description="what part of them one sender may fill"
    )
    gateway_patient_key_file: Path | None = Field(
        default=None,
        description="a file with the secret that makes record numbers opaque; the same for every gateway",
    )
    gateway_adt_silence_s: float = Field(
        default=900.0,
        ge=10,
        le=86_400,
        description="ADT is believed for so long beyond its newest message; a longer silence is an alarm",
    )
    gateway_mqtt_host: str = Field(
        default="", description="a broker of MQTT 5 that the gateway takes readings from; none = off"
    )
    gateway_mqtt_port: int = Field(default=1_883, ge=1, le=65_535, description="its port")
    gateway_mqtt_client_id: str = Field(
        default="", description="whose session it is there; by default vigil-GROUP-HOSTNAME"
    )
    gateway_mqtt_username: str = Field(default="", description="who we are there; none = nobody")
    gateway_mqtt_password_file: Path | None = Field(default=None, description="a file with the password")
    gateway_mqtt_cafile: Path | None = Field(
        default=None, description="authorities of the broker's certificate; none = it is spoken to in clear"
    )
    gateway_mqtt_certfile: Path | None = Field(
        default=None, description="the certificate that we show there (PEM)"
    )
    gateway_mqtt_keyfile: Path | None = Field(default=None, description="its private key")
    gateway_mqtt_receive_max: int = Field(
        default=1_000, ge=1, le=65_535, description="messages that are under way before one is acknowledged"
    )
    gateway_mqtt_session_s: int = Field(
        default=86_400,
        ge=60,
        le=4_294_967_294,
        description="the broker keeps for so long what comes meanwhile",
    )
    gateway_sdc_interface: str = Field(
        default="", description="address of the interface where SDC providers are searched for; none = off"
    )
    gateway_sdc_providers: str = Field(
        default="*", description="their endpoint references, separated by spaces; * = all that answer"
    )
    gateway_sdc_providers_max: int = Field(
        default=64, ge=1, le=1_000, description="SDC providers that are connected where all are taken"
    )
    gateway_sdc_silence_s: float = Field(
        default=10.0,
        ge=2,
        le=3_600,
        description="an SDC provider without a report for so long is connected anew",
    )
    gateway_sdc_age_s: float = Field(
        default=10.0, ge=1, le=3_600, description="an SDC value that was older when it came is not taken"
    )
