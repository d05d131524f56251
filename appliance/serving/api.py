"""Deployments and the routes to them. The gateway's addresses stand in ``gateway``: they are not FastAPI's."""

from fastapi import APIRouter

from appliance.serving import api_deployments, api_routes

router = APIRouter(tags=["serving"])

for each in (api_deployments.router, api_routes.router):
    router.include_router(each)
