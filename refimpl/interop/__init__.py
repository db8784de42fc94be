"""Pairs inside other frameworks: refimpl.interop.torch and refimpl.interop.jax, imported only where they are used."""
