import math

import pytest
import torch

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


def images(*shape, dtype=torch.float64):
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def test_r1_of_a_quadratic_is_its_gradient_squared():
    # D(x) = x.Ax / 2 with symmetric A has the gradient Ax
    image = images(3, 1, 2, 2)
    matrix = torch.randn(4, 4).double()
    matrix = matrix + matrix.T
    x = image.flatten(1)
    logits = torch.einsum('ni,ij,nj->n', x, matrix, x) / 2
    penalty = r1(logits, image)
    expected = (x @ matrix).square().sum(1).mean()
    assert torch.allclose(penalty, expected)
    (gradient,) = torch.autograd.grad(penalty, image)
    expected = 2 / 3 * x @ matrix @ matrix
    assert torch.allclose(gradient.flatten(1), expected)


def test_r1_of_a_linear_discriminator_does_not_depend_on_the_image():
    image, weight = images(5, 3, 2, 2), torch.randn(12).double().requires_grad_()
    penalty = r1(image.flatten(1) @ weight, image)
    assert torch.allclose(penalty, weight.square().sum())
    assert torch.allclose(torch.autograd.grad(penalty, weight)[0], 2 * weight)


def test_r1_sums_logits_of_any_shape():
    image = images(4, 1, 2, 2)
    logits = image.flatten(1) ** 3
    assert torch.allclose(r1(logits, image), r1(logits.sum(1), image))


def lengths_of(jacobian, ws, noise):
    """Images that are a linear map of ws: (P, L W)."""
    image = (ws.flatten(1) @ jacobian.T).unflatten(1, noise.shape[1:])
    return path_lengths(image, ws, noise)


@pytest.mark.parametrize('height, width', [(2, 2), (2, 3)])
def test_path_lengths_of_a_linear_generator_are_those_of_its_jacobian(height, width):
    jacobian = torch.randn(3 * height * width, 10).double().requires_grad_()
    noise = torch.randn(4, 3, height, width).double()
    lengths = lengths_of(jacobian, images(4, 2, 5), noise)
    product = noise.flatten(1) @ jacobian / math.sqrt(height * width)
    expected = product.unflatten(1, (2, 5)).square().sum(2).mean(1).sqrt()
    assert torch.allclose(lengths, expected)
    ours = torch.autograd.grad(lengths.sum(), jacobian, retain_graph=True)[0]
    assert torch.allclose(ours, torch.autograd.grad(expected.sum(), jacobian)[0])


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_an_image_that_does_not_depend_on_w_has_no_length_and_no_gradient(dtype):
    jacobian = torch.zeros(12, 10, dtype=dtype, requires_grad=True)
    noise = torch.randn(4, 3, 2, 2, dtype=dtype)
    lengths = lengths_of(jacobian, images(4, 2, 5, dtype=dtype), noise)
    assert lengths.max() <= 1e-7
    (lengths - 1).square().mean().backward()
    assert torch.equal(jacobian.grad, torch.zeros_like(jacobian))


def test_a_dead_discriminator_has_no_penalty_and_a_finite_gradient():
    image, weight = images(4, 3, 2, 2), torch.zeros(12).double().requires_grad_()
    penalty = r1(image.flatten(1) @ weight, image)
    penalty.backward()
    assert penalty == 0
    assert torch.equal(weight.grad, torch.zeros_like(weight))


def penalties(image, ws, weight):
    """Both of them, of a network without any layer that autocast would touch."""
    logits = (image * weight).flatten(1).tanh().sum(1)
    made = ws.sum(1)[:, :, None, None].tanh() * weight
    return r1(logits, image), path_lengths(made, ws, torch.ones_like(made))


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_inputs_in_half_precision_are_squared_and_summed_in_float32(half):
    inputs = [torch.rand(4, 3, 8, 8), torch.rand(4, 2, 3), torch.rand(3, 8, 8)]
    expected = penalties(*[t.clone().requires_grad_() for t in inputs])
    halves = penalties(*[t.to(half).requires_grad_() for t in inputs])
    for actual, value in zip(halves, expected, strict=True):
        assert actual.dtype == torch.float32
        assert torch.allclose(actual, value, rtol=0.02)


def test_autocast_does_not_reach_the_gradients():
    weight = torch.randn(12, 12, requires_grad=True)
    image = torch.randn(4, 3, 2, 2, requires_grad=True)
    logits = (image.flatten(1) @ weight).square().sum(1)
    expected = r1(logits, image)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(r1(logits, image), expected)


