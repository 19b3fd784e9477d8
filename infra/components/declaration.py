"""What all components share: the plan's names and markers, and the options every object gets."""

from __future__ import annotations

from pulumi import Resource, ResourceOptions

from infra.planned import PlannedObject, planned_objects
from infra.stackplan import MARKER_PREFIX, TERM_KEY, StackPlan, marker


class Declaration:
    """Of one plan. Markers come from the plan's own objects; inputs are derived by the components."""

    def __init__(self, plan: StackPlan) -> None:
        self.prefix = plan.origin.name
        self._uid = plan.origin.uid
        self._planned = planned_objects(plan)

    def planned(self, name: str) -> PlannedObject:
        """What the plan says of an object."""
        return self._planned[name]

    def marker(self, name: str) -> str:
        """Neutron's `description`."""
        return marker(self._uid, name, self._planned[name].fingerprint)

    def metadata(self, name: str) -> dict[str, str]:
        """Nova's and Cinder's `metadata`."""
        term = self._planned[name].inputs.get("term")
        return {MARKER_PREFIX: self.marker(name)} | ({} if term is None else {TERM_KEY: str(term)})

    @staticmethod
    def options(parent: Resource) -> ResourceOptions:
        """Replacing always deletes first: as an option, because not every replacement asks the provider."""
        return ResourceOptions(parent=parent, delete_before_replace=True)
