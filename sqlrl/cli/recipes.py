"""`sqlrl recipes`: list the settings for training, by machine and size, or show one of them."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("recipes")
@click.argument("name", required=False)
@click.option("--keys", is_flag=True, help="Say what each key means.")
def command(name: str | None, keys: bool) -> None:
    """List the settings for training, by machine and size, or show all keys of one.

    `sqlrl train BENCHMARK --recipe NAME` uses one; flags override its keys; a YAML file of your own may extend one.
    """
    from sqlrl.cli.terminal import Terminal
    from sqlrl.training.launch import command_of
    from sqlrl.training.recipe import KEYS, load_recipe, recipe_names

    with Terminal() as terminal:
        if name is None and keys:
            terminal.table(["key", "what it means"], [[key, meaning] for key, meaning in KEYS.items()])
        elif name is None:
            rows = []
            for each in recipe_names():
                recipe = load_recipe(each)
                devices = f"{recipe.processes} x {recipe.device_gb} GB" if recipe.device_gb else "any"
                rows.append([each, devices, recipe.default_method, recipe.sampler, recipe.about])
            terminal.table(["recipe", "devices", "method", "sampler", "for"], rows)
        else:
            recipe = load_recipe(name)
            columns = ["key", "value", "what it means"] if keys else ["key", "value"]
            values = [[key, _shown(getattr(recipe, key)), KEYS[key]][: len(columns)] for key in KEYS]
            terminal.table(columns, values)
            if recipe.processes > 8:
                machines = -(-recipe.processes // 8)
                arguments = ["train", "BENCHMARK", "--recipe", name]
                terminal.print(
                    "on each machine: " + command_of(recipe.processes, recipe.launcher, arguments, machines=machines)
                )


def _shown(value: object) -> str:
    if value is None:
        return "by the machine"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
