"""A page of a shop: each product with those that look most like it, by FastAPI.

uvicorn examples.shop:app      SIMILARITY_URL, SIMILARITY_KEY in the environment

The key stays here: browsers ask this page, and it asks the service.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from html import escape
from urllib.parse import quote

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response
from similarity_client import AsyncSimilarity
from similarity_client.errors import UnknownImageId

MOST = 24
STYLE = "<style>body{font-family:sans-serif;margin:2em} img{height:9em;margin:4px}</style>"


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[None]:
    """Keeps one client, with its connections, as long as the page is served."""
    async with AsyncSimilarity() as app.state.similarity:
        yield


app = FastAPI(lifespan=opened)


def gallery(title: str, ids: Iterable[str]) -> HTMLResponse:
    """Returns a page of photos, each a link to its product."""
    photos = "".join(
        f'<a href="/product/{quote(each, safe="")}" title="{escape(each)}">'
        f'<img src="/photo/{quote(each, safe="")}" alt="{escape(each)}"></a>'
        for each in ids
    )
    return HTMLResponse(f"<!doctype html>{STYLE}<h1>{escape(title)}</h1>{photos}")


@app.get("/")
async def products() -> HTMLResponse:
    """Shows some products."""
    page = await app.state.similarity.images_page(limit=MOST)
    return gallery("Products", (image.id for image in page.images))


@app.get("/product/{image_id}")
async def product(image_id: str) -> HTMLResponse:
    """Shows a product, and those like it: the service has its features, so nothing is uploaded."""
    try:
        found = await app.state.similarity.search(id=image_id, num_results=MOST)
    except UnknownImageId as error:
        raise HTTPException(404, error.detail) from error
    return gallery(f"Like {image_id}", [image_id, *found.result])


@app.get("/photo/{image_id}")
async def photo(image_id: str) -> Response:
    """Passes a product's photo on, and lets the browser keep it for an hour."""
    file = await app.state.similarity.thumbnail(image_id)
    return Response(file.content, 200, {"Cache-Control": "max-age=3600"}, file.kind)
