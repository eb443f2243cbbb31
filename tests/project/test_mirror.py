"""Every module has a test at its mirrored place, or is named here below the test file that covers it."""

from __future__ import annotations

import pytest
from helpers.ranges import ROOT

PACKAGES = ("boomerang", "processing", "training", "aws", "pipelines")

# Test files that cover more than the module they mirror. A module with a test of its own is not named.
COVERED_BY: dict[str, list[str]] = {
    "processing/attacks/test_badnets.py": [
        "processing/attacks/common/patch",
    ],
    "aws/alarms/test_judgment.py": [
        "aws/alarms/alarm",
        "aws/alarms/event",
        "aws/alarms/series",
    ],
    "aws/check/test_check.py": [
        "aws/check/dashboard",
        "aws/check/patterns",
        "aws/check/played",
        "aws/check/roles",
        "aws/check/stacks",
        "aws/check/template",
    ],
    "aws/dashboard/test_body.py": [
        "aws/dashboard/mistakes",
        "aws/dashboard/search",
    ],
    "aws/image/test_image.py": [
        "aws/image/docker",
        "pipelines/cli/commands/image",
    ],
    "aws/stack/test_live.py": [
        "aws/account",
        "aws/stack/changes",
        "aws/stack/parameters",
    ],
    "aws/stack/test_template.py": [
        "aws/stack/intrinsics",
        "aws/stack/policy",
    ],
    "aws/test_client.py": [
        "aws/jobs/canary_job",
        "aws/jobs/package",
        "aws/jobs/publish",
    ],
    "boomerang/signing/test_keys.py": [
        "boomerang/signing/key_file",
    ],
    "boomerang/test_config.py": [
        "boomerang/settings",
    ],
    "boomerang/test_metrics.py": [],
    "pipelines/check/test_check.py": [
        "boomerang/findings",
        "pipelines/check/arguments",
        "pipelines/check/checks",
        "pipelines/check/cross_references",
        "pipelines/check/language",
        "pipelines/check/limits",
        "pipelines/check/lineage_step",
        "pipelines/check/metrics_file",
        "pipelines/check/package_card",
        "pipelines/check/pipeline_parameters",
        "pipelines/check/problems",
        "pipelines/check/registrations",
        "pipelines/check/requests",
        "pipelines/check/rules",
        "pipelines/check/service",
        "pipelines/check/view",
        "pipelines/cli/commands/check",
    ],
    "pipelines/cli/commands/test_data.py": [
        "pipelines/glance/as_table",
        "pipelines/glance/look",
        "pipelines/glance/sheet",
    ],
    "pipelines/cli/test_main.py": [
        "pipelines/cli/command_lines",
        "pipelines/cli/commands/definition",
        "pipelines/cli/commands/key",
        "pipelines/cli/commands/report",
        "pipelines/cli/commands/run",
        "pipelines/cli/commands/verify",
        "pipelines/cli/options",
        "pipelines/report/summary",
    ],
    "pipelines/cloud/test_costs.py": [
        "pipelines/cloud/range_tables",
    ],
    "pipelines/cloud/test_deploy.py": [
        "aws/image/ecr",
        "aws/upload",
        "pipelines/cli/commands/deploy",
        "pipelines/cli/commands/destroy",
        "pipelines/cloud/board",
        "pipelines/cloud/consent",
        "pipelines/cloud/destroy",
        "pipelines/cloud/remote",
    ],
    "pipelines/cloud/test_status.py": [
        "pipelines/cli/commands/status",
        "pipelines/cloud/advice",
        "pipelines/cloud/deployed",
        "pipelines/cloud/follow",
    ],
    "pipelines/campaign/test_entry.py": [
        "pipelines/campaign/paths",
    ],
    "pipelines/definition/sdk/test_campaign_pipeline.py": [
        "pipelines/campaign/member",
        "pipelines/definition/cell_steps",
        "pipelines/definition/sdk/item_sketch",
    ],
    "pipelines/definition/test_build.py": [
        "pipelines/definition/kept",
        "pipelines/definition/user_key",
    ],
    "pipelines/definition/test_definition.py": [
        "pipelines/campaign/site",
        "pipelines/definition/machines",
        "pipelines/definition/sdk/addresses",
        "pipelines/definition/sdk/canary_pipeline",
        "pipelines/definition/sdk/candidate",
        "pipelines/definition/sdk/draft",
        "pipelines/definition/sdk/imports",
        "pipelines/definition/sdk/jobs",
        "pipelines/definition/sdk/json_text",
        "pipelines/definition/sdk/lineage_step",
        "pipelines/definition/sdk/package_card",
        "pipelines/definition/sdk/registration",
    ],
    "pipelines/registry/test_approval.py": [
        "boomerang/watching/approval",
        "pipelines/cli/commands/approve",
        "pipelines/cli/commands/reject",
        "pipelines/cli/decision",
    ],
    "pipelines/registry/test_local.py": [
        "pipelines/registry/origin",
        "pipelines/registry/package_files",
    ],
    "pipelines/report/test_provenance.py": [
        "pipelines/report/lineage_graph",
    ],
    "pipelines/runners/containers/test_localmode.py": [
        "pipelines/runners/containers/run_book",
        "pipelines/runners/containers/runner",
    ],
    "pipelines/runners/process/test_processes.py": [
        "pipelines/runners/process/host",
    ],
    "pipelines/runners/test_ledger.py": [
        "pipelines/runs/records",
    ],
    "pipelines/watching/dashboard/test_serve.py": [
        "pipelines/cli/commands/dashboard",
    ],
    "processing/attacks/common/test_backdoor.py": [
        "processing/attacks/common/triggered",
    ],
    "processing/attacks/test_bullseye_polytope.py": [
        "processing/attacks/common/polytope",
    ],
    "processing/attacks/test_kinds.py": [
        "processing/attacks/common/base",
        "processing/attacks/common/lesson",
        "processing/attacks/common/deeds",
    ],
    "processing/datasets/common/test_keras_set.py": [
        "processing/datasets/cifar10",
        "processing/datasets/mnist",
    ],
    "processing/datasets/common/test_base.py": [
        "processing/datasets/common/corpus",
    ],
    "processing/datasets/test_folder.py": [
        "processing/datasets/common/foreign/picture_folders",
        "processing/datasets/common/foreign/albums",
    ],
    "processing/datasets/test_table.py": [
        "processing/datasets/common/foreign/picture_tables",
    ],
    "boomerang/safeio/test_images.py": [
        "boomerang/safeio/picture_files",
    ],
    "processing/datasets/test_datasets.py": [
        "processing/datasets/common/examples",
        "processing/datasets/common/survey",
    ],
    "processing/datasets/test_npy.py": [
        "processing/datasets/common/foreign/companions",
    ],
    "processing/datasets/test_hdf5.py": [
        "boomerang/safeio/h5_arrays",
    ],
    "processing/datasets/test_idx.py": [
        "boomerang/safeio/idx_files",
    ],
    "processing/datasets/test_pixel_table.py": [
        "boomerang/safeio/pixel_tables",
    ],
    "processing/datasets/drawn/test_renderer.py": [
        "processing/datasets/drawn/camera",
        "processing/datasets/drawn/mesh",
    ],
    "processing/datasets/test_synthetic.py": [
        "processing/datasets/drawn/bodies/airplane",
        "processing/datasets/drawn/bodies/bird",
        "processing/datasets/drawn/bodies/frog",
        "processing/datasets/drawn/bodies/parts",
        "processing/datasets/drawn/bodies/quadrupeds",
        "processing/datasets/drawn/bodies/ship",
        "processing/datasets/drawn/bodies/vehicles",
        "processing/datasets/drawn/draws",
        "processing/datasets/drawn/scenes",
    ],
    "processing/defenses/screening/test_detectors.py": [
        "processing/defenses/common/base",
    ],
    "processing/evaluation/test_probes.py": [
        "boomerang/formats/probes",
    ],
    "processing/parts/test_evaluate_parts.py": [
        "processing/evaluation/case",
        "processing/evaluation/predictions",
    ],
    "processing/pictures/test_resize_folder.py": [
        "processing/pictures/picture_folder",
    ],
    "processing/test_canary.py": [
        "boomerang/formats/canary",
        "boomerang/formats/package",
        "boomerang/watching/history",
        "pipelines/cli/commands/canary",
        "pipelines/watching/local_canary",
        "pipelines/watching/watched_package",
    ],
    "processing/test_evaluate.py": [
        "processing/evaluation/measure",
    ],
    "training/architectures/test_badnet.py": [
        "training/architectures/common/published",
    ],
    "training/architectures/test_kinds.py": [
        "training/architectures/common/base",
    ],
    "training/inference/test_kinds.py": [
        "training/inference/common/base",
        "training/labeled",
    ],
    "training/repair/test_kinds.py": [
        "training/repair/common/base",
        "training/repair/common/bench",
        "training/repair/common/tuning",
    ],
    "pipelines/inspection/test_document.py": [
        "pipelines/inspection/bars",
        "pipelines/inspection/render",
        "pipelines/inspection/tables",
    ],
    "pipelines/cli/commands/test_attacks.py": ["pipelines/catalogue/on_terminal"],
    "pipelines/cli/commands/test_campaign.py": ["pipelines/cli/where"],
    "pipelines/matrix/test_campaign.py": [
        "pipelines/matrix/gathering/assemble",
        "pipelines/matrix/running/forecast",
        "pipelines/matrix/running/ready",
    ],
    "pipelines/matrix/test_page.py": [
        "pipelines/matrix/document",
        "pipelines/matrix/quantities",
    ],
}


