"""Vigil's peers: the same work written on other stream processors, each as well as its documentation teaches.

README.md is the contract. Peers run in environments of their own: what they import from here (`spec`, `reference`,
`step`) uses nothing but the standard library.
"""
