"""What looks at a restored image: detectors, segmenters, and the measures PSNR and SSIM."""
