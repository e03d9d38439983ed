"""The errors of how things are just now: 409, 429, 500 to 507."""

from similarity_client.errors.base import SimilarityError


class DuplicateImageId(SimilarityError):
    """The id is in use, by another image than this."""

    word = "duplicate_image_id"


class SimilarImage(SimilarityError):
    """The image was to be the only one of it, and is stored already: `answer["similar_to"]` has the
    `id` of that one, their `dist`, and the `probability` that they are the same."""

    word = "similar_image"


class NoSamples(SimilarityError):
    """A training was asked for, and nothing has been added."""

    word = "no samples"


class NeedMoreSamples(SimilarityError):
    """A training was asked for with fewer than 1,000 images."""

    word = "need more samples"


class NoIndexTrainFirst(SimilarityError):
    """An update or a search needs a training first."""

    word = "no index, train first"


class NoFeatures(SimilarityError):
    """The model in use has made no features of this image yet."""

    word = "no_features"


class NoRegions(SimilarityError):
    """The version of the model in use was exported without `--explain`."""

    word = "no_regions"


class OtherModel(SimilarityError):
    """Features are of another version of the model than the one in use."""

    word = "other_model"


class TaskFinished(SimilarityError):
    """A task that has ended can't be cancelled."""

    word = "task_finished"


class SwitchRefused(SimilarityError):
    """An upgrade, rollback or retirement makes no sense now."""

    word = "switch_refused"


class RateLimited(SimilarityError):
    """The key has sent more than its rate allows."""

    word = "rate_limited"


class BatchStopped(SimilarityError):
    """The service restarts: what has no line in the answer was not added."""

    word = "batch_stopped"


class TooBusy(SimilarityError):
    """The service has as many requests as it takes at once."""

    word = "too_busy"


class ModelUnavailable(SimilarityError):
    """Triton is away or too slow."""

    word = "model_unavailable"


class ModelRefused(SimilarityError):
    """A version of the model is not what it says it is."""

    word = "model_refused"


class CatalogueUnavailable(SimilarityError):
    """The database can't be read or written just now."""

    word = "catalogue_unavailable"


class PicturesStoreUnavailable(SimilarityError):
    """The object store of the images can't be reached; nothing was stored."""

    word = "pictures_store_unavailable"


class IndexDamaged(SimilarityError):
    """No generation of the index can be opened."""

    word = "index_damaged"


class IndexEngineUnavailable(SimilarityError):
    """Milvus, which has the features of the index, does not answer."""

    word = "index_engine_unavailable"


class CatalogueDamaged(SimilarityError):
    """What is stored of an image is not what was stored."""

    word = "catalogue_damaged"


class StorageFull(SimilarityError):
    """No room on the service's volume; nothing was stored."""

    word = "storage_full"


class UnknownError(SimilarityError):
    """A bug of the service; its log has it under the request id."""

    word = "unknown_error"
