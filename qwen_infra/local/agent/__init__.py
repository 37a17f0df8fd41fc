"""The node agent: it plays the kubelet for model-server pods on simulated nodes, docs/adr/0005.

Started by ``qwen_infra.local.cluster`` as a background process; nothing else imports more of it than its records.
"""
