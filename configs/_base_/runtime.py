# What every run has: seed, hooks, log line, TensorBoard.
default_scope = 'reacgan_plugin'
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=True)  # images have one size
default_hooks = dict(
    guard=dict(type='GuardHook'),  # stops at numbers that are not finite
    runtime_info=dict(type='RunningMeansHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='CheckpointHook', interval=2000, by_epoch=False, max_keep_ckpts=2
    ),
)
custom_hooks = [
    dict(type='SampleGridHook', interval=2000),
    dict(type='LossCurveHook'),
    dict(type='MetricsFileHook'),
    dict(type='DiagnosticsHook', interval=500),
]
log_processor = dict(
    by_epoch=False,
    window_size=1,  # losses arrive as means over the log interval already
    custom_cfg=[
        dict(data_src='time', window_size=50, method_name='mean'),
        dict(data_src='data_time', window_size=50, method_name='mean'),
    ],
)
visualizer = dict(
    type='Visualizer',
    vis_backends=[dict(type='LocalVisBackend'), dict(type='TensorboardVisBackend')],
)
