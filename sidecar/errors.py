"""The errors of the service, and the package in which each arises on the path of an image.

    http ──► images ──► models ──► catalogue ──► tasks ──► index ──► search
      │         │          │           │           │         │          │
      │         │          │           │           │         │          └ FeaturesMissing,
      │         │          │           │           │         │            OtherModel, RegionsMissing
      │         │          │           │           │         └ NoIndex, IndexAhead, IndexDamaged,
      │         │          │           │           │           DeviceUnavailable,
      │         │          │           │           │           IndexEngineUnavailable
      │         │          │           │           ├ UnknownTask, TaskFinished, TaskLost, TaskWaits
      │         │          │           │           ├ UnknownVersion, SwitchRefused
      │         │          │           │           └ NoSamples, NeedMoreSamples, WorkerLost,
      │         │          │           │             QueueUnavailable
      │         │          │           ├ DuplicateId, SimilarImage, UnknownImage, NoOriginal
      │         │          │           └ StorageFull, CatalogueUnavailable, CatalogueDamaged,
      │         │          │             PicturesStoreUnavailable
      │         │          └ FeaturesUnavailable, ModelRefused, ModelReplaced
      │         └ WrongArguments (an id), ImageUnreadable, ImageTooLarge, ArchiveUnreadable,
      │           BatchTooLarge, TooBusy (the budget of decoding)
      ├ TooBusy, KeyRequired, ScopeMissing, ForeignPage, UnknownHost, RateLimited,
      │ RequestTimeout, RequestBroken, MalformedRequest, BatchStopped
      └ WrongArguments, DataRequired, ImageTooLarge, BatchTooLarge

Beside the path: SettingsError at the start, BackupRefused and RepairRefused in operations.

`word` of an error is what a client gets in `message`; its text is the sentence in `detail`. Nothing
here knows HTTP: `http/error_handlers.py` holds the one table from errors to statuses.
"""


class SimilarityError(Exception):
    """All errors that this service raises on purpose derive from this one."""

    word = "unknown_error"


class SettingsError(SimilarityError):
    """Settings in the environment break their rules; the text has a line for each."""

    word = "wrong_settings"


class TooBusy(SimilarityError):
    """As many requests are in flight, or images being decoded, as the limits allow."""

    word = "too_busy"


class KeyRequired(SimilarityError):
    """The request has no API key, or an unknown one."""

    word = "key_required"


class ScopeMissing(SimilarityError):
    """The API key lacks the scope of this call."""

    word = "scope_missing"


class ForeignPage(SimilarityError):
    """A web page of another site asks for a change."""

    word = "foreign_page"


class UnknownHost(SimilarityError):
    """The request is for a host that is not this service."""

    word = "unknown_host"


class RateLimited(SimilarityError):
    """The API key sends more than its rate; after `retry_after_s` seconds one more is let in."""

    word = "rate_limited"

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class RequestTimeout(SimilarityError):
    """The request did not arrive in time."""

    word = "request_timeout"


class RequestBroken(SimilarityError):
    """The client ended the connection in the middle of the body, or cut its chunks wrong."""

    word = "request_broken"


class MalformedRequest(SimilarityError):
    """What has come is not HTTP, or its head is over a limit; no call has seen it."""

    word = "malformed_request"


class WrongArguments(SimilarityError):
    """An id or a query parameter breaks its rule."""

    word = "wrong_arguments_format"


class DataRequired(SimilarityError):
    """The request has no multipart field `data`, or an empty one."""

    word = "data_payload_required"


class ImageUnreadable(SimilarityError):
    """The bytes are no image of a supported format, or are cut short."""

    word = "image_reading_error"


class ImageTooLarge(SimilarityError):
    """The upload is over MAX_IMAGE_BYTES, or the image over MAX_IMAGE_PIXELS, or it takes more
    memory or time to decode than is allowed."""

    word = "image_too_large"


class ArchiveUnreadable(SimilarityError):
    """An archive is damaged, of a kind that is not read, or made to do harm."""

    word = "archive_reading_error"


class BatchTooLarge(SimilarityError):
    """A batch is over MAX_BATCH_BYTES, as it comes or unpacked, or over MAX_BATCH_FILES."""

    word = "batch_too_large"


class BatchStopped(SimilarityError):
    """The service restarts and ended a batch; what has no line in the answer was not added."""

    word = "batch_stopped"


class FeaturesUnavailable(SimilarityError):
    """Triton is away, too slow, or does not serve the version in use; worth trying again."""

    word = "model_unavailable"


