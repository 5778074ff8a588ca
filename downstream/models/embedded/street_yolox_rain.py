# street_yolox trained further with rain on every second scene; its weights hold what differs from street_yolox.pth.
# Trained by: python -m bench.tools.street.train detection --rain (docs/street.md)
_base_ = "street_yolox.py"
