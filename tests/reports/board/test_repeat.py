from __future__ import annotations

from collections.abc import Callable

from bench.keep.records import Record
from reports.board.repeat import commands

Make = Callable[..., Record]


def chosen(one: Record, **choices: object) -> Record:
    return one.model_copy(update={"run": {**one.run, "choices": choices}})


def test_records_of_one_suite_are_one_command(record: Make) -> None:
    spec = ["rdmc=prenet:/home/me/prenet.pth"]
    records = [
        chosen(record("rdmc", rain), name="street", variants=[{"split": "test"}], derainers=spec)
        for rain in ("streaks:light", "streaks:heavy")
    ]
    assert commands(records) == ["bench run street --derainer rdmc=prenet:WEIGHTS/prenet.pth --out runs/rdmc"]


def test_folders_of_a_machine_are_left_out_and_rains_and_models_kept(record: Make) -> None:
    records = [
        chosen(
            record("rdmc", rain, data="coco/val2017"),
            variants=[{"data": "coco:/home/me/coco", "split": "val2017", "limit": 50}],
            derainers=["rdmc"],
            models=[{"task": "detection", "name": "yolox", "checkpoint": "/home/me/yolox.pth"}],
        )
        for rain in ("streaks:heavy", "streaks:light")
    ]
    (command,) = commands(records)
    assert command == (
        "bench run --derainer rdmc --data coco:DATA/coco --split val2017 --limit 50 "
        "--rain streaks:light,streaks:heavy --task detection --model detection=yolox "
        "--checkpoint detection=WEIGHTS/yolox.pth --out runs/rdmc"
    )


def test_a_record_that_does_not_say_still_has_a_command(record: Make) -> None:
    (command,) = commands([record("a; rm -rf x")])
    assert "'a; rm -rf x'" in command
