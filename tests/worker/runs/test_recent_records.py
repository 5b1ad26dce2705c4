from __future__ import annotations

import re

import pytest
from labelwright.core.bundle import open_bundle
from labelwright.core.errors import Unavailable
from labelwright.worker.runs.recent_records import RedisRecentReader

from tests.parts.redis import Redis
from tests.parts.repository import ROOT
from tests.worker.tasks import bundle_files, new_name

PAGE = ROOT / "docs" / "worker.md"


def test_the_rights_of_the_page_are_enough_and_what_else_is_refused_is_named(redis_process: Redis) -> None:
    (rights,) = re.findall(r"^ACL SETUSER refresh-worker on >PASSWORD (.+)$", PAGE.read_text(), re.MULTILINE)
    bundle, _ = open_bundle(bundle_files(new_name()).items())
    assert bundle is not None
    with RedisRecentReader(redis_process.user(*rights.split())) as reader:
        assert reader.read(bundle.task) == []
        redis_process.user("~*", "+@all", "-zrange")
        with pytest.raises(Unavailable, match="refuses the command ZRANGE") as caught:
            reader.read(bundle.task)
        assert "docs/worker.md" in str(caught.value.advice)
        redis_process.user("~other:*", "+@all")
        with pytest.raises(Unavailable, match="refuses a key"):
            reader.read(bundle.task)
