"""HTTP: scripts and jobs, on this machine only as long as nobody signs in."""

from mlsql.rest.app import create_app

__all__ = ["create_app"]
