"""HTTP: scripts over ``POST /run/script``, on this machine only as long as nobody signs in."""

from mlsql.rest.app import create_app

__all__ = ["create_app"]
