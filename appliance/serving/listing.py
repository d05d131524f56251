"""The models that a key may name, in the form of OpenAI's API."""

from typing import Any

from appliance.access.principal import Principal
from appliance.kit import offload
from appliance.serving import schemas
from appliance.serving.errors import RouteNotFound
from appliance.serving.service import Engines
from appliance.serving.vectors import Embeddings


async def models(state: Any, principal: Principal, name: str | None) -> schemas.RouteList | schemas.RouteView:  # noqa: ANN401 - Starlette's State
    """All of them, or the one of this name. Raises :class:`RouteNotFound`, for one that the key may not use too."""
    engines: Engines = state.engines
    embeddings: Embeddings = state.embeddings
    targets = await offload.run(engines.directory.all, principal.tenant)
    views = [schemas.RouteView(id=target.route, created=int(target.created_at.timestamp())) for target in targets]
    if embeddings.encoding is not None:
        created = int(embeddings.encoding.created_at.timestamp())
        views.append(schemas.RouteView(id=embeddings.encoding.name, created=created))
    usable = [view for view in views if principal.may_use(view.id)]
    if name is None:
        return schemas.RouteList(data=usable)
    for view in usable:
        if view.id == name:
            return view
    raise RouteNotFound(f"there is no model {name!r}")
