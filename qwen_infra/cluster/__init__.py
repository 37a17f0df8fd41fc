"""Talking to a Kubernetes cluster through kubectl: facts, Secrets, port-forwards, the progress of a rollout.

kubectl is used because it knows every authentication plugin and proxy setting (docs/adr/0007). No Pulumi here, and no
decision about a deployment: this package reads, forwards and reports.
"""

from qwen_infra.cluster.kubectl import ClusterAccess, Kubectl, KubectlError, ObjectNotFoundError

__all__ = ["ClusterAccess", "Kubectl", "KubectlError", "ObjectNotFoundError"]
