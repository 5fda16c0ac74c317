"""Readings over HTTP: `POST /v1/readings`."""
