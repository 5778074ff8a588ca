"""BibTeX of the papers that the registered derainers come from."""

from __future__ import annotations

RDMC = """@article{jiang2023rdmc,
  title   = {Contrastive Learning Based Recursive Dynamic Multi-Scale Network for Image Deraining},
  author  = {Jiang, Zhiying and Liu, Risheng and Yang, Shuzhou and Zhang, Zengxi and Fan, Xin},
  journal = {arXiv preprint arXiv:2305.18092},
  year    = {2023}
}"""

PRENET = """@inproceedings{ren2019prenet,
  title     = {Progressive Image Deraining Networks: A Better and Simpler Baseline},
  author    = {Ren, Dongwei and Zuo, Wangmeng and Hu, Qinghua and Zhu, Pengfei and Meng, Deyu},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {3937--3946},
  year      = {2019}
}"""

BRN = """@article{ren2020brn,
  title   = {Single Image Deraining Using Bilateral Recurrent Network},
  author  = {Ren, Dongwei and Shang, Wei and Zhu, Pengfei and Hu, Qinghua and Meng, Deyu and Zuo, Wangmeng},
  journal = {IEEE Transactions on Image Processing},
  volume  = {29},
  pages   = {6852--6863},
  year    = {2020}
}"""

ROM = """@article{lin2020rom,
  title   = {Rain O'er Me: Synthesizing Real Rain to Derain With Data Distillation},
  author  = {Lin, Huangxing and Li, Yanlong and Fu, Xueyang and Ding, Xinghao and Huang, Yue and
               Paisley, John},
  journal = {IEEE Transactions on Image Processing},
  volume  = {29},
  pages   = {7668--7680},
  year    = {2020}
}"""

SAPNET = """@inproceedings{zheng2022sapnet,
  title     = {{SAPNet}: Segmentation-Aware Progressive Network for Perceptual Contrastive Deraining},
  author    = {Zheng, Shen and Lu, Changjie and Wu, Yuxiong and Gupta, Gaurav},
  booktitle = {Proceedings of the IEEE/CVF Winter Conference on Applications of Computer Vision (WACV)
               Workshops},
  pages     = {52--62},
  year      = {2022}
}"""

SPANET = """@inproceedings{wang2019spanet,
  title     = {Spatial Attentive Single-Image Deraining With a High Quality Real Rain Dataset},
  author    = {Wang, Tianyu and Yang, Xin and Xu, Ke and Chen, Shaozhe and Zhang, Qiang and
               Lau, Rynson W. H.},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {12270--12279},
  year      = {2019}
}"""

UMRL = """@inproceedings{yasarla2019umrl,
  title     = {Uncertainty Guided Multi-Scale Residual Learning-Using a
               Cycle Spinning {CNN} for Single Image De-Raining},
  author    = {Yasarla, Rajeev and Patel, Vishal M.},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {8405--8414},
  year      = {2019}
}"""

RESTORMER = """@inproceedings{zamir2022restormer,
  title     = {Restormer: Efficient Transformer for High-Resolution Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and
               Khan, Fahad Shahbaz and Yang, Ming-Hsuan},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {5728--5739},
  year      = {2022}
}"""

MPRNET = """@inproceedings{zamir2021mprnet,
  title     = {Multi-Stage Progressive Image Restoration},
  author    = {Zamir, Syed Waqas and Arora, Aditya and Khan, Salman and Hayat, Munawar and
               Khan, Fahad Shahbaz and Yang, Ming-Hsuan and Shao, Ling},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {14821--14831},
  year      = {2021}
}"""

HINET = """@inproceedings{chen2021hinet,
  title     = {{HINet}: Half Instance Normalization Network for Image Restoration},
  author    = {Chen, Liangyu and Lu, Xin and Zhang, Jie and Chu, Xiaojie and Chen, Chengpeng},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)
               Workshops},
  pages     = {182--192},
  year      = {2021}
}"""

DRSFORMER = """@inproceedings{chen2023drsformer,
  title     = {Learning A Sparse Transformer Network for Effective Image Deraining},
  author    = {Chen, Xiang and Li, Hao and Li, Mingqiang and Pan, Jinshan},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {5896--5905},
  year      = {2023}
}"""

GUIDED = """@article{he2013guided,
  title   = {Guided Image Filtering},
  author  = {He, Kaiming and Sun, Jian and Tang, Xiaoou},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  volume  = {35},
  number  = {6},
  pages   = {1397--1409},
  year    = {2013}
}"""

BILATERAL = """@inproceedings{tomasi1998bilateral,
  title     = {Bilateral Filtering for Gray and Color Images},
  author    = {Tomasi, Carlo and Manduchi, Roberto},
  booktitle = {Proceedings of the Sixth International Conference on Computer Vision (ICCV)},
  pages     = {839--846},
  year      = {1998}
}"""
