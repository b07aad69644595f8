"""Names of the heads' entries in PyTorch-StudioGAN's state dicts, and ours.

(pattern, replacement) for :func:`re.sub`, as in ``big_resnet_names``. The same entry of
theirs is another of ours by method: ``linear2`` projects or classifies, ``embedding``
holds proxies or is a projection's.
"""

from __future__ import annotations

from collections.abc import Iterable

COMMON = [
    (r'^linear1\.', 'adversarial.'),
    # a projection in StyleGAN's way maps its classes by a whole network
    (r'^mapping\.fc(\d+)\.', r'class_map.layers.\1.'),
    (r'^mapping\.embed\.', 'class_map.embed.'),
    (r'^info_discrete_linear\.', 'information.discrete.'),
    (r'^info_conti_mu_linear\.', 'information.mean.'),
    (r'^info_conti_var_linear\.', 'information.log_variance.'),
]
PROJECTED = [
    (r'^linear2\.', 'projection.linear.'),
    (r'^embedding\.fc(\d+)\.', r'proxies.layers.\1.'),
    (r'^embedding\.', 'proxies.'),
    (r'^linear_mi\.', 'twin.projection.linear.'),
    (r'^embedding_mi\.fc(\d+)\.', r'twin.proxies.layers.\1.'),
    (r'^embedding_mi\.', 'twin.proxies.'),
]
CLASSIFIED = [
    (r'^linear2\.', 'classifier.'),
    (r'^linear_mi\.', 'twin.classifier.'),
    (r'^embedding\.fc(\d+)\.', r'embedding.layers.\1.'),
    (r'^embedding\.', 'embedding.'),
]
ALL = [*COMMON, *PROJECTED, *CLASSIFIED]  # backwards there is one answer


def head_names(entries: Iterable[str]) -> list[tuple[str, str]]:
    """The list for a head with these entries: ``linear2`` projects where it has a bias
    or an embedding beside it; the auxiliary classifier has neither."""
    entries = list(entries)
    has_linear2 = any(name.startswith('linear2.') for name in entries)
    has_embedding = any(name.startswith('embedding.') for name in entries)
    projects = 'linear2.bias' in entries or (has_linear2 and has_embedding)
    return [*COMMON, *(PROJECTED if projects else CLASSIFIED)]
