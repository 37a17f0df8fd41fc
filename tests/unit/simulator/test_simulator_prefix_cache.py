from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.simulator.prefix_cache import PrefixCache


def test_a_new_prompt_matches_nothing():
    assert PrefixCache(4, 100).match_and_store(range(20)) == 0


def test_a_repeated_prompt_matches_its_whole_blocks():
    cache = PrefixCache(4, 100)
    cache.match_and_store(range(18))
    assert cache.match_and_store(range(18)) == 16


def test_the_last_token_is_always_computed():
    cache = PrefixCache(4, 100)
    cache.match_and_store(range(16))
    assert cache.match_and_store(range(16)) == 12


def test_a_prompt_shorter_than_a_block_never_matches():
    cache = PrefixCache(1056, 100)
    cache.match_and_store(range(1000))
    assert cache.match_and_store(range(1000)) == 0


def test_only_the_common_beginning_matches():
    cache = PrefixCache(4, 100)
    cache.match_and_store([1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert cache.match_and_store([1, 2, 3, 4, 0, 6, 7, 8, 9]) == 4


def test_the_oldest_blocks_are_forgotten():
    cache = PrefixCache(2, 2)
    cache.match_and_store([1, 2, 3])
    cache.match_and_store([4, 5, 6, 7, 8])
    assert cache.match_and_store([1, 2, 3]) == 0


@given(st.lists(st.integers(0, 3), max_size=40), st.lists(st.integers(0, 3), max_size=40))
def test_a_match_is_never_longer_than_the_common_beginning(first, second):
    cache = PrefixCache(4, 100)
    cache.match_and_store(first)
    common = 0
    while common < min(len(first), len(second)) and first[common] == second[common]:
        common += 1
    assert cache.match_and_store(second) <= common