def test_penalties_agree_with_finite_differences_of_their_gradients():
    image, ws = images(2, 3, 2, 2), images(2, 2, 3)
    weight = torch.randn(3, 2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(penalties, (image, ws, weight))


def cubic(image, weight):
    """A discriminator whose gradient, 3 x^2 w, differs by sample."""
    return (image.pow(3) * weight).flatten(1).sum(1)


def norms_of_cubic(image, weight):
    """Sample by sample and value by value."""
    weight = weight.flatten().tolist()
    return [
        math.hypot(*(3 * x * x * w for x, w in zip(sample, weight, strict=True)))
        for sample in image.flatten(1).tolist()
    ]


@pytest.mark.parametrize('rows', [1, 4])
def test_the_one_centred_penalty_is_the_mean_squared_distance_of_norms_from_one(rows):
    image, weight = images(rows, 1, 2, 2), torch.randn(1, 2, 2).double()
    norms = norms_of_cubic(image, weight)
    expected = sum((norm - 1) ** 2 for norm in norms) / rows
    assert one_centred(cubic(image, weight), image).item() == pytest.approx(expected)


@pytest.mark.parametrize('rows', [1, 4])
def test_the_largest_square_is_that_of_one_sample_which_alone_learns(rows):
    image, weight = images(rows, 1, 2, 2), torch.randn(1, 2, 2).double()
    norms = norms_of_cubic(image, weight)
    penalty = largest_square(cubic(image, weight), image)
    assert penalty.item() == pytest.approx(max(norms) ** 2)
    (gradient,) = torch.autograd.grad(penalty, image)
    learns = gradient.flatten(1).abs().sum(1) > 0
    assert learns.tolist() == [norm == max(norms) for norm in norms]


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
@pytest.mark.parametrize('penalty, value', [(one_centred, 1), (largest_square, 0)])
def test_where_a_discriminator_is_flat_penalties_have_finite_gradients(
    penalty, value, dtype
):
    image = images(3, 1, 2, 2, dtype=dtype)
    weight = torch.zeros(1, 2, 2, dtype=dtype, requires_grad=True)
    found = penalty(cubic(image, weight), image)
    found.backward()
    assert found.item() == pytest.approx(value)
    assert torch.equal(weight.grad, torch.zeros_like(weight))


def test_one_flat_sample_does_not_spoil_the_gradient_of_the_others():
    weight = torch.ones(1, 2, 2).double().requires_grad_()
    image = torch.rand(3, 1, 2, 2).double()
    image[1] = 0
    image.requires_grad_()
    (ours,) = torch.autograd.grad(one_centred(cubic(image, weight), image), weight)
    steep = image.detach()[[0, 2]].requires_grad_()
    (rest,) = torch.autograd.grad(one_centred(cubic(steep, weight), steep), weight)
    assert torch.allclose(ours, rest * 2 / 3)


def test_interpolated_samples_lie_between_their_own_pair():
    real, fake = torch.randn(3, 2, 2, 2).double(), torch.randn(3, 2, 2, 2).double()
    alpha = torch.tensor([0.0, 1.0, 0.25]).double()
    found = interpolated(real, fake, alpha)
    assert torch.equal(found[0], fake[0])
    assert torch.equal(found[1], real[1])
    assert torch.allclose(found[2], 0.25 * real[2] + 0.75 * fake[2])


@pytest.mark.parametrize('rows', [1, 2, 4])
def test_batches_of_different_sizes_cannot_be_interpolated(rows):
    with pytest.raises(ValueError, match=rf'fake has shape \({rows}, .*real of \(3,'):
        interpolated(torch.rand(3, 1, 2, 2), torch.rand(rows, 1, 2, 2), torch.rand(3))


def test_perturbed_samples_go_their_share_of_half_a_deviation_times_noise():
    real, uniform = torch.randn(2, 1, 2, 2).double(), torch.rand(2, 1, 2, 2).double()
    alpha, deviation = torch.tensor([0.0, 0.5]).double(), torch.tensor(3.0).double()
    found = perturbed(real, alpha, uniform, deviation)
    assert torch.equal(found[0], real[0])
    assert torch.allclose(found[1] - real[1], 0.75 * uniform[1])


WEIGHTS = [(3, 5), (5, 3), (4, 4), (1, 3), (3, 1), (4, 2, 1, 2), (4, 2, 3, 3)]


def by_pairs(weight):
    """Eq. 3, filter against filter."""
    filters = [row.flatten().tolist() for row in weight]
    return sum(
        sum(a * b for a, b in zip(f, g, strict=True)) ** 2
        for i, f in enumerate(filters)
        for j, g in enumerate(filters)
        if i != j
    )


@pytest.mark.parametrize('shape', WEIGHTS)
def test_orthogonality_sums_squared_products_of_different_filters(shape):
    weight = torch.randn(shape).double().requires_grad_()
    penalty = orthogonality(weight)
    assert penalty.item() == pytest.approx(by_pairs(weight), abs=1e-12)
    (gradient,) = torch.autograd.grad(penalty, weight, create_graph=True)
    rows = weight.flatten(1)
    masked = (rows @ rows.T) * (1 - torch.eye(len(rows)).double())
    assert torch.allclose(gradient.flatten(1), 4 * masked @ rows)


@pytest.mark.parametrize('rows, columns', [(3, 5), (16, 16)])
def test_orthogonal_filters_of_any_norm_pay_nothing(rows, columns):
    weight = torch.nn.init.orthogonal_(torch.empty(rows, columns).double())
    weight = (weight * torch.arange(1.0, rows + 1)[:, None]).requires_grad_()
    penalty = orthogonality(weight)
    penalty.backward()
    assert 0 <= penalty < 1e-20
    assert weight.grad.abs().max() < 1e-10


def test_more_filters_than_inputs_never_make_the_larger_matrix():
    weight = torch.randn(1 << 20, 1, requires_grad=True)  # it would take 4 TiB
    orthogonality(weight).backward()
    assert weight.grad.isfinite().all()


def test_the_squared_centroid_is_that_of_unit_rows():
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.5], [-2.0, 0.0]]).double()
    expected = ((0.6 + 0 - 1) / 3) ** 2 + ((0.8 + 1 + 0) / 3) ** 2
    assert squared_centroid(rows).item() == pytest.approx(expected)
    assert squared_centroid(rows[:1]).item() == pytest.approx(1)
    assert squared_centroid(torch.cat([rows, -rows])).item() == pytest.approx(0)