class ModelRefused(SimilarityError):
    """A version does not keep its contract, or is not the one that the catalogue was made with."""

    word = "model_refused"


class UnknownVersion(SimilarityError):
    """The model repository has no version of this number."""

    word = "unknown_version"


class SwitchRefused(SimilarityError):
    """An upgrade, rollback or retirement makes no sense as things are; nothing was changed."""

    word = "switch_refused"


class ModelReplaced(FeaturesUnavailable):
    """The model was replaced while an image was embedded, which lacks features of the new one."""


class DuplicateId(SimilarityError):
    """The id is in use; `identical` is whether by the very same upload."""

    word = "duplicate_image_id"

    def __init__(self, detail: str, identical: bool) -> None:
        super().__init__(detail)
        self.identical = identical


class SimilarImage(SimilarityError):
    """The image is stored already, under another id, and was to be the only one of it.

    Args:
        image_id: of the one that is stored.
        dist: the squared L2 distance of both.
        probability: that they are the same, 0..1; None where fewer than ten others are there to
            compare with.
    """

    word = "similar_image"

    def __init__(self, image_id: str, dist: float, probability: float | None) -> None:
        super().__init__(f"the image is stored already, as {image_id}")
        self.image_id = image_id
        self.dist = dist
        self.probability = probability


class StorageFull(SimilarityError):
    """The volume has no room; nothing was stored."""

    word = "storage_full"


class CatalogueUnavailable(SimilarityError):
    """The database can't be read or written just now; nothing was stored."""

    word = "catalogue_unavailable"


class CatalogueDamaged(SimilarityError):
    """The stored bytes of an image are not those that were written; the text names the image."""

    word = "catalogue_damaged"


class PicturesStoreUnavailable(SimilarityError):
    """The object store of the images (PICTURES_STORE) can't be reached, or refuses; nothing was
    stored. Worth trying again."""

    word = "pictures_store_unavailable"


class UnknownImage(SimilarityError):
    """No image has this id."""

    word = "unknown_image_id"


class NoOriginal(SimilarityError):
    """The upload of this image was not kept."""

    word = "no_original"


class UnknownTask(SimilarityError):
    """No task has this id."""

    word = "unknown_task_id"


class TaskFinished(SimilarityError):
    """The task has ended already and can't be cancelled."""

    word = "task_finished"


class TaskLost(SimilarityError):
    """The task was cancelled, or another attempt owns it: this attempt must publish nothing."""

    word = "cancelled"


class TaskWaits(TaskLost):
    """A long task lets a training or an update go first, and goes on afterwards where it was."""

    word = "waiting"


class WorkerLost(SimilarityError):
    """The worker died during the task, in each attempt."""

    word = "worker_lost"


class NoSamples(SimilarityError):
    """A training was requested before any image was added."""

    word = "no samples"


class NeedMoreSamples(SimilarityError):
    """A training was requested with fewer images than it needs."""

    word = "need more samples"


class DeviceUnavailable(SimilarityError):
    """The settings ask for a GPU, and FAISS finds none."""

    word = "device_unavailable"


class FeaturesMissing(SimilarityError):
    """The model of the index has made no features of this stored image yet."""

    word = "no_features"


class RegionsMissing(SimilarityError):
    """The version in use was exported without `--explain`, so it can't say what matches where."""

    word = "no_regions"


class OtherModel(SimilarityError):
    """The vector of a search is of another version of the model than the one searched with."""

    word = "other_model"


class NoIndex(SimilarityError):
    """An update or a search was requested before the first training."""

    word = "no index, train first"


class IndexAhead(NoIndex):
    """The catalogue went back, and no generation is left that it has everything of."""


class IndexDamaged(SimilarityError):
    """No generation of the index can be opened."""

    word = "index_damaged"


class IndexStoreUnavailable(SimilarityError):
    """The object store of the index (INDEX_STORE) can't be reached, or refuses; or this host has
    not fetched a generation from it yet. A task may end so; no request does."""

    word = "index_store_unavailable"


class IndexEngineUnavailable(SimilarityError):
    """Milvus (INDEX_ENGINE) does not answer, or refuses; worth trying again."""

    word = "index_engine_unavailable"


class BackupRefused(SimilarityError):
    """A backup can't be made or restored at this place; nothing was changed."""

    word = "backup_refused"


class RepairRefused(SimilarityError):
    """The index can't be made again just now; nothing was changed."""

    word = "repair_refused"


class QueueUnavailable(SimilarityError):
    """Redis is away; tasks wait in the catalogue until it is back."""

    word = "queue_unavailable"
