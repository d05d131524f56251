"""The import contract that import-linter lacks: within each slice, some modules are private to the slice."""

import grimp
from importlinter import Contract, ContractCheck, fields, output


class PrivateContract(Contract):
    """``<root>.<slice>.<name>`` is imported from within ``<root>.<slice>`` alone, for each name in ``names``.

    ``allowed`` are full names of modules that may import them all the same.
    """

    names = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - their signature
        """Fail with every import of a private module from another slice."""
        names: list[str] = self.contract_options["names"]
        allowed: list[str] = self.contract_options.get("allowed", [])
        breaches = [
            f"{importer} imports {module}"
            for module in sorted(graph.modules)
            if is_private(module, names)
            for importer in sorted(graph.find_modules_that_directly_import(module))
            if importer not in allowed and slice_of(importer) != slice_of(module)
        ]
        return ContractCheck(kept=not breaches, metadata={"breaches": breaches})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """One line for each breach."""
        for breach in check.metadata["breaches"]:
            output.print_error(breach)


def slice_of(module: str) -> str:
    """``appliance.jobs.tables`` → ``appliance.jobs``."""
    return ".".join(module.split(".")[:2])


def is_private(module: str, names: list[str]) -> bool:
    """Whether ``module`` is one of ``names`` directly within a slice, or lies beneath one."""
    parts = module.split(".")
    return len(parts) > len(("root", "slice")) and parts[2] in names