def modules() -> set[str]:
    """Every module that is more than a package's face."""
    return {
        file.relative_to(ROOT).with_suffix("").as_posix()
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if file.name not in ("__init__.py", "__main__.py")
    }


def mirrored(module: str) -> str:
    """The test file of a module, below `tests`."""
    folder, _, name = module.rpartition("/")
    return f"{folder}/test_{name}.py"


def has_own_test(module: str) -> bool:
    return (ROOT / "tests" / mirrored(module)).is_file()


NAMED = [module for covered in COVERED_BY.values() for module in covered]


def test_every_module_has_its_test_or_is_named_below_the_one_that_covers_it() -> None:
    missing = {module for module in modules() - set(NAMED) if not has_own_test(module)}
    assert not missing, "give each a test at its mirrored place, or name it in COVERED_BY"


def test_the_list_names_modules_that_are_there_and_have_no_test_of_their_own() -> None:
    assert not set(NAMED) - modules(), "these are no modules"
    assert not [module for module in NAMED if has_own_test(module)], "these have a test of their own"
    assert len(NAMED) == len(set(NAMED)), "one is named twice"


@pytest.mark.parametrize("test", COVERED_BY)
def test_a_file_that_covers_is_there(test: str) -> None:
    assert (ROOT / "tests" / test).is_file()