def test_the_squared_centroid_of_a_row_without_direction_has_a_finite_gradient():
    rows = torch.tensor([[0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    squared_centroid(rows).backward()
    assert rows.grad.isfinite().all()
    assert rows.grad.abs().max() <= 1


def test_new_penalties_agree_with_finite_differences_of_their_gradients():
    real, fake, weight = images(3, 1, 2, 2), images(3, 1, 2, 2), images(1, 2, 2)
    alpha, uniform = torch.rand(3).double(), torch.rand(3, 1, 2, 2).double()
    deviation = torch.tensor(0.5).double()

    def all_of(real, fake, weight):
        between = interpolated(real, fake, alpha)
        around = perturbed(real, alpha, uniform, deviation)
        return (
            one_centred(cubic(between, weight), between),
            one_centred(cubic(around, weight), around),
            largest_square(cubic(between, weight), between),
        )

    assert torch.autograd.gradcheck(all_of, (real, fake, weight))
    assert torch.autograd.gradcheck(squared_centroid, images(4, 3))
    for shape in [(3, 5), (5, 1, 3)]:
        assert torch.autograd.gradcheck(orthogonality, images(*shape))


def values_in(dtype):
    """Everything there is, of the same numbers in some precision."""
    torch.manual_seed(0)
    real, fake = (torch.rand(4, 3, 8, 8).to(dtype).requires_grad_() for _ in range(2))
    alpha, uniform = torch.rand(4).to(dtype), torch.rand(4, 3, 8, 8).to(dtype)
    weight, sigma = torch.rand(3, 8, 8).to(dtype), torch.tensor(0.5).to(dtype)
    logits = cubic(real, weight)
    return {
        'interpolated': interpolated(real, fake, alpha).mean(),
        'perturbed': perturbed(real, alpha, uniform, sigma).mean(),
        'one_centred': one_centred(logits, real),
        'largest_square': largest_square(logits, real),
        'orthogonality': orthogonality(weight),
        'squared_centroid': squared_centroid(real.flatten(1)),
    }


@pytest.mark.parametrize('half', [torch.float16, torch.bfloat16])
def test_half_precision_comes_out_as_float32_of_about_the_same_value(half):
    expected = values_in(torch.float32)
    for name, value in values_in(half).items():
        assert value.dtype == torch.float32, name
        assert torch.allclose(value, expected[name], rtol=0.03), name
