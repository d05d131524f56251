"""``appliance``: the verbs put together, and every failure told as one sentence that says what to do next."""

import sys
from typing import Annotated

import typer

import appliance
from appliance.entry.cli import (
    adapters,
    answers,
    archives,
    audit,
    batches,
    deleting,
    deployments,
    directory,
    doctor,
    exporting,
    glossary,
    groups,
    ingest,
    invitations,
    jobs,
    keys,
    licence,
    local,
    models,
    originals,
    output,
    pushing,
    quotas,
    routes,
    search,
    sessions,
    sign_in,
    tenants,
    totp,
    usage,
    users,
)
from appliance.kit.errors import ApplianceError

app = typer.Typer(
    name="appliance",
    help="A private assistant that answers from your own documents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"appliance {appliance.__version__}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """A private assistant that answers from your own documents."""


app.command("up")(local.up)
app.command("status")(local.status)
app.command("stop")(local.stop)
app.command("logs")(local.logs)
app.command("login")(sign_in.login)
app.add_typer(sign_in.app, name="sign-in")
app.command("doctor")(doctor.doctor)
app.command("ingest")(ingest.ingest)
app.command("ask")(answers.ask)
app.command("search")(search.search)
app.add_typer(archives.COLLECTIONS, name="collections")
app.add_typer(originals.DOCUMENTS, name="documents")
app.add_typer(batches.app, name="batches")
app.add_typer(pushing.SOURCES, name="sources")
app.add_typer(models.app, name="models")
app.add_typer(adapters.app, name="adapters")
app.add_typer(deployments.app, name="deployments")
app.add_typer(routes.app, name="routes")
app.add_typer(jobs.app, name="jobs")
app.add_typer(licence.app, name="licence")
app.add_typer(glossary.app, name="glossary")
tenants.app.command("export")(exporting.export)
tenants.app.command("delete")(deleting.delete)
tenants.app.command("deletion")(deleting.deletion)
tenants.app.command("certificate")(deleting.certificate)
tenants.app.command("verify-certificate")(deleting.verify_certificate)
app.add_typer(tenants.app, name="tenants")
users.app.command("invite")(invitations.invite)
app.add_typer(users.app, name="users")
app.add_typer(invitations.app, name="invitations")
app.add_typer(groups.app, name="groups")
app.add_typer(keys.app, name="keys")
app.add_typer(sessions.app, name="sessions")
app.add_typer(totp.app, name="totp")
app.add_typer(directory.app, name="directory")
app.add_typer(quotas.app, name="quotas")
app.add_typer(usage.app, name="usage")
app.add_typer(audit.app, name="audit")


def main() -> None:
    """Run and exit with 0, 1 for a failure that was told, 2 for a wrong command line, 130 for Ctrl-C."""
    try:
        app()
    except ApplianceError as error:
        output.failure(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
