"""Pure functions: losses and the sphere. They know tensors and, at most, a group."""

from reacgan_plugin.functional.adversarial import (
    hinge_discriminator,
    hinge_generator,
    least_squares_discriminator,
    least_squares_generator,
    logistic_discriminator,
    logistic_generator,
    relativistic_discriminator,
    relativistic_generator,
    vanilla_discriminator,
    vanilla_generator,
    wasserstein_discriminator,
    wasserstein_generator,
)
from reacgan_plugin.functional.classification import (
    class_cross_entropy,
    feature_matching,
    multi_hinge,
)
from reacgan_plugin.functional.codes import (
    CodeSizes,
    codes_of,
    continuous_code_loss,
    discrete_code_loss,
)
from reacgan_plugin.functional.consistency import consistency
from reacgan_plugin.functional.contrastive import conditional_contrastive
from reacgan_plugin.functional.d2d_ce import d2d_cross_entropy
from reacgan_plugin.functional.labels import check_label
from reacgan_plugin.functional.latent_optimisation import natural_step
from reacgan_plugin.functional.lecam import lecam
from reacgan_plugin.functional.penalties import (
    interpolated,
    largest_square,
    one_centred,
    orthogonality,
    path_lengths,
    perturbed,
    r1,
    squared_centroid,
)
from reacgan_plugin.functional.precision import full_precision
from reacgan_plugin.functional.sphere import (
    pairwise_cosine,
    project_to_sphere,
    row_cosine,
)

__all__ = [
    'CodeSizes',
    'check_label',
    'class_cross_entropy',
    'codes_of',
    'conditional_contrastive',
    'consistency',
    'continuous_code_loss',
    'd2d_cross_entropy',
    'discrete_code_loss',
    'feature_matching',
    'full_precision',
    'hinge_discriminator',
    'hinge_generator',
    'interpolated',
    'largest_square',
    'least_squares_discriminator',
    'least_squares_generator',
    'lecam',
    'logistic_discriminator',
    'logistic_generator',
    'multi_hinge',
    'natural_step',
    'one_centred',
    'orthogonality',
    'pairwise_cosine',
    'path_lengths',
    'perturbed',
    'project_to_sphere',
    'r1',
    'relativistic_discriminator',
    'relativistic_generator',
    'row_cosine',
    'squared_centroid',
    'vanilla_discriminator',
    'vanilla_generator',
    'wasserstein_discriminator',
    'wasserstein_generator',
]
