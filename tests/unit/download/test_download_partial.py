"""A partial file goes on at the end of the last part that is surely right."""

import hashlib
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qwen_infra.download.hub import HubFile
from qwen_infra.download.partial import PartialFile

PART = 10


def hub_file(content: bytes) -> HubFile:
    return HubFile("weights", len(content), hashlib.sha256(content).hexdigest(), None, "")


def write(folder: Path, content: bytes, count: int) -> PartialFile:
    """As a process that was killed after ``count`` bytes."""
    part = PartialFile(folder, hub_file(content), PART)
    with part:
        part.resume(lambda _: None)
        part.append(content[:count])
    return part


def resume(folder: Path, content: bytes) -> int:
    """Where the next process goes on; asserts that the end is right from there."""
    file = hub_file(content)
    with PartialFile(folder, file, PART) as part:
        part.resume(lambda _: None)
        start = part.length
        part.append(content[start:])
        assert file.is_matched_by(part.digest)
        part.become(folder / "final")
    assert (folder / "final").read_bytes() == content
    return start


contents = st.binary(min_size=1, max_size=95)


@given(contents, st.integers(0, 95))
def test_it_goes_on_at_the_last_whole_part(content: bytes, count: int):
    with tempfile.TemporaryDirectory() as folder:
        count = min(count, len(content))
        write(Path(folder), content, count)
        assert resume(Path(folder), content) == count // PART * PART


@given(contents, st.integers(0, 94))
def test_bytes_that_were_lost_or_changed_on_disk_are_found_out(content: bytes, place: int):
    with tempfile.TemporaryDirectory() as name:
        folder, place = Path(name), min(place, len(content) - 1)
        part = write(folder, content, len(content))
        data = bytearray(part.data_path.read_bytes())
        data[place] ^= 1
        part.data_path.write_bytes(data)
        assert resume(folder, content) <= place // PART * PART


@given(contents, st.integers(0, 400))
def test_a_list_cut_short_anywhere_is_no_harm(content: bytes, cut: int):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, content, len(content))
        (parts,) = folder.glob("*.parts")
        parts.write_bytes(parts.read_bytes()[:cut])
        assert resume(folder, content) <= len(content)


def test_another_content_has_another_partial_state(tmp_path: Path):
    write(tmp_path, b"a" * 50, 50)
    assert resume(tmp_path, b"b" * 50) == 0


def test_the_validator_is_kept_for_the_next_process(tmp_path: Path):
    content = b"a" * 50
    with PartialFile(tmp_path, hub_file(content), PART) as part:
        part.resume(lambda _: None)
        part.remember_etag('"one"')
    with PartialFile(tmp_path, hub_file(content), PART) as part:
        part.resume(lambda _: None)
        assert part.etag == '"one"'


def test_a_noted_end_between_parts_is_kept(tmp_path: Path):
    content = bytes(range(50))
    with PartialFile(tmp_path, hub_file(content), PART) as part:
        part.resume(lambda _: None)
        part.append(content[:13])
        part.note()
    assert resume(tmp_path, content) == 13
