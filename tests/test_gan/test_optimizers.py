import pytest
import torch
from tiny_gan import plain_gan

from reacgan_plugin.gan.optimizers import GANOptimWrapperConstructor, wrapper_of


def adam(lr, **options):
    return dict(optimizer=dict(type='Adam', lr=lr, betas=(0.0, 0.999)), **options)


def built(model, **options):
    config = dict(generator=adam(1e-4), discriminator=adam(4e-4), **options)
    return GANOptimWrapperConstructor(config)(model)


def parameters(wrapper):
    groups = wrapper.optimizer.param_groups
    return {id(p) for group in groups for p in group['params']}


def test_every_network_gets_its_own_optimizer():
    model = plain_gan()
    wrappers = built(model)
    rates = {name: w.optimizer.param_groups[0]['lr'] for name, w in wrappers.items()}
    assert rates == {'generator': 1e-4, 'discriminator': 4e-4}
    for name, wrapper in wrappers.items():
        assert type(wrapper.optimizer) is torch.optim.Adam
        own = {id(p) for p in getattr(model, name).parameters()}
        assert parameters(wrapper) == own


def test_the_discriminators_optimizer_has_the_heads_parameters():
    """R5: and each of them once."""
    model = plain_gan()
    groups = built(model)['discriminator'].optimizer.param_groups
    optimized = [id(p) for group in groups for p in group['params']]
    head = list(model.discriminator.head.parameters())
    assert head
    assert [optimized.count(id(p)) for p in head] == [1] * len(head)


def test_the_average_is_nobodys_to_optimize():
    model = plain_gan(ema=dict(decay=0.9))
    wrappers = built(model)
    average = {id(p) for p in model.generator_ema.parameters()}
    for wrapper in wrappers.values():
        assert average.isdisjoint(parameters(wrapper))


def test_an_entry_is_an_ordinary_optim_wrapper():
    entry = adam(
        1e-4,
        clip_grad=dict(max_norm=2.0),
        paramwise_cfg=dict(custom_keys={'classes': dict(lr_mult=0.5)}),
    )
    config = dict(generator=entry, discriminator=adam(4e-4))
    model = plain_gan()
    wrappers = GANOptimWrapperConstructor(config)(model)
    assert wrappers['generator'].clip_grad_kwargs == {'max_norm': 2.0}
    assert wrappers['discriminator'].clip_grad_kwargs is None
    slow = [
        parameter
        for group in wrappers['generator'].optimizer.param_groups
        for parameter in group['params']
        if group['lr'] == 0.5e-4
    ]
    assert [id(p) for p in slow] == [id(model.generator.classes.weight)]


def test_the_config_is_left_as_it_was():
    config = dict(generator=adam(1e-4), discriminator=adam(4e-4))
    GANOptimWrapperConstructor(config)(plain_gan())
    assert config == dict(generator=adam(1e-4), discriminator=adam(4e-4))


def one_optimizer(model=None, **optimizer):
    entry = dict(optimizer=optimizer)
    constructor = GANOptimWrapperConstructor(dict(generator=entry, discriminator=entry))
    return constructor(model or plain_gan())['generator'].optimizer


@pytest.mark.parametrize('kind', ['Adam', 'AdamW', 'SGD', torch.optim.Adam])
def test_an_optimizer_with_a_fused_form_takes_it(kind):
    assert one_optimizer(type=kind, lr=1e-3).defaults['fused'] is True


@pytest.mark.parametrize('choice', [dict(fused=False), dict(foreach=True)])
def test_another_form_that_was_asked_for_stays(choice):
    defaults = one_optimizer(type='Adam', lr=1e-3, **choice).defaults
    assert not defaults['fused']
    assert defaults['foreach'] == choice.get('foreach')


def test_an_optimizer_without_a_fused_form_is_built_as_it_is():
    assert 'fused' not in one_optimizer(type='RMSprop', lr=1e-3).defaults


def test_parameters_where_no_fused_form_runs_are_left_to_the_plain_one():
    model = plain_gan()
    model.generator.to('meta')
    assert not one_optimizer(model, type='Adam', lr=1e-3).defaults['fused']


def test_the_fused_form_steps_as_the_plain_one():
    parameters = []
    for choice in (dict(), dict(fused=False)):
        torch.manual_seed(0)
        model = plain_gan()
        optimizer = one_optimizer(
            model, type='Adam', lr=0.1, betas=(0.5, 0.9), eps=1e-6, **choice
        )
        for _ in range(3):
            for parameter in model.generator.parameters():
                parameter.grad = torch.sin(9 * parameter.detach())
            optimizer.step()
        parameters.append(dict(model.generator.named_parameters()))
    torch.testing.assert_close(*parameters, rtol=1e-5, atol=1e-6)


def test_an_entry_that_names_no_network_raises_and_names_the_nearest():
    config = dict(generator=adam(1e-4), discrminator=adam(4e-4))
    message = (
        r'optim_wrapper\.discrminator .*allowed: generator, discriminator '
        r"\(did you mean 'discriminator'\?\)"
    )
    with pytest.raises(ValueError, match=message):
        GANOptimWrapperConstructor(config)


@pytest.mark.parametrize('missing', ['generator', 'discriminator'])
def test_a_missing_entry_is_named(missing):
    config = dict(generator=adam(1e-4), discriminator=adam(4e-4))
    del config[missing]
    with pytest.raises(ValueError, match=f'no entry for {missing}$'):
        GANOptimWrapperConstructor(config)


def test_settings_of_one_network_given_for_both_are_refused():
    cfg = dict(generator={}, discriminator={})
    with pytest.raises(ValueError, match='paramwise_cfg belongs into'):
        GANOptimWrapperConstructor(cfg, paramwise_cfg=dict(norm_decay_mult=0.0))


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(accumulative_counts=4), 'generator.accumulative_counts.*accumulation'),
        (dict(type='AmpOptimWrapper'), "AmpOptimWrapper; set model.amp='bf16'"),
    ],
)
def test_what_the_step_does_itself_is_refused_with_where_to_set_it(settings, message):
    with pytest.raises(ValueError, match=message):
        GANOptimWrapperConstructor(dict(generator=settings, discriminator={}))


def test_a_mapping_without_the_network_raises_and_one_alone_is_taken():
    assert wrapper_of({'generator': 1}, 'generator') == 1
    alone = object()
    assert wrapper_of(alone, 'generator') is alone
    with pytest.raises(ValueError, match="no entry 'generator', only .'disc'"):
        wrapper_of({'disc': 1}, 'generator')
