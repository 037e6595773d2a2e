"""Reads YAML documents, checks each one by the schema of its kind, and prints them as JSON.

The kinds of Kubernetes are checked by the schemas of the versions that the arguments name. The
kinds of others have a schema here. It has fields that the sources of their projects have, but not
all of them. In every schema, an unknown field is an error. A cluster would drop it without a word.
"""

import json
import sys

import jsonschema
import kubernetes_validate
import yaml


class Strict(yaml.SafeLoader):
    """YAML in which no name stands twice in one map."""

    def construct_mapping(self, node, deep=False):
        names = [self.construct_object(name, deep=True) for name, _ in node.value]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"{sorted(twice)} stand twice in a map, {node.start_mark}")
        return super().construct_mapping(node, deep)


def record(required="", **fields):
    return {
        "type": "object",
        "properties": fields,
        "required": required.split(),
        "additionalProperties": False,
    }


def many(item, at_least=0):
    return {"type": "array", "items": item, "minItems": at_least}


def one_of(schema, *names):
    return schema | {"oneOf": [{"required": [name]} for name in names]}


ANY = {"type": "string"}
TEXT = {"type": "string", "minLength": 1}
COUNT = {"type": "integer", "minimum": 0}
FLAG = {"type": "boolean"}
TIME = {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}
LABELS = {"type": "object", "additionalProperties": ANY}
AMOUNT = {"type": "string", "pattern": "^[0-9]+(m|k|Ki|M|Mi|G|Gi)?$"}
AMOUNTS = {"type": "object", "additionalProperties": AMOUNT}

KEY = record("name key", name=TEXT, key=TEXT, optional=FLAG)
SOURCE = record(secretKeyRef=KEY, configMapKeyRef=KEY)
OPTION = one_of(record("name", name=TEXT, value=TEXT, valueFrom=SOURCE), "value", "valueFrom")
STORE = record("name type", name=TEXT, type=TEXT, options=many(OPTION))
PROBE = record(
    "httpGet",
    httpGet=record("path", path=TEXT),
    initialDelaySeconds=COUNT,
    timeoutSeconds=COUNT,
    periodSeconds=COUNT,
    successThreshold=COUNT,
    failureThreshold=COUNT,
)

SPIN_APP = record(
    "image executor replicas",
    image=TEXT,
    executor=TEXT,
    imagePullSecrets=many(record("name", name=TEXT)),
    checks=record(readiness=PROBE, liveness=PROBE),
    replicas={"type": "integer", "minimum": 1},
    # The operator ignores the other fields beside loadFromSecret.
    runtimeConfig={
        "oneOf": [
            record("loadFromSecret", loadFromSecret=TEXT),
            record("keyValueStores", keyValueStores=many(STORE), sqliteDatabases=many(STORE)),
        ]
    },
    variables=many(
        one_of(
            record("name", name={"pattern": "^[a-z][a-z0-9_]*$"}, value=ANY, valueFrom=SOURCE),
            "value",
            "valueFrom",
        )
    ),
    serviceAnnotations=LABELS,
    deploymentAnnotations=LABELS,
    podAnnotations=LABELS,
    podLabels=LABELS,
    resources=record(limits=AMOUNTS, requests=AMOUNTS),
    components=many(TEXT, at_least=1),
    serviceAccountName=TEXT,
)

SPIN_APP_EXECUTOR = record(
    "createDeployment deploymentConfig",
    createDeployment=FLAG,
    deploymentConfig=one_of(
        record(
            runtimeClassName=TEXT,
            spinImage=TEXT,
            caCertSecret=TEXT,
            installDefaultCACerts=FLAG,
            otel=record(exporter_otlp_endpoint=TEXT),
        ),
        "runtimeClassName",
        "spinImage",
    ),
)

SERVICE_MONITOR = record(
    "selector endpoints",
    selector=record("matchLabels", matchLabels=LABELS),
    endpoints=many(
        one_of(
            record(
                "path authorization",
                port=TEXT,
                targetPort=TEXT,
                path=TEXT,
                interval=TIME,
                authorization=record("credentials", type=TEXT, credentials=KEY),
            ),
            "port",
            "targetPort",
        ),
        at_least=1,
    ),
)

RULE = record(
    "alert expr labels annotations",
    alert=TEXT,
    expr=TEXT,
    labels=LABELS,
    annotations=LABELS,
    **{"for": TIME},
)
PROMETHEUS_RULE = record(
    "groups", groups=many(record("name rules", name=TEXT, rules=many(RULE, 1)), 1)
)

EXTERNAL_SECRET = record(
    "secretStoreRef target data",
    refreshInterval=TIME,
    secretStoreRef=record("name kind", name=TEXT, kind={"pattern": "^(Cluster)?SecretStore$"}),
    target=record(
        "name template",
        name=TEXT,
        creationPolicy={"enum": ["Owner", "Orphan", "Merge", "None"]},
        template=record("engineVersion data", engineVersion={"const": "v2"}, data=LABELS),
    ),
    data=many(
        record(
            "secretKey remoteRef",
            secretKey=TEXT,
            remoteRef=record("key", key=TEXT, property=TEXT, version=TEXT),
        )
    ),
)

OF_OTHERS = {
    ("core.spinkube.dev/v1alpha1", "SpinApp"): SPIN_APP,
    ("core.spinkube.dev/v1alpha1", "SpinAppExecutor"): SPIN_APP_EXECUTOR,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): SERVICE_MONITOR,
    ("monitoring.coreos.com/v1", "PrometheusRule"): PROMETHEUS_RULE,
    ("external-secrets.io/v1", "ExternalSecret"): EXTERNAL_SECRET,
}


def check(document):
    kind = (document["apiVersion"], document["kind"])
    spec = OF_OTHERS.get(kind)
    if spec:
        named = {"required": ["name"]}
        whole = record("spec", apiVersion=TEXT, kind=TEXT, metadata=named, spec=spec)
        jsonschema.validate(document, whole)
        return
    for version in sys.argv[1:]:
        kubernetes_validate.validate(document, version, strict=True)


documents = [document for document in yaml.load_all(sys.stdin, Strict) if document]
for document in documents:
    # compose.yaml is of no kind.
    if "kind" in document:
        check(document)
json.dump(documents, sys.stdout)
