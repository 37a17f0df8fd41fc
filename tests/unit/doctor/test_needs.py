from typing import Any

from qwen_infra.doctor.needs import Need, custom_kinds, referenced_objects, storage_classes


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec}


def claim(storage_class: str | None) -> dict[str, Any]:
    spec = {} if storage_class is None else {"storageClassName": storage_class}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "weights"}, "spec": spec}


def test_a_secret_that_a_pod_uses_and_the_stack_does_not_make_is_needed_with_its_key():
    reference = {"name": "hub", "key": "token"}
    objects = [pod(containers=[{"env": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}}]}])]

    assert referenced_objects(objects) == [Need("secret", "hub", "token")]


def test_what_the_stack_makes_itself_is_not_needed():
    objects = [
        pod(volumes=[{"name": "w", "persistentVolumeClaim": {"claimName": "weights"}}]),
        claim("fast"),
    ]

    assert referenced_objects(objects) == []


def test_claims_config_maps_secrets_as_files_and_pull_secrets_are_seen():
    objects = [
        pod(
            imagePullSecrets=[{"name": "registry"}],
            volumes=[
                {"name": "a", "persistentVolumeClaim": {"claimName": "weights"}},
                {"name": "b", "configMap": {"name": "settings"}},
                {"name": "c", "secret": {"secretName": "tls"}},
            ],
        )
    ]

    assert [(need.kind, need.name) for need in referenced_objects(objects)] == [
        ("configmap", "settings"),
        ("persistentvolumeclaim", "weights"),
        ("secret", "registry"),
        ("secret", "tls"),
    ]


def test_an_optional_reference_is_no_need():
    reference = {"name": "hub", "key": "token", "optional": True}

    assert referenced_objects([pod(env=[{"valueFrom": {"secretKeyRef": reference}}])]) == []


def test_only_kinds_of_a_group_with_a_dot_may_need_a_definition():
    objects = [
        {"apiVersion": "apps/v1", "kind": "Deployment"},
        {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"},
        {"apiVersion": "v1", "kind": "Service"},
    ]

    assert custom_kinds(objects) == [("keda.sh/v1alpha1", "ScaledObject")]


def test_a_claim_without_a_class_needs_the_default_one_and_an_empty_class_needs_none():
    assert storage_classes([claim(None), claim("fast"), claim("")]) == [None, "fast"]
