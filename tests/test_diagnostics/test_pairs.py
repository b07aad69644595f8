import math

import pytest
import torch

from reacgan_plugin.diagnostics import pair_diagnostics
from reacgan_plugin.functional import d2d_cross_entropy

LABEL = torch.tensor([0, 1, 2, 1, 0])


def rows(seed, count=5, width=4):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, width, generator=random, dtype=torch.float64)


def on_circle(*degrees):
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angle.cos(), angle.sin()], dim=1)


def cosine(x, y):
    return torch.nn.functional.cosine_similarity(x, y, dim=0).item()


@pytest.mark.parametrize('margin', [0.9, 0.4])
def test_numbers_are_those_of_the_double_loop_over_pairs(margin):
    temperature, embedding, proxy = 0.3, rows(0), rows(1)
    positive = [cosine(embedding[i], proxy[i]) for i in range(5)]
    hardest, effective, easy, pairs = [], [], 0, 0
    for i in range(5):
        cosines = [cosine(embedding[i], embedding[j]) for j in range(5)]
        negatives = [c for c, y in zip(cosines, LABEL, strict=True) if y != LABEL[i]]
        hard = [c for c in negatives if c > 1 - margin]
        weights = [math.exp(c / temperature) for c in hard]
        hardest.append(max(negatives))
        squares = sum(w * w for w in weights)
        effective.append(sum(weights) ** 2 / squares if weights else 0.0)
        easy, pairs = easy + len(negatives) - len(hard), pairs + len(negatives)
    found = pair_diagnostics(
        embedding, proxy, LABEL, margin=margin, temperature=temperature
    )
    assert {name: value.item() for name, value in found.items()} == pytest.approx(
        {
            'positive_cosine': sum(positive) / 5,
            'hardest_negative_cosine': sum(hardest) / 5,
            'effective_negatives': sum(effective) / 5,
            'easy_positives': sum(c >= margin for c in positive) / 5,
            'easy_negatives': easy / pairs,
        },
        rel=1e-6,
    )


def test_easy_pairs_are_those_that_the_loss_gives_no_gradient():
    # 0 and 80 degrees are nearer than m_n = 0.1 allows, 0 and 130 are not
    embedding = on_circle(0, 80, 130).requires_grad_()
    proxy = on_circle(10, 80, 0).requires_grad_()  # within, within, far beyond 0.9
    label = torch.tensor([0, 1, 2])
    d2d_cross_entropy(embedding, proxy, label, margin=0.9).backward()
    assert (proxy.grad.norm(dim=1) > 1e-6).tolist() == [False, False, True]
    found = pair_diagnostics(embedding, proxy, label, margin=0.9, temperature=0.5)
    assert found['easy_positives'].item() == pytest.approx(2 / 3)
    assert found['easy_negatives'].item() == pytest.approx(1 / 3)


def test_effective_negatives_count_those_that_share_the_gradient():
    def effective(*degrees, margin=0.9):
        embedding, label = on_circle(*degrees), torch.arange(len(degrees))
        found = pair_diagnostics(
            embedding, embedding, label, margin=margin, temperature=0.01
        )
        return found['effective_negatives'].item()

    assert effective(0, 180) == 0  # the one negative is easy
    assert effective(0, 30) == 1
    # one has two at equal distance, the two others have the nearer one alone
    assert effective(0, 30, -30) == pytest.approx((2 + 1 + 1) / 3)
    assert effective(0, 120, -120, margin=None) == pytest.approx(2)


def test_without_margins_no_pair_is_easy():
    found = pair_diagnostics(rows(0), rows(1), LABEL, temperature=1.0)
    assert not {'easy_positives', 'easy_negatives'} & set(found)


@pytest.mark.parametrize('label', [torch.zeros(5), torch.zeros(1)])
def test_a_batch_without_negatives_has_none_to_speak_of(label):
    count = len(label)
    found = pair_diagnostics(
        rows(0, count), rows(1, count), label.long(), margin=0.9, temperature=1.0
    )
    assert found['effective_negatives'] == 0
    assert found['hardest_negative_cosine'].isnan()
    assert found['easy_negatives'].isnan()
    assert found['positive_cosine'].isfinite()


def test_half_precision_and_tiny_temperatures_stay_finite():
    found = pair_diagnostics(
        rows(0).bfloat16(), rows(1).bfloat16(), LABEL, margin=0.9, temperature=1e-3
    )
    assert all(
        value.isfinite() and value.dtype.itemsize >= 4 for value in found.values()
    )


def test_shapes_are_checked():
    with pytest.raises(ValueError, match='proxy has shape'):
        pair_diagnostics(rows(0), rows(1, 4), LABEL, temperature=1.0)
