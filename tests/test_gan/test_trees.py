import torch

from reacgan_plugin.conditioning import DiscriminatorOutput
from reacgan_plugin.gan.trees import rebuilt, rows_of, tensors_of


def output(rows=3, **more):
    numbers = torch.arange(float(rows))
    return DiscriminatorOutput(numbers, numbers[:, None] + 10, numbers.long(), **more)


def test_tensors_of_inner_tuples_come_in_order():
    tree = output(twin=output(2), z=torch.ones(3, 1))
    assert [len(t) for t in tensors_of(tree)] == [3, 3, 3, 2, 2, 2, 3]


def test_a_rebuilt_tree_has_its_shape_and_the_given_tensors():
    tree = output(twin=output())
    other = rebuilt(tree, (t + 1 for t in tensors_of(tree)))
    assert isinstance(other.twin, DiscriminatorOutput)
    assert torch.equal(other.twin.features, tree.twin.features + 1)
    assert other.embedding is None


def test_rows_are_taken_of_every_tensor():
    best = rows_of(output(twin=output()), torch.tensor([2, 0]))
    assert best.logits.tolist() == best.twin.logits.tolist() == [2, 0]
    assert best.features.tolist() == [[12], [10]]
    assert best.proxy is None
