"""`accepted keys`: API keys, directly on the store, so that the first one can be made before a server runs."""

from __future__ import annotations

import click

from accepted.cli.on_store import on_store
from accepted.cli.output import ago, print_json, table
from accepted.errors import ConfigurationError
from accepted.job import iso
from accepted.stores.base import Store


@click.group()
def keys() -> None:
    """Make, list and revoke API keys.

    For servers with ACCEPTED_AUTH=keys. They are made on the store itself; no server is needed.

    \b
    Example:  accepted keys create laptop --owner ann
    """


@keys.command()
@click.argument("name")
@click.option("--owner", required=True, help="Under whose name jobs submitted with it run.")
@click.option("--admin", is_flag=True, help="May see and cancel everybody's jobs.")
@on_store
async def create(store: Store, name: str, owner: str, admin: bool) -> None:
    """Make a key and print it.

    This once: the store keeps a hash of it only.

    \b
    Example:  accepted keys create laptop --owner ann --data /var/lib/app
    """
    from accepted.http.auth import new_key

    text, key = new_key(name, owner, admin=admin)
    await store.add_key(key)
    click.echo(text)
    click.echo(f"This is the only time it is shown. Revoke it with: accepted keys revoke {key.id}", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@on_store
async def list_keys(store: Store, as_json: bool) -> None:
    """List all keys.

    Whose they are, not what they are.

    \b
    Example:  accepted keys list
    """
    found = await store.keys()
    if as_json:
        print_json(
            [
                {
                    "id": key.id,
                    "name": key.name,
                    "owner": key.owner,
                    "admin": key.admin,
                    "created_at": iso(key.created_at),
                }
                for key in found
            ]
        )
        return
    rows = ((key.id, key.name, key.owner, "admin" if key.admin else "", ago(iso(key.created_at))) for key in found)
    table(("id", "name", "owner", "may", "created"), rows)


@keys.command()
@click.argument("key_id")
@on_store
async def revoke(store: Store, key_id: str) -> None:
    """End a key.

    Servers notice within seconds.

    \b
    Example:  accepted keys revoke 01a201ee-21bc-7e32-91f5-b18086d1e5be
    """
    if not await store.revoke_key(key_id):
        raise ConfigurationError(f"there is no key with the id {key_id!r}; `accepted keys list` shows them")
    click.echo(f"revoked {key_id}", err=True)


COMMANDS = (keys,)
