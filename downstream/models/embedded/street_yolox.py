# YOLOX-Nano (Ge et al. 2021) for the embedded street set: eight of COCO's classes, no rain seen. Images are enlarged
# one and a half times: half of the objects are under 32 pixels.
# Trained by: python -m bench.tools.street.train detection (docs/street.md)
default_scope = "mmdet"
classes = ("person", "bicycle", "car", "motorcycle", "bus", "truck", "traffic light", "stop sign")
norm_cfg = dict(type="BN", momentum=0.03, eps=0.001)
act_cfg = dict(type="Swish")

model = dict(
    type="YOLOX",
    data_preprocessor=dict(type="DetDataPreprocessor", pad_size_divisor=32),
    backbone=dict(
        type="CSPDarknet",
        deepen_factor=0.33,
        widen_factor=0.25,
        use_depthwise=True,
        out_indices=(2, 3, 4),
        spp_kernal_sizes=(5, 9, 13),
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
    ),
    neck=dict(
        type="YOLOXPAFPN",
        in_channels=[64, 128, 256],
        out_channels=64,
        num_csp_blocks=1,
        use_depthwise=True,
        upsample_cfg=dict(scale_factor=2, mode="nearest"),
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
    ),
    bbox_head=dict(
        type="YOLOXHead",
        num_classes=len(classes),
        in_channels=64,
        feat_channels=64,
        stacked_convs=2,
        strides=(8, 16, 32),
        use_depthwise=True,
        norm_cfg=norm_cfg,
        act_cfg=act_cfg,
        loss_cls=dict(type="CrossEntropyLoss", use_sigmoid=True, reduction="sum", loss_weight=1.0),
        loss_bbox=dict(type="IoULoss", mode="square", eps=1e-16, reduction="sum", loss_weight=5.0),
        loss_obj=dict(type="CrossEntropyLoss", use_sigmoid=True, reduction="sum", loss_weight=1.0),
        loss_l1=dict(type="L1Loss", reduction="sum", loss_weight=1.0),
    ),
    train_cfg=dict(assigner=dict(type="SimOTAAssigner", center_radius=2.5)),
    test_cfg=dict(score_thr=0.01, nms=dict(type="nms", iou_threshold=0.65)),
)

test_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(576, 336), keep_ratio=True),
    dict(type="Pad", size_divisor=32, pad_val=dict(img=(114.0, 114.0, 114.0))),
    dict(type="PackDetInputs", meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor")),
]
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    dataset=dict(type="CocoDataset", metainfo=dict(classes=classes), test_mode=True, pipeline=test_pipeline),
)
