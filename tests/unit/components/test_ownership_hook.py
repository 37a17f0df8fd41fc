"""What a hook does about what lies where an object is to be created."""

import asyncio
from typing import Any, cast

import pytest

from qwen_infra.cluster.found_objects import FoundObject, ObjectPlace
from qwen_infra.cluster.object_lookup import ObjectLookup
from qwen_infra.components.ownership_hook import clear_the_way
from qwen_infra.errors import ConfigurationError
from qwen_infra.manifests.names import STACK_LABEL
from qwen_infra.ownership import MARK, Owner

JOB: dict[str, Any] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "weights", "namespace": "serving"},
    "spec": {"template": "new"},
}
MINE = Owner("prod", "qwen-infra/a1")
ADOPTING = Owner("prod", "qwen-infra/b2", adopt=True)
OF_PROD, LEAVING = FoundObject({STACK_LABEL: "prod"}, {MARK: "qwen-infra/a1"}), FoundObject(is_being_deleted=True)


class Objects:
    """Plays the cluster: what lies at the place now, and after what is being deleted is gone."""

    def __init__(self, now: FoundObject | None, afterwards: FoundObject | None = None) -> None:
        self.now, self.afterwards = now, afterwards
        self.deleted: list[ObjectPlace] = []

    async def find(self, _place: ObjectPlace) -> FoundObject | None:
        return self.now

    async def delete(self, place: ObjectPlace) -> None:
        self.deleted.append(place)

    async def wait_while_leaving(self, _place: ObjectPlace) -> FoundObject | None:
        return self.afterwards


def clear(objects: Objects, owner: Owner, *, is_preview: bool = False) -> list[str]:
    told: list[str] = []
    lookup = cast("ObjectLookup", objects)
    # as asyncio.run, which would also take away the loop that Pulumi's mocks have set
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        runner.run(clear_the_way(lookup, JOB, owner, is_preview=is_preview, report=told.append))
    return told


@pytest.mark.parametrize("owner", [MINE, ADOPTING])
def test_a_job_of_other_settings_is_made_anew_whether_left_or_adopted(owner: Owner) -> None:
    objects = Objects(OF_PROD)
    (told,) = clear(objects, owner)
    assert objects.deleted == [ObjectPlace.of(JOB)]
    assert told.endswith("for other settings: made anew")


def test_a_job_of_the_same_settings_stays() -> None:
    objects = Objects(FoundObject(OF_PROD.labels, OF_PROD.annotations, spec=JOB["spec"]))
    assert clear(objects, MINE) == [
        "Job serving/weights was left by an interrupted `pulumi up` of this state: taken over"
    ]
    assert objects.deleted == []


def test_a_preview_takes_nothing_away() -> None:
    objects = Objects(OF_PROD)
    assert clear(objects, MINE, is_preview=True) == []
    assert objects.deleted == []


def test_what_somebody_else_makes_while_an_object_goes_is_refused_and_not_overwritten() -> None:
    with pytest.raises(ConfigurationError, match="one that qwen-infra has not made"):
        clear(Objects(LEAVING, afterwards=FoundObject()), MINE)


def test_what_is_gone_after_the_wait_is_made() -> None:
    assert clear(Objects(LEAVING), MINE) == [
        "Job serving/weights is being deleted: waiting for its end before it is made again"
    ]
