"""What an operator does to routes: lead them somewhere, try something out on a share, promote it, roll back, delete."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from appliance.audit.service import Audit
from appliance.catalog.adapters import Adapter
from appliance.catalog.errors import AdapterNotFound
from appliance.drivers.vllm.arguments import parse
from appliance.serving import repository
from appliance.serving.adapters import Adapters
from appliance.serving.errors import DeploymentNotFound, NothingFormer, RouteNotFound, RouteRefused
from appliance.serving.routes import Lead, Route, view
from appliance.serving.tables import DeploymentRow, RouteRow
from appliance.tenants import etags
from appliance.tenants.service import Tenants


@dataclass(frozen=True, slots=True)
class Aim:
    """Where a route shall lead and for whom. ``tenants`` None: for everyone, or for the adapter's tenant alone."""

    lead: Lead
    fallback: UUID | None = None
    tenants: frozenset[UUID] | None = None


class Leading:
    """Works in an operator's transaction."""

    def __init__(self, session: Session, audit: Audit, known: Adapters) -> None:
        self._session = session
        self._audit = audit
        self._known = known

    def set(self, name: str, if_match: str | None, aim: Aim) -> Route:
        """Make a route, or lead one elsewhere as soon as every engine there has what it needs.

        Raises ``DeploymentNotFound``, ``AdapterNotFound``, ``RouteRefused``; a change needs its ETag.
        """
        row = repository.route(self._session, name, lock=True)
        if row is not None:
            etags.check(row.version, if_match)
        adapter = self._fits(aim.lead)
        if aim.fallback is not None:
            self._deployment(aim.fallback)
        tenants = self._tenants(aim.tenants, adapter)
        if row is None:
            row = RouteRow(name=name, deployment_id=aim.lead.deployment, adapter_id=aim.lead.adapter)
            self._session.add(row)
        else:
            self._next(row, aim.lead)
        row.fallback_deployment_id, row.everyone = aim.fallback, tenants is None
        self._session.flush()
        repository.let_tenants(self._session, name, tenants or ())
        return self._changed(row, "route.set")

    def canary(self, name: str, if_match: str | None, lead: Lead | None, percent: int) -> Route:
        """Let ``percent`` of conversations be answered by another lead; None or 0 ends that."""
        row = self._row(name, if_match)
        if lead is None or not percent:
            row.canary_deployment_id, row.canary_adapter_id, row.canary_percent = None, None, 0
        else:
            self._same_tenants(row, self._fits(lead))
            row.canary_deployment_id, row.canary_adapter_id, row.canary_percent = lead.deployment, lead.adapter, percent
        return self._changed(row, "route.canary")

    def promote(self, name: str, if_match: str | None) -> Route:
        """What was on trial answers everyone. Raises ``RouteRefused`` where nothing is."""
        row = self._row(name, if_match)
        if row.canary_deployment_id is None:
            raise RouteRefused(f"nothing is on trial on route {name}")
        self._next(row, Lead(row.canary_deployment_id, row.canary_adapter_id))
        return self._changed(row, "route.promote")

    def undo(self, name: str, if_match: str | None) -> Route:
        """What answered before the last flip answers again, and nothing is on trial. Raises ``NothingFormer``."""
        row = self._row(name, if_match)
        if row.former is None:
            raise NothingFormer(f"route {name} has led nowhere else")
        former = Lead.of(row.former)
        self._same_tenants(row, self._fits(former))
        row.canary_deployment_id, row.canary_adapter_id, row.canary_percent = None, None, 0
        self._next(row, former)
        return self._changed(row, "route.rollback")

    def delete(self, name: str) -> None:
        """Forget it: a request for it is not found."""
        self._session.delete(self._row(name))
        self._session.flush()
        self._audit.record("route.delete", name)

    @staticmethod
    def _next(row: RouteRow, lead: Lead) -> None:
        """Lead there once it is ready; at once where it leads there already."""
        same = lead == Lead(row.deployment_id, row.adapter_id)
        row.next_deployment_id = None if same else lead.deployment
        row.next_adapter_id = None if same else lead.adapter

    def _fits(self, lead: Lead) -> Adapter | None:
        """The lead's adapter, if it can be loaded there."""
        deployment = self._deployment(lead.deployment)
        if lead.adapter is None:
            return None
        adapter = self._known(self._session, {lead.adapter}).get(lead.adapter)
        if adapter is None or not adapter.usable:
            raise AdapterNotFound
        engine = parse(deployment.engine)
        if adapter.base != deployment.model_version_id:
            raise RouteRefused(f"adapter {adapter.name} is for another version than {deployment.name} runs")
        if not engine.adapters:
            raise RouteRefused(f"deployment {deployment.name} loads no adapters: set its engine's 'adapters'")
        if adapter.rank > engine.adapter_rank:
            raise RouteRefused(
                f"adapter {adapter.name} has rank {adapter.rank}, deployment {deployment.name} takes"
                f" {engine.adapter_rank}: set its engine's 'adapter_rank'"
            )
        return adapter

    def _tenants(self, given: frozenset[UUID] | None, adapter: Adapter | None) -> frozenset[UUID] | None:
        """For whom the route is: with an adapter for its tenant and for nobody else."""
        if adapter is not None:
            if given not in (None, frozenset({adapter.tenant})):
                raise RouteRefused(f"adapter {adapter.name} belongs to another tenant than the route is for")
            return frozenset({adapter.tenant})
        for tenant in given or ():
            Tenants(self._session).show(tenant)
        return given

    def _same_tenants(self, row: RouteRow, adapter: Adapter | None) -> None:
        allowed = repository.tenants_of_routes(self._session).get(row.name, frozenset())
        if adapter is not None and (row.everyone or allowed != {adapter.tenant}):
            raise RouteRefused(f"adapter {adapter.name} belongs to one tenant, and route {row.name} is for others")

    def _deployment(self, deployment: UUID) -> DeploymentRow:
        row = repository.deployment(self._session, deployment)
        if row is None:
            raise DeploymentNotFound
        return row

    def _row(self, name: str, if_match: str | None = "*") -> RouteRow:
        row = repository.route(self._session, name, lock=True)
        if row is None:
            raise RouteNotFound(f"there is no route {name!r}")
        etags.check(row.version, if_match)
        return row

    def _changed(self, row: RouteRow, action: str) -> Route:
        row.version += 1
        self._session.flush()
        lead = Lead(row.deployment_id, row.adapter_id)
        if row.next_deployment_id is not None:
            lead = Lead(row.next_deployment_id, row.next_adapter_id)
        self._audit.record(
            action,
            row.name,
            deployment=str(lead.deployment),
            adapter=str(lead.adapter) if lead.adapter else None,
            canary=str(row.canary_deployment_id) if row.canary_deployment_id else None,
            percent=row.canary_percent,
        )
        return view(row, repository.tenants_of_routes(self._session).get(row.name, frozenset()))
