"""The errors of a request that is wrong by itself: 400 to 408, 413."""

from similarity_client.errors.base import SimilarityError


class WrongArgumentsFormat(SimilarityError):
    """An id or a parameter breaks its rule, is unknown, or was given twice."""

    word = "wrong_arguments_format"


class DataPayloadRequired(SimilarityError):
    """There was no image, or an empty one."""

    word = "data_payload_required"


class ImageReadingError(SimilarityError):
    """It is no image, of a format that is not read, or cut short."""

    word = "image_reading_error"


class ArchiveReadingError(SimilarityError):
    """A batch is no archive that is read, is damaged, or is made to do harm."""

    word = "archive_reading_error"


class RequestBroken(SimilarityError):
    """The connection ended in the middle of the body."""

    word = "request_broken"


class MalformedRequest(SimilarityError):
    """What has come is not HTTP: mostly a proxy's doing."""

    word = "malformed_request"


class KeyRequired(SimilarityError):
    """There was no key, or an unknown one, where the service asks for one."""

    word = "key_required"


class ForeignPage(SimilarityError):
    """A web page of another site asked for a change; no client of this library does."""

    word = "foreign_page"


class UnknownHost(SimilarityError):
    """The service does not have the name by which it was called; see its HOST_NAMES."""

    word = "unknown_host"


class ScopeMissing(SimilarityError):
    """The key is not for calls of this kind."""

    word = "scope_missing"


class UnknownImageId(SimilarityError):
    """No image has this id."""

    word = "unknown_image_id"


class NoOriginal(SimilarityError):
    """The upload of this image was not kept."""

    word = "no_original"


class UnknownTaskId(SimilarityError):
    """No task has this id."""

    word = "unknown_task_id"


class UnknownVersion(SimilarityError):
    """No version of the model has this number."""

    word = "unknown_version"


class UnknownPath(SimilarityError):
    """The service has no such call: it is older, or the URL is another one's."""

    word = "unknown_path"


class MethodNotAllowed(SimilarityError):
    """The call wants another method."""

    word = "method_not_allowed"


class RequestTimeout(SimilarityError):
    """The request did not arrive in the service's time."""

    word = "request_timeout"


class ImageTooLarge(SimilarityError):
    """The image has more bytes or pixels, or more work, than the service allows."""

    word = "image_too_large"


class BatchTooLarge(SimilarityError):
    """The batch has more bytes or files than the service allows."""

    word = "batch_too_large"
