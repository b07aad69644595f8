import pytest
import torch

from reacgan_plugin.conditioning import DiscriminatorOutput
from reacgan_plugin.gan.row_gradients import RowGradient, row_gradients

LABEL = torch.tensor([1, 0, 1, 1, 2, 0])


def output(proxy, label=LABEL, **more):
    rows = len(label)
    return DiscriminatorOutput(
        torch.randn(rows, requires_grad=True),
        torch.randn(rows, 2),
        label,
        embedding=torch.randn(rows, 4, requires_grad=True),
        proxy=proxy.detach().requires_grad_(),
        **more,
    )


def differentiated(*outputs):
    """A loss in which every row has a weight of its own."""
    for each in outputs:
        for tensor in (each.embedding, each.proxy):
            (tensor * torch.randn_like(tensor)).sum().backward()


def put_in(gradients, tensor, sizes):
    """What the parts of a gradient give a tensor when each is put in."""
    tensor = tensor.detach().requires_grad_()
    for part, gradient in zip(tensor.split(sizes), gradients.split(sizes), strict=True):
        gradient.inner(part).backward()
    return tensor.grad


def test_rows_of_a_tensor_get_their_gradients_part_by_part():
    found = output(torch.randn(3, 4)[LABEL])
    differentiated(found)
    names = DiscriminatorOutput._fields[:5]
    gradients = dict(zip(names, row_gradients(found), strict=True))
    assert [name for name in names if gradients[name] is None] == [
        'logits',
        'features',
        'label',
    ]
    embedding = found.embedding
    assert gradients['embedding'].rows is None
    assert torch.equal(
        put_in(gradients['embedding'], embedding, [2, 3, 1]), embedding.grad
    )


def test_proxies_have_a_row_a_class_and_classes_their_whole_gradient():
    table = torch.randn(3, 4)
    found = output(table[LABEL], twin=output(table[LABEL.flip(0)], LABEL.flip(0)))
    differentiated(found, found.twin)
    gradients = row_gradients(found, class_proxies=True)
    for one, gradient in ((found, gradients[4]), (found.twin, gradients[9])):
        assert gradient.values.shape == (3, 4)
        for sizes in ([6], [2, 2, 2], [1, 5]):
            # what an embedding with one row a class gets of its rows
            actual, expected = (
                torch.zeros(3, 4).index_add_(0, one.label, rows)
                for rows in (put_in(gradient, one.proxy, sizes), one.proxy.grad)
            )
            assert torch.allclose(actual, expected, atol=1e-6)
    assert gradients[4].rows.tolist() == [0, 1, 4]


@pytest.mark.parametrize('label', [LABEL.int(), LABEL.to(torch.uint8)])
def test_labels_may_be_integers_of_any_kind(label):
    found = output(torch.randn(3, 4)[LABEL], label)
    differentiated(found)
    assert row_gradients(found, class_proxies=True)[4].rows.tolist() == [0, 1, 4]


@pytest.mark.parametrize(
    'proxy, declared',
    [(torch.randn(6, 4), True), (torch.randn(3, 4)[LABEL], False)],
    ids=['rows differ inside a class', 'equal rows, of a head that does not say so'],
)
def test_other_proxies_keep_their_rows(proxy, declared):
    found = output(proxy)
    differentiated(found)
    gradient = row_gradients(found, class_proxies=declared)[4]
    assert gradient.rows is None
    assert torch.equal(gradient.values, found.proxy.grad)


def test_a_part_without_a_row_still_takes_part_in_the_backward_pass():
    gradient = RowGradient(torch.ones(1, 4), torch.tensor([0]))
    tensor = torch.randn(3, 4, requires_grad=True)
    gradient.split([1, 3])[1].inner(tensor).backward()
    assert torch.equal(tensor.grad, torch.zeros(3, 4))
