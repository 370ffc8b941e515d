"""The Triton kernels, one file each.

A file holds its kernel and, beside it, `PARAMETERS`: for every argument of the compiled function
its type, and after a colon the number that its value must be divisible by (what a just-in-time
compiler would have seen on the arguments). `element` stands for the KV's type.
"""
