import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from qwen_infra.errors import ConfigurationError
from qwen_infra.simulator.profile import INSTANT, REFERENCE, CacheProfile, Jitter, load_profile


@given(st.floats(0, 1))
def test_a_jitter_factor_stays_between_its_first_and_last_quantile(share):
    jitter = REFERENCE.prefill.jitter
    assert jitter.quantiles[0][1] <= jitter.factor_at(share) <= jitter.quantiles[-1][1]


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_jitter_factor_never_falls_with_its_share(first, second):
    low, high = sorted((first, second))
    assert REFERENCE.decode.jitter.factor_at(low) <= REFERENCE.decode.jitter.factor_at(high) + 1e-12


def test_without_quantiles_there_is_no_jitter():
    assert [Jitter().factor_at(share) for share in (0.0, 0.3, 1.0)] == [1.0, 1.0, 1.0]


def test_the_mean_factor_is_the_area_under_the_quantiles():
    assert Jitter(quantiles=((0.0, 1.0), (0.5, 1.0), (1.0, 3.0))).mean == pytest.approx(1.5)


@pytest.mark.parametrize("quantiles", [[(0, 1)], [(0, 1), (0.5, 1)], [(0, 1), (1, 0.5)], [(0, 1), (0, 1), (1, 1)]])
def test_quantiles_that_do_not_rise_from_0_to_1_are_refused(quantiles):
    with pytest.raises(ValidationError):
        Jitter(quantiles=quantiles)


def test_the_reported_concurrency_is_blocks_over_the_blocks_of_one_full_request():
    cache = CacheProfile(block_size_tokens=784, num_gpu_blocks=1567, state_blocks_per_request=6)
    assert cache.max_concurrency(262144) == pytest.approx(4.595, abs=0.001)  # measured on one H200, 27B BF16


@pytest.mark.parametrize("profile", [REFERENCE, INSTANT])
def test_a_built_in_profile_is_found_by_its_name(profile):
    assert load_profile(profile.name) is profile


def test_a_profile_is_read_from_a_file(tmp_path):
    path = tmp_path / "known.json"
    path.write_text(json.dumps({"name": "known", "decode": {"base_ms": 20}}))
    assert load_profile(str(path)).decode.base_ms == 20


def test_a_built_in_profile_survives_its_own_json(tmp_path):
    path = tmp_path / "copy.json"
    path.write_text(REFERENCE.model_dump_json())
    assert load_profile(str(path)) == REFERENCE


def test_a_missing_profile_names_the_built_in_ones():
    with pytest.raises(ConfigurationError, match="instant, reference"):
        load_profile("no-such-profile")


@pytest.mark.parametrize("content", ["{", '{"name": "x", "speed": 3}', '{"name": "x", "decode": {"base_ms": -1}}'])
def test_a_file_that_is_no_profile_is_refused_with_its_place(tmp_path, content):
    path = tmp_path / "wrong.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="not valid"):
        load_profile(str(path))
