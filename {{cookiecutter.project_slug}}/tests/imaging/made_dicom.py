"""DICOM files of made-up pixels, of a patient with a name."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from risk_model.signals.image_dicom import displayed, parse

NAME = "Mustermann"


def made(pixels: np.ndarray, **tags: Any) -> Dataset:
    """A data set of these stored values: 16 bits a pixel unless they are bytes."""
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID
    image.PatientName, image.PatientID, image.PatientAge, image.PatientSex = (
        f"{NAME}^Erika",
        "4711",
        "063Y",
        "F",
    )
    image.Rows, image.Columns = pixels.shape[:2]
    bits = pixels.dtype.itemsize * 8
    image.BitsAllocated = image.BitsStored = bits
    image.HighBit, image.SamplesPerPixel = bits - 1, 3 if pixels.ndim == 3 else 1
    image.PixelRepresentation = int(pixels.dtype.kind == "i")
    image.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        image.PlanarConfiguration = 0
    image.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(image, name, value)
    return image


def saved(image: Dataset) -> bytes:
    file = io.BytesIO()
    image.save_as(file, enforce_file_format=True)
    return file.getvalue()


def shown(image: Dataset) -> np.ndarray:
    return displayed(parse(saved(image), ""), "")[0]


RAMP = np.arange(64, dtype=np.uint16).reshape(8, 8) * 100
