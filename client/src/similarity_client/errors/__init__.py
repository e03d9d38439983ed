"""What goes wrong: a class for each word by which the service names an error.

    try:
        similarity.add("cat.jpg", id="cat-1")
    except DuplicateImageId as error:
        print(error.detail)

All derive from SimilarityError.
"""

from similarity_client.errors.base import ServiceAway, SimilarityError, error_of
from similarity_client.errors.refused import (
    ArchiveReadingError,
    BatchTooLarge,
    DataPayloadRequired,
    ImageReadingError,
    ImageTooLarge,
    KeyRequired,
    MalformedRequest,
    MethodNotAllowed,
    NoOriginal,
    RequestBroken,
    RequestTimeout,
    ScopeMissing,
    UnknownImageId,
    UnknownPath,
    UnknownTaskId,
    UnknownVersion,
    WrongArgumentsFormat,
)
from similarity_client.errors.state import (
    BatchStopped,
    CatalogueDamaged,
    CatalogueUnavailable,
    DuplicateImageId,
    IndexDamaged,
    ModelRefused,
    ModelUnavailable,
    NeedMoreSamples,
    NoFeatures,
    NoIndexTrainFirst,
    NoSamples,
    OtherModel,
    RateLimited,
    StorageFull,
    SwitchRefused,
    TaskFinished,
    TooBusy,
    UnknownError,
)

__all__ = [
    "ArchiveReadingError",
    "BatchStopped",
    "BatchTooLarge",
    "CatalogueDamaged",
    "CatalogueUnavailable",
    "DataPayloadRequired",
    "DuplicateImageId",
    "ImageReadingError",
    "ImageTooLarge",
    "IndexDamaged",
    "KeyRequired",
    "MalformedRequest",
    "MethodNotAllowed",
    "ModelRefused",
    "ModelUnavailable",
    "NeedMoreSamples",
    "NoFeatures",
    "NoIndexTrainFirst",
    "NoOriginal",
    "NoSamples",
    "OtherModel",
    "RateLimited",
    "RequestBroken",
    "RequestTimeout",
    "ScopeMissing",
    "ServiceAway",
    "SimilarityError",
    "StorageFull",
    "SwitchRefused",
    "TaskFinished",
    "TooBusy",
    "UnknownError",
    "UnknownImageId",
    "UnknownPath",
    "UnknownTaskId",
    "UnknownVersion",
    "WrongArgumentsFormat",
    "error_of",
]
