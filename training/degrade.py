"""Makes the low-resolution picture that the network learns to undo, and the bicubic twin it is compared with.

This is MATLAB's imresize(…, 'bicubic') in plain numpy: the kernel is stretched when reducing (antialiasing), samples sit
at pixel centres and the border is mirrored. Published super-resolution figures all rest on exactly this reduction: with
another one (half a pixel off, no antialiasing) every PSNR below would be incomparable. `python degrade.py FOLDER` prints
the bicubic PSNR of a folder; Set5 must give 33.66 at x2 and 28.42 at x4, to a few hundredths.
"""

import functools

import numpy as np


def cubic(x):
    """Keys' cubic convolution kernel with a = −0.5."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


@functools.lru_cache(maxsize=256)
def resize_matrix(length_in, length_out):
    """The resize of one axis as a matrix of [length_out, length_in]; each row sums to 1."""
    ratio = length_out / length_in
    stretch = max(1.0, 1.0 / ratio)
    centre = (np.arange(length_out) + 0.5) / ratio - 0.5
    taps = int(np.ceil(4 * stretch)) + 2
    first = np.floor(centre - 2 * stretch).astype(int)
    index = first[:, None] + np.arange(taps)[None, :]
    weight = cubic((centre[:, None] - index) / stretch)
    weight /= weight.sum(axis=1, keepdims=True)
    mirrored = np.mod(index, 2 * length_in)
    mirrored = np.where(mirrored >= length_in, 2 * length_in - 1 - mirrored, mirrored)
    matrix = np.zeros((length_out, length_in))
    np.add.at(matrix, (np.arange(length_out)[:, None], mirrored), weight)
    return matrix.astype(np.float32)


def resize(picture, height, width):
    """Resizes a uint8 picture of [height, width, 3]; rounds to uint8 as MATLAB does."""
    rows = resize_matrix(picture.shape[0], height)
    columns = resize_matrix(picture.shape[1], width)
    planes = picture.astype(np.float32).transpose(2, 0, 1)
    resized = rows @ planes @ columns.T
    return np.clip(np.rint(resized), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def crop_to_multiple(picture, scale):
    """Cuts right and bottom so that both sides divide by the scale."""
    height, width = (side - side % scale for side in picture.shape[:2])
    return picture[:height, :width]


def reduce(picture, scale):
    """The low-resolution picture; both sides must divide by the scale."""
    return resize(picture, picture.shape[0] // scale, picture.shape[1] // scale)


def enlarge_bicubic(picture, scale):
    return resize(picture, picture.shape[0] * scale, picture.shape[1] * scale)


if __name__ == "__main__":
    import sys

    from evaluate import bicubic_psnr

    for scale in (2, 4, 8):
        print(f"x{scale}: bicubic {bicubic_psnr(sys.argv[1], scale):.2f} dB")
