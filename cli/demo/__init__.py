"""`warren demo`: a whole simulated shop on this machine, the faults of the real world, and the proof at its end."""

from cli.demo.command import app

__all__ = ["app"]
