"""Settings on the command line: ``--cfg-options KEY=VALUE ...``."""

from __future__ import annotations

import argparse
import ast

from mmengine.config import DictAction


class CfgOptions(DictAction):
    """mmengine's action, whose values may also be dicts, as a config has them:
    ``"model.techniques=[dict(type='DiffAugment')]"`` or ``{'type': 'DiffAugment'}``.

    They are read as data; nothing is called but ``dict``, with keywords.
    """

    def __call__(self, parser, namespace, values, option_string=None):
        try:
            super().__call__(parser, namespace, values, option_string)
        except (ValueError, AssertionError) as error:
            parser.error(f'{option_string}: {error}')

    @staticmethod
    def _parse_iterable(val: str):
        if '{' in val or 'dict(' in val:
            return _literal(val)
        return DictAction._parse_iterable(val)


def add_cfg_options(parser: argparse.ArgumentParser, *, help: str) -> None:
    """``--cfg-options``, by which a command line overrides settings of a config."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=CfgOptions, metavar='KEY=VALUE', help=help
    )


def add_trust_imports(parser: argparse.ArgumentParser) -> None:
    """``--trust-imports``, of tools that read any kind of config."""
    parser.add_argument(
        '--trust-imports',
        action='store_true',
        help='import what configs that are data name: checkpoints, .json, .yaml',
    )


def _literal(text: str):
    try:
        tree = ast.parse(text.strip(), mode='eval')
        return ast.literal_eval(_AsDisplay().visit(tree))
    except (ValueError, SyntaxError) as error:
        raise ValueError(
            f'{text!r} is no value; allowed: a number, a word, a list, or dicts such '
            "as [dict(type='DiffAugment')], in quotation marks for the shell"
        ) from error


class _AsDisplay(ast.NodeTransformer):
    """dict(key=value) as {'key': value}; other calls stay, and are refused later."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        plain = isinstance(node.func, ast.Name) and node.func.id == 'dict'
        if not plain or node.args or any(k.arg is None for k in node.keywords):
            return node
        keys = [ast.Constant(keyword.arg) for keyword in node.keywords]
        return ast.Dict(keys, [keyword.value for keyword in node.keywords])
