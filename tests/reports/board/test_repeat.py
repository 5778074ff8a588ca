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


def test_several_models_of_a_task_keep_their_labels_and_files(record: Make) -> None:
    records = [
        chosen(
            record("rdmc", "streaks:heavy", "segmentation"),
            variants=[{"data": "masks:camvid", "rain": ["streaks:heavy"]}],
            derainers=["rdmc"],
            models=[
                {
                    "task": "segmentation",
                    "label": label,
                    "name": "net.py",
                    "checkpoint": f"/home/me/{label}.pth",
                }
            ],
        )
        for label in ("a", "b")
    ]
    (command,) = commands(records)
    for words in (
        "--model segmentation=a=net.py",
        "--model segmentation=b=net.py",
        "--checkpoint b=WEIGHTS/b.pth",
    ):
        assert words in command


def test_a_rain_that_was_brought_is_asked_for_by_its_folder(record: Make) -> None:
    asked = {"data": "cityscapes:/home/me/cs", "rain": ["rendered:/home/me/rainy:100mm"]}
    (command,) = commands([chosen(record("rdmc", "streaks:heavy"), variants=[asked], derainers=["rdmc"])])
    assert "--rain rendered:DATA/rainy:100mm" in command


def test_a_file_of_ones_own_keeps_what_stands_behind_it(record: Make) -> None:
    spec = ["w=/home/me/lr=0.1/net.py:Net:/home/me/lr=0.1/w.pth"]
    (command,) = commands([chosen(record("w"), variants=[{"data": "street"}], derainers=spec)])
    assert "--derainer w=WEIGHTS/net.py:Net:WEIGHTS/w.pth " in command
