"""What can go wrong on the path of an image, and on which arrow.

    upload ──► images ──► features ──► catalogue ──► jobs ──► index ──► generations ──► search
       │          │           │            │           │                    │
       │          │           │            │           └ QueueUnavailable   └ NoIndex, IndexDamaged,
       │          │           │            │           │                      FeaturesMissing
       │          │           │            ├ DuplicateId, UnknownImage, NoOriginal
       │          │           │            ├ StorageFull, CatalogueUnavailable, CatalogueDamaged
       │          │           │            └ UnknownTask, TaskFinished, TaskLost, TaskWaits,
       │          │           │              WorkerLost, NoSamples, NeedMoreSamples,
       │          │           │              DeviceUnavailable
       │          │           └ FeaturesUnavailable, ModelRefused, ModelReplaced,
       │          │             UnknownVersion, SwitchRefused
       │          └ ImageUnreadable, ImageTooLarge
       ├ TooBusy, KeyRequired, ScopeMissing, RequestTimeout
       └ WrongArguments, DataRequired, ImageTooLarge, ArchiveUnreadable, BatchTooLarge

Each error carries the `word` that a client sees in `message`; its own text is the sentence in
`detail`. Nothing here knows HTTP: `answers.py` holds the one table from errors to status codes.
"""


class SimilarityError(Exception):
    """The root of all that this service raises on purpose."""

    word = "unknown_error"


class SettingsError(SimilarityError):
    """A setting in the environment is out of its range; the text has one line for each."""

    word = "wrong_settings"


class TooBusy(SimilarityError):
    """As many requests are in hand as may be."""

    word = "too_busy"


class KeyRequired(SimilarityError):
    """The request has no key, or one that is not known."""

    word = "key_required"


class ScopeMissing(SimilarityError):
    """The key is not for calls of this kind."""

    word = "scope_missing"


class RequestTimeout(SimilarityError):
    """The request did not arrive in time."""

    word = "request_timeout"


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
    """The upload has more bytes, or the image more pixels, than the settings allow."""

    word = "image_too_large"


class ArchiveUnreadable(SimilarityError):
    """An archive is damaged, of another kind than tar or zip, or made to do harm."""

    word = "archive_reading_error"


class BatchTooLarge(SimilarityError):
    """A batch has more bytes, as it comes or unpacked, than the settings allow."""

    word = "batch_too_large"


class FeaturesUnavailable(SimilarityError):
    """Triton is away, is too slow, or does not serve the version in use; worth trying again."""

    word = "model_unavailable"


class ModelRefused(SimilarityError):
    """A version is not the model that it says it is, or that the catalogue was made with."""

    word = "model_refused"


class UnknownVersion(SimilarityError):
    """The model repository has no version of this number."""

    word = "unknown_version"


class SwitchRefused(SimilarityError):
    """An upgrade, a rollback or a retirement makes no sense as things are; nothing was changed."""

    word = "switch_refused"


class ModelReplaced(FeaturesUnavailable):
    """The model came out of use while an image was on its way, which has no features of the new."""


class DuplicateId(SimilarityError):
    """The id is in use; `identical` says whether by the very same upload."""

    word = "duplicate_image_id"

    def __init__(self, detail: str, identical: bool) -> None:
        super().__init__(detail)
        self.identical = identical


class StorageFull(SimilarityError):
    """The volume has no room; nothing was stored."""

    word = "storage_full"


class CatalogueUnavailable(SimilarityError):
    """The database could not be read or written just now; nothing was stored."""

    word = "catalogue_unavailable"


class CatalogueDamaged(SimilarityError):
    """What is stored of an image is not what was stored; the text names it."""

    word = "catalogue_damaged"


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
    """A long task lets a training or an update go first; it goes on where it was after that."""

    word = "waiting"


class WorkerLost(SimilarityError):
    """The worker died in the middle of the task, each time that it was tried."""

    word = "worker_lost"


class NoSamples(SimilarityError):
    """A training was asked for, and nothing has been added."""

    word = "no samples"


class NeedMoreSamples(SimilarityError):
    """A training was asked for with fewer images than it takes."""

    word = "need more samples"


class DeviceUnavailable(SimilarityError):
    """The settings ask for a GPU, and FAISS finds none."""

    word = "device_unavailable"


class FeaturesMissing(SimilarityError):
    """The model that is searched with has made no features of this stored image yet."""

    word = "no_features"


class NoIndex(SimilarityError):
    """An update or a search was asked for before the first training."""

    word = "no index, train first"


class IndexDamaged(SimilarityError):
    """No generation of the index can be opened."""

    word = "index_damaged"


class BackupRefused(SimilarityError):
    """A backup can't be made or restored there; nothing was changed."""

    word = "backup_refused"


class RepairRefused(SimilarityError):
    """The index can't be made again just now; nothing was changed."""

    word = "repair_refused"


class QueueUnavailable(SimilarityError):
    """Redis is away. Tasks wait in the catalogue until it is back."""

    word = "queue_unavailable"
