"""What works but deserves a second look, each as one sentence; shown by previews and by ``qwen-infra render``."""

from qwen_infra.sizing import Fit

__all__ = ["list_warnings"]


def list_warnings(fit: Fit) -> tuple[str, ...]:
    """The warnings of a deployment, the most expensive one to overlook first."""
    return fit.notes
