"""``appliance models fit``: whether a model would run on a machine, how, and what to ask for where it would not."""

from typing import Annotated, Any

import typer

from appliance.entry.cli import output
from appliance.entry.cli.output import Json

SIZES = ("weights", "adapters", "activations", "own", "cache")


def fit(  # noqa: PLR0917 - options are parameters
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Its name (the newest version), id or digest.")],
    gpu: Annotated[str | None, typer.Option(help="1x24GB, 2x80GB, cpu:16GB; this host when left out.")] = None,
    context: Annotated[int, typer.Option(help="Tokens of a prompt and its answer together.")] = 4096,
    concurrency: Annotated[int, typer.Option(help="Requests at once.")] = 16,
    dtype: Annotated[
        str | None, typer.Option(help="bfloat16, float16 or float32; left out: this host's own, elsewhere bfloat16.")
    ] = None,
    quantisation: Annotated[str, typer.Option(help="none, fp8, awq or gptq.")] = "none",
    adapters: Annotated[int, typer.Option(help="Adapters in one batch.")] = 0,
    adapter_rank: Annotated[int, typer.Option(help="The largest rank of an adapter.")] = 16,
    as_json: Json = False,
) -> None:
    """Plan how a version would run: memory, engine settings, concurrency. The exit code is 1 when it does not fit."""
    from appliance.entry.cli.client import connect
    from appliance.entry.cli.models import version

    output.wants_json(as_json)
    wish = {"gpu": gpu, "context": context, "concurrency": concurrency, "dtype": dtype, "quantisation": quantisation}
    with connect() as api:
        path = f"/api/v1/models/{version(api, model)['id']}/fit"
        plan = api.get(path, **wish, adapters=adapters, adapter_rank=adapter_rank)
    if as_json:
        output.document(plan)
    else:
        _told(plan)
    if not plan["fits"]:
        raise typer.Exit(1)


def _told(plan: dict[str, Any]) -> None:
    if plan["fits"]:
        output.say(f"It fits: {_wish(plan)}.")
        _parts(plan)
        return
    output.say(f"It does not fit: {_wish(plan)}.")
    for reason in plan["reasons"]:
        output.say(f"  {reason}")
    if plan["nearest"] is None:
        output.say("Nothing smaller fits there either.")
        return
    output.say(f"The nearest that fits: {_wish(plan['nearest'])}.")
    _parts(plan["nearest"])


def _wish(plan: dict[str, Any]) -> str:
    small = "" if plan["quantisation"] == "none" else f", weights in {plan['quantisation']}"
    return f"{plan['concurrency']} requests of {plan['context']} tokens{small}"


def _parts(plan: dict[str, Any]) -> None:
    output.fields({name: output.size(plan[name]) for name in SIZES}, SIZES)
    output.fields(plan, ("parallel", "tokens", "expected", "engine"))
