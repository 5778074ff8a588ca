# street_seg trained further with rain on every second scene; its weights hold what differs from street_seg.pth.
# Trained by: python -m bench.tools.street.train segmentation --rain (docs/street.md)
_base_ = "street_seg.py"
