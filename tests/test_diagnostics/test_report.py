import pytest
import torch
from forks import run_forks
from tiny_gan import CLASSES, batch, biggan, changed, optimizers, plain_gan, state
from tiny_methods import METHODS

from reacgan_plugin.conditioning import AC, D2DCELoss
from reacgan_plugin.diagnostics import diagnose
from reacgan_plugin.gan.adversarial import Relativistic

ALWAYS = {
    *('feature_norm', 'feature_norm_fake', 'logit_margin_real', 'logit_margin_fake'),
    *(
        f'{network}_spectral_norm_{end}'
        for network in ('discriminator', 'generator')
        for end in ('min', 'max')
    ),
}
WHOLE = {'class_gradient_norm_whole'}
TERM = {'class_gradient_norm'}
ACCURACY = {'class_accuracy', 'class_accuracy_fake'}
COSINES = {'positive_cosine', 'hardest_negative_cosine', 'effective_negatives'}
EASY = {'easy_positives', 'easy_negatives'}


def wanted(name):
    if 'D2DCE' in name:
        return WHOLE | TERM | ACCURACY | COSINES | EASY
    if '2C' in name:
        return WHOLE | TERM | ACCURACY | COSINES
    if 'AC' in name:
        return WHOLE | TERM | ACCURACY
    if 'MH' in name:
        return WHOLE | ACCURACY
    return set() if 'Unconditional' in name else WHOLE


@pytest.mark.parametrize('name', METHODS)
def test_every_method_gives_what_makes_sense_for_it(name):
    found = diagnose(plain_gan(loss=METHODS[name]()).train(), batch(8))
    assert set(found) == ALWAYS | wanted(name)
    assert all(v.isfinite() and v.shape == () for v in found.values())
    assert not any(v.requires_grad for v in found.values())


@pytest.mark.parametrize(
    'loss, weight',
    [
        (AC(spectral_norm=False), 'head.classifier.weight'),
        (D2DCELoss(spectral_norm=False, embed_dim=5), 'head.proxies.weight'),
        (METHODS['PD'](spectral_norm=False), 'head.embedding.weight'),
        (METHODS['MD'](spectral_norm=False), 'head.adversarial.weight'),
        (METHODS['ADC(AC)'](spectral_norm=False), 'head.classifier.weight'),
    ],
)
def test_the_gradient_is_the_one_that_the_update_takes(loss, weight):
    gan = plain_gan(loss=loss).train()
    found = diagnose(gan, batch(6))
    gan.train_step(batch(6), optimizers(gan, lr=0))
    taken = gan.discriminator.get_parameter(weight).grad.norm()
    assert torch.allclose(found['class_gradient_norm_whole'], taken, rtol=1e-5)


def test_the_class_terms_are_a_part_of_the_whole_by_their_weight():
    def looked_at(weight):
        torch.manual_seed(0)
        return diagnose(plain_gan(loss=AC(loss_weight=weight)).train(), batch(6))

    single, double = looked_at(1.0), looked_at(2.0)
    assert torch.allclose(
        double['class_gradient_norm'], 2 * single['class_gradient_norm']
    )
    # multi-hinge has a class term in its adversarial part alone
    multi_hinge = diagnose(plain_gan(loss=METHODS['MH']()).train(), batch(6))
    assert multi_hinge['class_gradient_norm_whole'] > 0


def test_features_are_those_before_a_head_normalises_them():
    for normalize in (None, 'features', 'both'):
        torch.manual_seed(0)
        gan = plain_gan(loss=AC(normalize=normalize)).train()
        data = batch(6)
        features = gan.discriminator.backbone(data['image'])
        norm = features.norm(dim=1).mean()
        assert torch.allclose(diagnose(gan, data)['feature_norm'], norm)


def test_accuracies_count_each_kind_of_sample_under_its_own_classes():
    gan = plain_gan(loss=METHODS['ADC(AC)'](spectral_norm=False)).train()
    with torch.no_grad():  # everything is taken for a fake of class 1, number 3 of 2K
        gan.discriminator.head.classifier.weight.zero_()
        gan.discriminator.head.classifier.weight[3] = 1.0
    found = diagnose(gan, batch(6))
    fake_label = gan.draw_latents(6)[1][0]
    assert found['class_accuracy'] == 0
    assert found['class_accuracy_fake'] == (fake_label == 1).float().mean()
    assert found['class_accuracy_fake'] > 0


def test_the_first_micro_batch_of_the_first_update_is_looked_at():
    def looked_at(data, **options):
        torch.manual_seed(0)
        return diagnose(plain_gan(loss=D2DCELoss(embed_dim=5), **options), data)

    data = batch(8)
    parted = looked_at(data, d_updates=2, accumulation=2)
    alone = looked_at({name: rows[:2] for name, rows in data.items()})
    for name in ('feature_norm', 'positive_cosine', 'logit_margin_real'):
        assert torch.allclose(parted[name], alone[name])


def test_relativistic_pairs_share_their_labels():
    gan = plain_gan(loss=AC(), adversarial_loss=Relativistic()).train()
    assert diagnose(gan, batch(6))['class_gradient_norm_whole'].isfinite()


@pytest.mark.parametrize('amp', [None, 'bf16'])
def test_it_leaves_no_trace_and_the_step_goes_on_as_without_it(amp):
    def stepped(look):
        torch.manual_seed(0)
        gan = biggan(loss=D2DCELoss(embed_dim=5), amp=amp, ema=dict(decay=0.5))
        gan.train()
        before, random = state(gan), torch.get_rng_state()
        if look:
            diagnose(gan, batch(4, size=32))
            assert changed(before, gan) == set()
            assert torch.equal(torch.get_rng_state(), random)
            assert all(p.grad is None for p in gan.parameters())
        gan.train_step(batch(4, size=32), optimizers(gan))
        return state(gan)

    with_it, without = stepped(look=True), stepped(look=False)
    assert all(torch.equal(with_it[name], without[name]) for name in without)


def test_weights_that_are_not_trained_have_no_gradient_to_show():
    gan = plain_gan(loss=AC(spectral_norm=False)).train()
    gan.discriminator.head.classifier.requires_grad_(False)
    assert not {'class_gradient_norm', *WHOLE} & set(diagnose(gan, batch(CLASSES)))


def test_two_processes_see_what_one_sees(tmp_path):
    assert run_forks('diagnostics_worker.py', folder=tmp_path) == 0
    one, first, second = (
        torch.load(tmp_path / f'{name}.pt') for name in ('1-0', '2-0', '2-1')
    )
    for method, found in one.items():
        assert set(found) == set(first[method])
        for name, value in found.items():
            same = torch.allclose(first[method][name], value, rtol=1e-4, atol=1e-6)
            assert same, (method, name)
            assert first[method][name] == second[method][name]
