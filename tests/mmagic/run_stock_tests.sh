#!/usr/bin/env bash
# Tests of the mmagic door against stock mmagic 1.2.0, in an environment of its own.
#
#   tests/mmagic/run_stock_tests.sh [arguments of pytest]
#
# Uses the current environment's torch and pytest below its own pinned packages. With
# MMAGIC_ENVIRONMENT set to a folder, the environment stays there for the next time.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

environment=${MMAGIC_ENVIRONMENT:-}
if [ -z "$environment" ]; then
  environment=$(mktemp -d)
  trap 'rm -rf "$environment"' EXIT
fi
if [ ! -f "$environment/ready" ]; then
  python -m venv "$environment"
  packages=$("$environment/bin/python" -c 'import site; print(site.getsitepackages()[0])')
  python -c 'import site; print(site.getsitepackages()[0])' > "$packages/zz_outer.pth"
  "$environment/bin/python" -m pip install --quiet --no-deps -r "$here/constraints.txt"
  cp -r "$here"/stubs/* "$packages"
  echo 'import mmcv_ext_stub' > "$packages/zz_stub.pth"
  touch "$environment/ready"
fi
cd "$here/../.."
export OMP_WAIT_POLICY=passive PYTHONPATH=$PWD

"$environment/bin/python" -m pytest -o testpaths=tests/mmagic "$@"
