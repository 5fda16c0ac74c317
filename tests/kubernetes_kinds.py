"""What operators' kinds look like, as far as ours use them: KEDA 2.16, Strimzi 0.49 and the Prometheus operator.

A field that is not here is refused: operators drop what they do not know without a word.
"""


def _text(*choices):
    return {"type": "string", "enum": list(choices)} if choices else {"type": "string", "minLength": 1}


def _number(least=0):
    return {"type": "integer", "minimum": least}


def _list(items):
    return {"type": "array", "items": items, "minItems": 1}


def _map(values=None):
    return {"type": "object", "additionalProperties": values or {"type": "string"}}


def _object(required, **optional):
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


_SCALING = _object(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "policies": _list(
            _object({"type": _text("Percent", "Pods"), "value": _number(1), "periodSeconds": _number(1)})
        ),
    }
)
_PROMETHEUS = _object(
    {
        "type": _text("prometheus"),
        "metadata": _object(
            {"serverAddress": _text(), "query": _text(), "threshold": {"pattern": r"^\d+(\.\d+)?$"}},
            ignoreNullValues=_text("true", "false"),
        ),
    },
    metricType=_text("AverageValue", "Value"),
)
_CPU = _object(
    {"type": _text("cpu"), "metadata": _object({"value": {"pattern": r"^\d+$"}})},
    metricType=_text("Utilization", "AverageValue"),
)

SPECS = {
    ("keda.sh/v1alpha1", "ScaledObject"): _object(
        {"scaleTargetRef": _object({"name": _text()}), "triggers": _list({"oneOf": [_PROMETHEUS, _CPU]})},
        minReplicaCount=_number(),
        maxReplicaCount=_number(),
        pollingInterval=_number(),
        cooldownPeriod=_number(),
        advanced=_object(
            {
                "horizontalPodAutoscalerConfig": _object(
                    {"behavior": _object({}, scaleUp=_SCALING, scaleDown=_SCALING)}
                )
            }
        ),
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): _object(
        {
            "selector": _object({"matchLabels": _map()}),
            "podMetricsEndpoints": _list(
                _object(
                    {"port": _text()},
                    interval={"pattern": r"^\d+s$"},
                    scrapeTimeout={"pattern": r"^\d+s$"},
                    relabelings=_list(
                        _object(
                            {"targetLabel": _text(), "replacement": _text()},
                            sourceLabels=_list(_text()),
                            regex=_text(),
                        )
                    ),
                )
            ),
        }
    ),
    ("kafka.strimzi.io/v1", "KafkaTopic"): _object(
        {"partitions": _number(1), "replicas": _number(1)}, topicName=_text(), config=_map()
    ),
    ("kafka.strimzi.io/v1", "KafkaUser"): _object(
        {
            "authentication": _object({"type": _text("scram-sha-512", "tls", "tls-external")}),
            "authorization": _object(
                {
                    "type": _text("simple"),
                    "acls": _list(
                        _object(
                            {
                                "resource": _object(
                                    {
                                        "type": _text("topic", "group", "cluster", "transactionalId"),
                                        "name": _text(),
                                        "patternType": _text("literal", "prefix"),
                                    }
                                ),
                                "operations": _list(
                                    _text(
                                        *("Read", "Write", "Create", "Delete", "Alter", "Describe"),
                                        *("ClusterAction", "AlterConfigs", "DescribeConfigs"),
                                        *("IdempotentWrite", "All"),
                                    )
                                ),
                            }
                        )
                    ),
                }
            ),
        }
    ),
}
"""The `spec` of each kind, by version and kind, as a JSON Schema."""


def schema_of(version, kind):
    """Return the schema of a whole resource of an operator's kind."""
    return _object(
        {
            "apiVersion": _text(version),
            "kind": _text(kind),
            "metadata": _object(
                {"name": {"pattern": r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", "maxLength": 253}},
                namespace=_text(),
                labels=_map(),
                annotations=_map(),
            ),
            "spec": SPECS[version, kind],
        }
    )
