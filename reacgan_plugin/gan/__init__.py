"""The step and its parts; import from the modules, since some of them need torch
alone and others mmengine."""
