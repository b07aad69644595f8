from reacgan_plugin import extras


def test_nothing_is_missing_where_the_extra_is_installed():
    assert extras.missing_extra() is None


def test_a_module_that_is_there_but_does_not_import_is_named(tmp_path, monkeypatch):
    (tmp_path / 'broken_module.py').write_text('raise ImportError("no libGL")')
    monkeypatch.syspath_prepend(tmp_path)
    message = extras.missing_extra(('broken_module',))
    assert message == 'broken_module is installed but does not import: no libGL'


def test_two_packages_that_overwrite_each_other_are_reported(monkeypatch):
    monkeypatch.setattr(extras, '_installed', lambda name: True)
    assert 'mmcv and mmcv-lite are both installed' in extras.missing_extra()
