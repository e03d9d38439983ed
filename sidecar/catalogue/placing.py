"""The bytes of new images on their way into PICTURES_STORE: there before the commit that names
them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sidecar.catalogue.new_image import NewImage
from sidecar.catalogue.picture_objects import JPEGS, UPLOADS, PictureObjects


def placed(objects: PictureObjects, images: Sequence[NewImage]) -> list[NewImage]:
    """Returns images with the names of their objects, which are on the store's disk by then; as
    they came, where PICTURES_STORE is empty.

    To be called in no transaction, nor by who leads a commit: all other adds would wait.

    Raises:
        PicturesStoreUnavailable: nothing is to be stored.
    """
    if not objects.is_used:
        return list(images)
    jpegs = [(JPEGS, image.jpeg) for image in images]
    kept = [(place, image.original) for place, image in enumerate(images)]
    uploads = [(place, original) for place, original in kept if original is not None]
    names = objects.put_all([*jpegs, *((UPLOADS, original) for _, original in uploads)])
    by_place = dict(zip((place for place, _ in uploads), names[len(jpegs) :], strict=True))
    return [
        replace(image, jpeg_object=name, original_object=by_place.get(place))
        for place, (image, name) in enumerate(zip(images, names, strict=False))
    ]


def take_back(objects: PictureObjects, images: Iterable[NewImage]) -> None:
    """Deletes the objects of images that the catalogue refused, as far as the store lets it."""
    objects.try_delete([name for image in images for name in image.objects])
