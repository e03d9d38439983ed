"""Where one page of a list ends, and the next begins."""

from similarity_client.answers import Page
from similarity_client.calls.many import Order, images_page
from similarity_client.errors import OtherModel
from similarity_client.request import Request


class Pages:
    """The pages of the images, or of those of a keyword; `request` asks for the next one, if any.

    Args:
        limit: of images on a page.
    """

    def __init__(
        self,
        keyword: str | None,
        min_score: float | None,
        order: Order | None,
        limit: int | None,
        timeout: float | None,
    ) -> None:
        self._keyword = keyword
        self._given = (min_score, order, limit, timeout)
        self._model: int | None = None
        self.request: Request[Page] | None = self._at(None)

    def turn(self, page: Page) -> None:
        """Goes on after a page.

        Raises:
            OtherModel: another version has come into use, whose keywords are others: begin again.
        """
        model = page.meta.model_version
        if self._model not in (None, model):
            raise OtherModel(f"version {model} came into use between two pages: begin again")
        self._model = model
        self.request = None if page.next is None else self._at(page.next)

    def _at(self, after: int | str | None) -> Request[Page]:
        min_score, order, limit, timeout = self._given
        return images_page(
            keyword=self._keyword,
            min_score=min_score,
            order=order,
            after=after,
            limit=limit,
            timeout=timeout,
        )
