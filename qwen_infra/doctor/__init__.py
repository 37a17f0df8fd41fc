"""What this machine, the cluster and the Hub lack for a deployment, found in one go, with the command that mends each.

Reading only. What a plan needs of the cluster is taken from its rendered manifests, so a new kind of object, Secret or
storage class is looked for without a change here.
"""

from qwen_infra.doctor.examination import examine
from qwen_infra.doctor.finding import Finding, Status

__all__ = ["Finding", "Status", "examine"]
