"""Loops over NumPy arrays, compiled: plain Python that Numba makes machine code of.

A kernel knows nothing but its arguments: limits and tables are among them, and what it uses besides is a literal or a
kernel of this package. Compiled code keeps the values of the names that it was compiled with, and is found again by
the sources of this package (`streams.engine`): a name from elsewhere could change without anybody noticing.

A file of kernels that are called from elsewhere has a `compile_ahead()`, which compiles them for the types that they
are called with; the parts of a large one stand in files of their own.
"""
